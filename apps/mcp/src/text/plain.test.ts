import { expect, test } from "vitest";
import { Plain } from "./plain.ts";

function textOf(bytes: string | Uint8Array): string {
  const plain = new Plain();
  const pieces = plain.feed(0, typeof bytes === "string" ? Buffer.from(bytes) : bytes, 0);
  const rest = plain.rest();
  return [...pieces, ...(rest ? [rest] : [])].map((p) => p.text + (p.isLineEnd ? "\n" : "")).join("");
}

test.each([
  ["colours", "\x1b[31mred\x1b[0m\n", "red\n"],
  ["a title", "\x1b]0;obey me\x07text\n", "text\n"],
  ["a title that ends with ST", "\x1b]2;obey\x1b\\text\n", "text\n"],
  ["a sequence of another set", "\x1b(Btext\n", "text\n"],
  ["progress on one line", "10%\r50%\r100%\n", "100%\n"],
  ["a shorter text over a longer one", "abcdef\rxy\x1b[K\n", "xy\n"],
  ["backspaces", "abc\b\bX\n", "aXc\n"],
  ["a tab", "a\tb\n", "a       b\n"],
  ["the line ends of a terminal", "a\r\nb\r\n", "a\nb\n"],
  ["bidi and tags", "a\u202eb\u{e0041}\n", "a\\u202eb\\u{e0041}\n"],
  ["variation selectors that carry bytes", "a\u{e0101}\n", "a\\u{e0101}\n"],
  ["C1 controls", "a\u009b31mb\n", "ab\n"],
  ["a line end inside a sequence, which a terminal obeys too", "\x1b[3\nmnext\n", "\nnext\n"],
])("%s", (_, bytes, text) => {
  expect(textOf(bytes)).toBe(text);
});

test.each([
  ["what vim draws", "make: ok\n\x1b[?1049h\x1b[2J~\n~\n-- INSERT --\x1b[?1049lafter\n", "make: ok\nafter\n", 28],
  ["a switch among other modes", "a\x1b[?25;1049hdrawn\x1b[?1049;25lb\n", "ab\n", 16],
  ["one that is not left", "a\n\x1b[?47hdrawn", "a\n", 5],
  ["modes of other numbers", "\x1b[?10490hshown\x1b[1049hshown\n", "shownshown\n", 0],
])("what is drawn on the alternate screen is no text, and is counted: %s", (_, bytes, text, drawn) => {
  const plain = new Plain();
  const pieces = plain.feed(0, Buffer.from(bytes), 0);
  const rest = plain.rest();
  expect([...pieces, ...(rest ? [rest] : [])].map((p) => p.text + (p.isLineEnd ? "\n" : "")).join("")).toBe(text);
  expect(plain.drawnBytes).toBe(drawn);
});

test("bytes that are no UTF-8 are shown as such, and what follows them is whole", () => {
  expect(textOf(Uint8Array.of(0xff, 0x61, 0xc3, 0x0a, 0xe2, 0x82, 0x62, 0x0a))).toBe("\ufffda\ufffd\n\ufffdb\n");
});

test("a line without end comes in pieces and takes no memory", () => {
  const plain = new Plain();
  const pieces = plain.feed(0, Buffer.alloc(100_000, 0x61), 7);
  expect(pieces.length).toBe(97);
  expect(pieces.every((p) => p.text.length === 1_024 && !p.isLineEnd && p.after === 7)).toBe(true);
  expect(plain.rest()).toMatchObject({ offset: 97 * 1_024, end: 100_000 });
});

test("a progress bar of a megabyte is one line, and says how many bytes it was", () => {
  const plain = new Plain();
  let pieces = 0;
  for (let i = 0; i < 1_000; i++) pieces += plain.feed(i * 1_000, Buffer.from("\r50%".padEnd(1_000, "\r")), 0).length;
  expect([pieces, plain.rest()]).toEqual([0, { text: "50%", offset: 0, end: 1_000_000, isLineEnd: false, after: 0 }]);
});

test("terminal queries that were taken out leave no hole", () => {
  const plain = new Plain();
  const [first] = plain.feed(0, Buffer.from("a\n"), 0, 10);
  const [second] = plain.feed(10, Buffer.from("b\n"), 1);
  expect([first!.end, second!.offset]).toEqual([10, 10]);
});
