import { expect, test } from "vitest";
import { LineReader, matcher, seenLine } from "./matcher.ts";

const line = (text: string) => ({ text, offset: 0 });
const hits = (text: string, regex: boolean, ...lines: string[]) => matcher(text, regex)(lines.map(line)).map((l) => l.text);

test("small letters find both, capitals only themselves", () => {
  expect(hits("error", false, "Error 1", "an ERROR", "fine")).toEqual(["Error 1", "an ERROR"]);
  expect(hits("Error", false, "Error 1", "an ERROR")).toEqual(["Error 1"]);
});

test("a pattern is one, and a text that looks like one is not", () => {
  expect(hits("^a.c$", true, "abc", "xabc")).toEqual(["abc"]);
  expect(hits("a.c", false, "abc", "a.c")).toEqual(["a.c"]);
});

test.each([
  ["(", true],
  ["", true],
  ["", false],
  ["a".repeat(1_001), true],
] as const)("%j is refused", (text, regex) => {
  expect(() => matcher(text, regex)).toThrow(expect.objectContaining({ code: "bad_request" }));
});

test("a pattern that would take for ever is stopped and said to be too slow", () => {
  const matches = matcher("^(a+)+$", true);
  expect(() => matches([line(`${"a".repeat(40)}!`)])).toThrow(expect.objectContaining({ code: "bad_request" }));
  expect(matches([line("aaa")])).toHaveLength(1);
});

test("lines have the offset of their first byte, wherever the output was cut, and whole characters", () => {
  const bytes = Buffer.from("eins\r\nzwölf €\r\n\r\noffen");
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = new LineReader();
    const lines = [...reader.push(100, bytes.subarray(0, cut)), ...reader.push(100 + cut, bytes.subarray(cut))];
    expect(lines).toEqual([
      { text: "eins", offset: 100 },
      { text: "zwölf €", offset: 106 },
      { text: "", offset: 118 },
    ]);
    expect(reader.open).toEqual({ text: "offen", offset: 120 });
  }
});

test("bytes that are not text keep the offsets of what follows them", () => {
  const reader = new LineReader();
  expect(reader.push(0, Buffer.concat([Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from("x\n")]))[1]).toEqual({
    text: "x",
    offset: 3,
  });
});

test("what does not follow begins a new line", () => {
  const reader = new LineReader();
  reader.push(0, Buffer.from("half"));
  expect(reader.push(10, Buffer.from("other\n"))).toEqual([{ text: "other", offset: 10 }]);
});

test("a line that does not end keeps its last 8 KiB", () => {
  const reader = new LineReader();
  for (let n = 0; n < 100; n++) reader.push(n * 1_000, Buffer.alloc(1_000, 0x61));
  expect(reader.open).toEqual({ text: "a".repeat(8_192), offset: 100_000 - 8_192 });
});

test("a line is as one sees it: colours away, and what a carriage return went back over", () => {
  expect(seenLine("\x1b[31mred\x1b[0m\r")).toBe("red");
  expect(seenLine("10 %\r 50 %\r100 %")).toBe("100 %");
});

test("a pattern is refused for the time that it takes, and not for what a busy machine takes", () => {
  // Longer than the clock would allow, on any machine; to this CPU it was nothing.
  const slow = [line(`${"a".repeat(26)}!`)];
  expect(matcher("^(a+)+$", true, () => 0)(slow)).toEqual([]);
  let looks = 0;
  expect(() => matcher("^(a+)+$", true, () => 60 * looks++)([line(`${"a".repeat(40)}!`)])).toThrow("takes too long");
  expect(looks).toBe(3);
});
