import { expect, test } from "vitest";
import { byCodePoint, parseJson, sameJson, WholeFloat, writeJson } from "./json.ts";

const again = (text: string): string | null => {
  const read = parseJson(text);
  return read.ok ? writeJson(read.value, null) : null;
};

test.each([
  ["1", "1"],
  ["1.0", "1.0"],
  ["-0", "0"],
  ["-0.0", "-0.0"],
  ["1e400", "Infinity"],
  ["1E5", "100000.0"],
  ["1e16", "1e+16"],
  ["0.0001", "0.0001"],
  ["0.00001", "1e-05"],
  ["123456789012345678901234567890", "123456789012345678901234567890"],
  ['[NaN, -Infinity, "NaN"]', '[NaN, -Infinity, "NaN"]'],
])("the number %s is written as Python writes it: %s", (text, written) => {
  expect(again(text)).toBe(written);
});

test("a lone surrogate, which Python fails to write, is written as its escape and read again", () => {
  const read = parseJson('{"a": "\\ud800"}');
  expect(read.ok && read.value).toEqual({ a: "\ud800" });
  expect(again('{"a": "\\ud800"}')).toBe('{"a": "\\ud800"}');
});

test("a key named __proto__ is a key like any other", () => {
  expect(again('{"__proto__": {"a": 1}}')).toBe('{"__proto__": {"a": 1}}');
});

test("keys are in the order of code points, where UTF-16 would have an emoji before a private character", () => {
  expect(["\u{1f600}", "\ue000", "a", ""].sort(byCodePoint)).toEqual(["", "a", "\ue000", "\u{1f600}"]);
});

test("1 and 1.0 are different values, and the order of keys makes no difference", () => {
  expect(sameJson(1, new WholeFloat(1))).toBe(false);
  expect(sameJson({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
});

test("a BOM is passed over, and what is no JSON is refused with its cause", () => {
  expect(parseJson("\ufeff[]")).toEqual({ ok: true, value: [] });
  expect(parseJson("[1,")).toMatchObject({ ok: false, cause: expect.stringContaining("JSON") });
});
