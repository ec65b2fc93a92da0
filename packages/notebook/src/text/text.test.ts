import { expect, test } from "vitest";
import type { CodeCell, Output } from "../format/index.ts";
import { cellText, imageOf, outputText, overwritten, sanitized } from "./index.ts";

const stream = (text: string): Output => ({ output_type: "stream", name: "stdout", text });
const display = (data: Record<string, string | object>): Output => ({
  output_type: "display_data",
  data: data as never,
  metadata: {},
});

test.each([
  ["a title", "a\x1b]0;evil\x07b", "ab"],
  ["a clipboard", "a\x1b]52;c;ZXZpbA==\x1b\\b", "ab"],
  ["a title that never ends", "a\x1b]0;evil", "a"],
  ["a string cut by an escape", "a\x1b]0;ev\x1b[31mb", "a\x1b[31mb"],
  ["a cursor's move", "a\x1b[2Jb\x1b[1;1Hc", "abc"],
  ["a private mode that ends in m", "a\x1b[>4;2mb\x1b[?4mc", "abc"],
  ["an image of sixels", "a\x1bPq#0\x1b\\b", "ab"],
  ["8-bit forms", "a\x9b2Jb\x9d0;evil\x9cc\x90q\x9cd\x85", "abcd"],
  ["a bell, an escape alone, a reset", "a\x07b\x1bcd\x1b", "abd"],
  ["colours", "\x1b[1;38:2::1:2:3ma\x1b[mb", "\x1b[1;38:2::1:2:3ma\x1b[mb"],
  ["an unfinished colour", "a\x1b[31", "a"],
  ["a colour broken by a newline", "a\x1b[31\nb", "a\nb"],
])("S1, S2: %s", (_name, text, expected) => {
  expect(sanitized(text)).toBe(expected);
});

test.each([
  ["10%\r20%\n", "20%\n"],
  ["abc\rx", "xbc"],
  ["ab\b\bxy\bz\b\b\b\b1", "1z"],
  ["a\r\nb", "a\nb"],
  ["\x1b[31mred\x1b[0m\rb", "\x1b[0mb\x1b[0m\x1b[31med\x1b[0m"],
  ["e\u0301x\ry", "yx"],
])("%j is shown as %j", (text, expected) => {
  expect(overwritten(text)).toBe(expected);
});

test("text is preferred, JSON is indented, and what is neither is named with its size", () => {
  expect(outputText(display({ "text/html": "<b>", "text/plain": "b" }))).toBe("b\n");
  expect(outputText(display({ "application/json": { a: 1 } }))).toBe('{\n  "a": 1\n}\n');
  expect(outputText(display({ "image/png": "AAAA\nAA==" }))).toBe("[image/png, 4 bytes]\n");
  expect(outputText(display({}))).toBe("");
  expect(imageOf(display({ "image/png": "AAAA\nAA==" }))).toEqual({ mime: "image/png", base64: "AAAAAA==" });
  expect(imageOf(stream("x"))).toBeNull();
});

test("a cell's outputs begin a line each, pieces of streams go on, and no colour outlives its output", () => {
  const outputs = [
    stream("one "),
    stream("two"),
    { output_type: "error", ename: "E", evalue: "v", traceback: ["\x1b[31mred", "line"] } as Output,
    { output_type: "error", ename: "E", evalue: "v", traceback: [] } as Output,
  ];
  const cell = { cell_type: "code", metadata: {}, source: "", execution_count: 1, outputs } as CodeCell;
  expect(cellText(cell)).toBe("one two\n\x1b[31mred\nline\x1b[0m\nE: v\n");
  expect(cellText(cell, { colors: false, maxUnits: 8 })).toContain("red\n[output_limit] 5 more characters\n");
});
