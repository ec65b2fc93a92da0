import { expect, test } from "vitest";
import { ModeTracker, QueryFilter, QueryScanner } from "./index.ts";

/** A socket's read buffer: each chunk lies in the same bytes, which the next one overwrites. */
function readInto(buffer: Buffer, text: string): Buffer {
  buffer.fill(0x58);
  return buffer.subarray(0, buffer.write(text, "latin1"));
}

test("a sequence cut in two comes out whole when the buffer that held its head was read into again", () => {
  const buffer = Buffer.alloc(64);
  const filter = new QueryFilter();
  const shown = ["red \x1b[38;2;2", "55;0;0mtext\x1b]8;;http", "://x\x07link"].map((t) =>
    Buffer.from(filter.filter(readInto(buffer, t))).toString("latin1"),
  );
  expect(shown.join("")).toBe("red \x1b[38;2;255;0;0mtext\x1b]8;;http://x\x07link");
});

test("a query cut in two is found, and a mode set across two reads undone, all the same", () => {
  const buffer = Buffer.alloc(64);
  const scanner = new QueryScanner();
  expect([...scanner.ends(readInto(buffer, "ab\x1b[")), ...scanner.ends(readInto(buffer, "6n"))]).toHaveLength(1);
  const modes = new ModeTracker();
  for (const text of ["\x1b[?20", "04h"]) modes.feed(readInto(buffer, text));
  expect(Buffer.from(modes.undo()).toString("latin1")).toContain("\x1b[?2004l");
});
