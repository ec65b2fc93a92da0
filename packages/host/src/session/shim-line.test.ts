import type { ShimHandlers, ShimLink } from "@holdfast/shim";
import { expect, test } from "vitest";
import { JournalError } from "../journal/fault.ts";
import type { Book } from "./book.ts";
import type { SessionPorts } from "./ports.ts";
import { ShimLine, type LineHandlers } from "./shim-line.ts";

function scene() {
  const links: ShimHandlers[] = [];
  const heard: string[] = [];
  let isFull = false;
  const ports = {
    log: () => {},
    connectShim: (_path: string, _acked: unknown, handlers: ShimHandlers) => {
      links.push(handlers);
      return { close: () => {} } as ShimLink;
    },
  } as unknown as SessionPorts;
  const book = { id: "s1", facts: { socketPath: "" }, journalled: () => [] } as unknown as Book;
  const line = new ShimLine(book, ports, {
    output: (_stream: number, offset: number) => {
      if (isFull) throw new JournalError("disk_full", "no room");
      heard.push(`output at ${offset}`);
    },
    probed: () => heard.push("probe"),
    ended: () => heard.push("end"),
    stalled: () => heard.push("stalled"),
  } as unknown as LineHandlers);
  const output = (of: number, offset: number): void => links[of]!.output(0, BigInt(offset), 0n, Uint8Array.of(1));
  return { line, links, heard, output, fill: (full: boolean) => (isFull = full) };
}

test("what a link says that was let go of for a full disk is not heard on the next one, however late it comes", () => {
  const s = scene();
  s.line.connect();
  s.output(0, 0);
  s.fill(true);
  s.output(0, 1);
  s.fill(false);
  s.line.thawed();
  s.output(0, 9);
  s.links[0]!.probe!({} as never);
  s.links[0]!.end("closed", "");
  s.output(1, 1);
  expect(s.heard).toEqual(["output at 0", "stalled", "output at 1"]);
});
