import { describe, expect, test } from "vitest";
import { Offset } from "../id.ts";
import { type Mark, MarkScanner, maxMarkBytes, stripMarks } from "./marks.ts";

const nonce = "0123456789abcdef";
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const osc = (kind: string, count: number, fields = "", by = nonce) =>
  `\x1b]633;hold;${kind};${by};${count}${fields === "" ? "" : `;${fields}`}\x07`;
const scan = (text: string, scanner = new MarkScanner(nonce)) => scanner.push(Offset(0), bytes(text));

test("each kind is read with its fields and its place", () => {
  const stream = `out${osc("P", 1, "Cwd=/a\\x3bb\\x5cc ü")}${osc("A", 2, "7")}$ ${osc("B", 3, "1;12")}${osc("C", 5, "12;echo a; b\\x0Ac")}hi${osc("D", 6, "0")}${osc("F", 7)}${osc("V", 8, "2")}`;
  const marks = scan(stream);
  expect(marks.map(({ startOffset, endOffset, count, ...rest }) => rest)).toEqual([
    { kind: "cwd", cwd: "/a;b\\c ü" },
    { kind: "prompt", exit: 7 },
    { kind: "ready", bracketedPaste: true, historyNumber: 12 },
    { kind: "start", historyNumber: 12, text: "echo a; b\nc" },
    { kind: "end", exit: 0 },
    { kind: "continuation" },
    { kind: "validity", validity: "incomplete" },
  ]);
  const raw = bytes(stream);
  for (const m of marks) expect([raw[m.startOffset], raw[m.endOffset - 1]]).toEqual([0x1b, 0x07]);
  expect(marks[0]?.startOffset).toBe(3);
});

test.each([
  ["another nonce", osc("D", 5, "0", "fedcba9876543210")],
  ["a count seen before", osc("A", 4, "0") + osc("D", 4, "0")],
  ["an older count", osc("A", 9, "1") + osc("D", 3, "0")],
  ["no count", `\x1b]633;hold;D;${nonce}\x07`],
  ["a count that is no number", `\x1b]633;hold;D;${nonce};x;0\x07`],
  ["an unknown kind", osc("Z", 5, "0")],
  ["VS Code's marks", "\x1b]633;D;0\x07\x1b]133;D;0\x07"],
  ["a control byte inside", osc("D", 5, "0").replace("hold", "ho\nld")],
  ["ST in place of BEL", osc("D", 5, "0").replace("\x07", "\x1b\\")],
  ["a mark longer than any", osc("C", 5, `1;${"x".repeat(maxMarkBytes)}`)],
])("%s is output and no mark", (_, text) => {
  expect(scan(text).filter((m) => m.kind !== "prompt")).toEqual([]);
});

test.each(["", "256", "-1", "0x0", "00000000000000000", " 0", "1e1"])("an exit of %j is unknown, not 0", (field) => {
  expect(scan(osc("D", 1, field))[0]).toMatchObject({ kind: "end", exit: null });
});

test("the same marks are found wherever the stream is cut", () => {
  const stream = bytes(
    `a\x1b[31mb\x07\x1b]0;t\x07${osc("A", 1, "0")}\x1b\x1b${osc("B", 2, "1;1")}\x1b]633;hol${osc("C", 3, "1;ü✓")}\x1b]633;hold;D;\x1b${osc("D", 4, "1")}`,
  );
  const whole = new MarkScanner(nonce).push(Offset(0), stream);
  expect(whole.map((m) => m.kind)).toEqual(["prompt", "ready", "start", "end"]);
  for (let cut = 0; cut <= stream.length; cut++) {
    for (const second of [cut, cut + 1, cut + 7]) {
      const scanner = new MarkScanner(nonce);
      const at = Math.min(second, stream.length);
      const found = [
        ...scanner.push(Offset(0), stream.subarray(0, cut)),
        ...scanner.push(Offset(cut), stream.subarray(cut, at)),
        ...scanner.push(Offset(at), stream.subarray(at)),
      ];
      expect(found, `cut at ${cut} and ${at}`).toEqual(whole);
    }
  }
  const single = new MarkScanner(nonce);
  expect([...stream].flatMap((byte, i) => single.push(Offset(i), Uint8Array.of(byte)))).toEqual(whole);
});

test("a mark that began and never ends holds no more than one mark's bytes, and the next is found", () => {
  const scanner = new MarkScanner(nonce);
  let offset = 0;
  const push = (text: string): readonly Mark[] => {
    const b = bytes(text);
    const found = scanner.push(Offset(offset), b);
    offset += b.length;
    return found;
  };
  push(`\x1b]633;hold;C;${nonce};1;1;`);
  for (let i = 0; i < 100; i++) push("y".repeat(1000));
  expect(push(osc("D", 2, "0"))).toHaveLength(1);
});

test("after a gap, half a mark is forgotten", () => {
  const scanner = new MarkScanner(nonce, 10);
  scanner.push(Offset(0), bytes(`\x1b]633;hold;D;${nonce};`));
  scanner.skip();
  expect(scanner.push(Offset(500), bytes("11;0\x07"))).toEqual([]);
  expect(scanner.push(Offset(505), bytes(osc("D", 10, "0") + osc("D", 11, "0")))).toMatchObject([
    { count: 11, startOffset: 505 + osc("D", 10, "0").length },
  ]);
  expect(scanner.lastCount).toBe(11);
});

test("stripping takes this nonce's marks out and leaves the rest", () => {
  const other = osc("D", 5, "0", "fedcba9876543210");
  expect(Buffer.from(stripMarks(bytes(`a${osc("A", 1, "0")}b\x07${other}${osc("D", 1, "0")}c`), nonce)).toString()).toBe(
    `ab\x07${other}c`,
  );
  const plain = bytes("plain\x07");
  expect(stripMarks(plain, nonce)).toBe(plain);
});

describe("bytes that are not UTF-8", () => {
  test.each([
    [[0xff], "\ufffd"],
    [[0xc3], "\ufffd"],
    [[0xe2, 0x82], "\ufffd\ufffd"],
    [[0xf0, 0x9f, 0x8c, 0x8a], "🌊"],
    [[0xed, 0xa0, 0x80], "\ufffd\ufffd\ufffd"],
    [[0xc0, 0xaf], "\ufffd\ufffd"],
  ])("%j", (raw, text) => {
    const mark = new Uint8Array([...bytes(`\x1b]633;hold;C;${nonce};1;;`), ...raw, 7]);
    expect(new MarkScanner(nonce).push(Offset(0), mark)[0]).toMatchObject({ text });
  });
});
