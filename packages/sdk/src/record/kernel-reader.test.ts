import { type BridgeRecord, encoded, json } from "@holdfast/kernel";
import { bytesOf, create, type Event, EventSchema, OperatorKind } from "@holdfast/protocol";
import { expect, test } from "vitest";
import type { KernelTold } from "../api/index.ts";
import { KernelReader } from "./kernel-reader.ts";
import { KernelTranscript } from "./kernel-transcript.ts";

const OPERATOR = { id: "op-ana", name: "ana", kind: "human", via: "page" };
const { crc32 } = process.getBuiltinModule("node:zlib");
const bytes = (record: BridgeRecord): Uint8Array => Buffer.concat(encoded(record, crc32));

function said(type: string, content: object, channel: "iopub" | "shell" | "stdin" = "iopub", parent = "run-1"): Uint8Array {
  const message = {
    header: json({ msg_id: `${type}-id`, msg_type: type, session: "k" }),
    parent: json({ msg_id: parent, operator: OPERATOR }),
    ...{ metadata: json({}), content: json(content), buffers: [] },
  };
  return bytes({ kind: "message", channel, incarnation: 1, message });
}

const word = (value: object): Uint8Array => bytes({ kind: "word", word: value as never });
const begun = [
  word({ word: "started", incarnation: 1, pid: 7, transport: "ipc", atUnixMs: 0 }),
  word({ word: "ready", incarnation: 1, tookMs: 1, info: { protocol_version: "5.3" }, atUnixMs: 0 }),
];

const event = (kind: object, data = ""): Event =>
  create(EventSchema, { seq: 5n, actor: "op-ana", via: "page", body: { kind }, data: bytesOf(data) } as never);
const asked = (run = "run-1"): Event =>
  event({ case: "kernelAsked", value: { run, name: "ana", kind: OperatorKind.HUMAN, onBehalfOf: "" } }, "input('? ')");

function reading(...pieces: readonly (Uint8Array | Event)[]): { told: KernelTold[]; reader: KernelReader } {
  const reader = new KernelReader();
  const told = pieces.flatMap((piece) =>
    piece instanceof Uint8Array ? reader.output({ stream: 1, bytes: piece, seq: 1 }) : reader.event(piece),
  );
  return { told, reader };
}

const typesOf = (told: readonly KernelTold[]): string[] =>
  told.map((what) => (what.type === "message" ? `message ${what.said.type}` : what.type));

test("a run is told from its asking to its end, its last message before the end, with who asked and its number", () => {
  const { told, reader } = reading(
    ...begun,
    asked(),
    event({ case: "input", value: { message: "run-1" } }),
    said("status", { execution_state: "busy" }),
    said("execute_input", { code: "input('? ')", execution_count: 3 }),
    said("input_request", { prompt: "? ", password: true }, "stdin"),
    event({ case: "input", value: { message: "reply:input_request-id" } }),
    said("execute_reply", { status: "ok", execution_count: 3 }, "shell"),
    said("status", { execution_state: "idle" }),
    said("stream", { name: "stdout", text: "late" }),
  );
  expect(typesOf(told)).toEqual([
    ...["phase", "phase", "asked", "running", "message status", "message execute_input", "prompt", "message input_request"],
    ...["prompt_over", "message execute_reply", "message status", "over", "message stream"],
  ]);
  expect(told.find(({ type }) => type === "prompt_over")).toMatchObject({ by: "op-ana", prompt: { password: true } });
  expect(told.find(({ type }) => type === "over")).toMatchObject({
    outcome: "ok",
    run: { run: "run-1", executionCount: 3, by: OPERATOR },
  });
  expect(told.at(-1)).toMatchObject({ run: { run: "run-1" }, by: OPERATOR });
  expect(reader.view).toMatchObject({ phase: "ready", current: null, waiting: [], prompt: null });
});

test("F1: who begins in the middle knows who asked by the message itself, and no run", () => {
  const whole = said("stream", { name: "stdout", text: "x" });
  const reader = new KernelReader({ phase: "ready", incarnation: 1 });
  const told = reader.output({ stream: 1, bytes: Buffer.concat([whole.subarray(30), whole]), seq: 9 });
  expect(told).toMatchObject([{ type: "message", run: null, by: OPERATOR, seq: 9 }]);
});

test("what an AI is shown with a masked secret is read all the same: no checksum is of it", () => {
  const masked = Buffer.from(said("stream", { name: "stdout", text: "secret" }));
  masked.write("******", masked.indexOf("secret"));
  expect(reading(...begun, masked).told.at(-1)).toMatchObject({ said: { content: { text: "******" } } });
});

test("F2: a gap ends what was half read, and what comes behind it is whole", () => {
  const reader = new KernelReader({ phase: "ready", incarnation: 1 });
  const one = said("stream", { name: "stdout", text: "one" });
  reader.output({ stream: 1, bytes: one.subarray(0, one.length - 3), seq: 1 });
  expect([reader.isWhole, typesOf(reader.gap({ fromSeq: 2, toSeq: 3, reason: "retention" }))]).toEqual([false, ["gap"]]);
  expect(typesOf(reader.output({ stream: 1, bytes: one, seq: 4 }))).toEqual(["message stream"]);
});

test("a kernel that dies takes its run with it, and what waited for it is not run", () => {
  const died = word({ word: "died", incarnation: 1, code: 3, signal: null, expected: false, atUnixMs: 0 });
  const { told, reader } = reading(
    ...begun,
    asked(),
    asked("run-2"),
    event({ case: "input", value: { message: "run-1" } }),
    died,
  );
  expect(told.flatMap((what) => (what.type === "over" ? [[what.run.run, what.outcome]] : []))).toEqual([
    ["run-1", "lost"],
    ["run-2", "voided"],
  ]);
  expect(reader.view.phase).toBe("dead");
});

test("X1: a transcript says who ran what, and each piece begins a line but a stream's", () => {
  const transcript = new KernelTranscript();
  const { told } = reading(
    ...begun,
    said("execute_input", { code: "a\nb\n", execution_count: 12 }),
    said("stream", { name: "stdout", text: "half" }),
    said("stream", { name: "stdout", text: " more" }),
    said("execute_result", { data: { "text/plain": "42" }, execution_count: 12 }),
    said("error", { ename: "E", evalue: "v", traceback: [] }),
  );
  const text = told.flatMap((what) => (what.type === "message" ? transcript.add(what.said) : [])).map((piece) => piece.text);
  expect(text.join("")).toBe(`In [12] ana: a\n${" ".repeat(13)}b\nhalf more\n42\nE: v\n`);
});
