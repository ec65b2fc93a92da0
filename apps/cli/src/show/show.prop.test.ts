import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeBytes, escapeText } from "@holdfast/sdk";
import { table } from "./table.ts";
import { cutTo, textWidth } from "./width.ts";

const obeyed = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f]/;

test("E1: whatever text comes, a terminal obeys none of it", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !obeyed.test(escapeText(text))));
  fc.assert(fc.property(fc.uint8Array(), (bytes) => !obeyed.test(escapeBytes(bytes))));
});

test("text that is safe is left as it is", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme-ascii" }), (text) => escapeText(text) === text));
});

test("a cut text never takes more than its room", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.integer({ min: 0, max: 40 }),
      (text, width) => textWidth(cutTo(text, width)) <= Math.max(width, 0),
    ),
  );
});

test("T1: no line of a table is wider than the terminal while the columns' least widths fit", () => {
  const columns = [
    { title: "A", least: 3, give: 2 },
    { title: "B", least: 3, give: 1 },
    { title: "C", least: 2, give: 3 },
  ];
  const row = fc.tuple(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.string());
  fc.assert(
    fc.property(fc.array(row, { maxLength: 5 }), fc.integer({ min: 12, max: 60 }), (rows, width) => {
      for (const line of table(columns, rows, width)) expect(textWidth(line)).toBeLessThanOrEqual(width);
    }),
  );
});
