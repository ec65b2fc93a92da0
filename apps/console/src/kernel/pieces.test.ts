import type { KernelSaid, KernelTold } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { MOST_PIECES, Pieces } from "./pieces.ts";

const bytes = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

function said(type: string, content: Record<string, unknown>): KernelTold {
  const header = { msg_id: "m", msg_type: type };
  const parent = { msg_id: "r", username: "ana", operator: { id: "op-ana", name: "ana", kind: "human" } };
  const raw = { header: bytes(header), parent: bytes(parent), metadata: bytes({}), content: bytes(content) };
  const of: KernelSaid = { channel: "iopub", incarnation: 1, type, header, parent, metadata: {}, content, buffers: [], raw };
  return { type: "message", said: of, run: null, by: null, seq: 1 };
}

test("code stands under who asked for it, and a stream that prints on is one piece", () => {
  const pieces = new Pieces();
  pieces.take(said("execute_input", { code: "print(1)", execution_count: 3 }));
  for (const text of ["1", "2\n"]) pieces.take(said("stream", { name: "stdout", text }));
  expect(pieces.all.map(({ kind, by, count, text }) => [kind, by, count, text])).toEqual([
    ["code", "ana", 3, "print(1)"],
    ["text", "", null, "12\n"],
  ]);
});

test("colours are left out, and what would move a cursor is shown as what it is", () => {
  const pieces = new Pieces();
  pieces.take(said("error", { ename: "E", evalue: "v", traceback: ["\u001b[31mred\u001b[0m \u001b[2J"] }));
  expect(pieces.all[0]).toMatchObject({ kind: "error", text: "red \\e[2J\n" });
});

test("a page keeps the latest pieces", () => {
  const pieces = new Pieces();
  for (let n = 0; n < MOST_PIECES + 5; n++) pieces.take(said("execute_input", { code: String(n), execution_count: n }));
  expect([pieces.all.length, pieces.all[0]!.text]).toEqual([MOST_PIECES, "5"]);
});
