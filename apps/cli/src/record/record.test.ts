import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Cleaner } from "./clean.ts";
import { LineEnds } from "./line-ends.ts";

const clean = (...chunks: (string | Uint8Array)[]) => {
  const cleaner = new Cleaner();
  const lines = chunks.flatMap((c) => cleaner.feed(Buffer.from(c as string)));
  const rest = cleaner.rest();
  return [...lines, ...(rest ? [rest] : [])].map((l) => l.text);
};

describe("output as lines", () => {
  test("colours, titles and marks are not part of the text", () => {
    expect(clean("\x1b[1;31merror\x1b[0m: no\r\n\x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\r\n")).toEqual([
      "error: no",
      "link",
    ]);
  });
  test("a progress bar leaves its last state", () => {
    expect(clean("10 %\r50 %\r100 %\r\n")).toEqual(["100 %"]);
    expect(clean("abc\b\bX\n")).toEqual(["aXc"]);
  });
  test("a line without an end is cut, and not kept growing", () => {
    expect(clean("x".repeat(10_000)).map((l) => l.length)).toEqual([4096, 4096, 1808]);
  });
  test("C1: the lines do not depend on how the bytes are cut", () => {
    const parts = fc.constantFrom(
      "a",
      "é",
      "漢",
      "\r",
      "\n",
      "\b",
      "\t",
      "\x1b[31m",
      "\x1b]0;t\x07",
      "\x1b",
      "[",
      "K",
      "\x1bP1\x1b\\",
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 15 }), fc.nat(60), (p, cut) => {
        const all = Buffer.from(p.join(""));
        const at = cut % (all.length + 1);
        expect(clean(all.subarray(0, at), all.subarray(at))).toEqual(clean(all));
      }),
    );
  });
});

test("what a terminal made of line ends is undone, also when it is cut between CR and LF, and nothing else is", () => {
  const ends = new LineEnds();
  const out = ["a\r", "\nb\rc\r\n", "\r"].map((c) => Buffer.from(ends.feed(Buffer.from(c))).toString());
  expect(out.join("") + Buffer.from(ends.rest()).toString()).toBe("a\nb\rc\n\r");
});
