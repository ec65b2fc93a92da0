import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CastWriter } from "./asciicast.ts";
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

describe("asciicast", () => {
  test("version 2 counts from the start, version 3 from the event before", () => {
    const two = new CastWriter(2, 1_000);
    expect(JSON.parse(two.header({ cols: 80, rows: 24, atMs: 1_000, title: "t" }))).toEqual({
      version: 2,
      width: 80,
      height: 24,
      timestamp: 1,
      title: "t",
      env: { TERM: "xterm-256color" },
    });
    expect([two.event("o", 1_500, "a"), two.event("o", 3_000, "b")]).toEqual(['[0.5,"o","a"]\n', '[2,"o","b"]\n']);
    const three = new CastWriter(3, 1_000);
    expect(JSON.parse(three.header({ cols: 80, rows: 24, atMs: 1_000 }))).toMatchObject({
      version: 3,
      term: { cols: 80, rows: 24 },
    });
    expect([three.event("o", 1_500, "a"), three.event("x", 3_000, "0")]).toEqual(['[0.5,"o","a"]\n', '[1.5,"x","0"]\n']);
  });
  test("a character cut between two events goes with the second", () => {
    const w = new CastWriter(2, 0);
    const euro = Buffer.from("€");
    expect(w.event("o", 1, euro.subarray(0, 1))).toBe("");
    expect(JSON.parse(w.event("o", 2, euro.subarray(1)))[2]).toBe("€");
  });
  test("A1: a clock that runs backwards does not, and long pauses are shortened where that is asked for", () => {
    const w = new CastWriter(2, 10_000, 1_000);
    expect(JSON.parse(w.event("o", 5_000, "a"))[0]).toBe(0);
    expect(JSON.parse(w.event("o", 60_000, "b"))[0]).toBe(1);
    expect(w.event("x", 61_000, "0")).toBe("");
  });
});

test("what a terminal made of line ends is undone, also when it is cut between CR and LF, and nothing else is", () => {
  const ends = new LineEnds();
  const out = ["a\r", "\nb\rc\r\n", "\r"].map((c) => Buffer.from(ends.feed(Buffer.from(c))).toString());
  expect(out.join("") + Buffer.from(ends.rest()).toString()).toBe("a\nb\rc\n\r");
});
