/** Output made to exhaust: time and memory stay bounded, and what comes after it is still shown. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { MAX_CELL_CHARS, MAX_LINKS } from "./guards.ts";
import { MAX_STRING_BYTES } from "./pending.ts";
import { ScreenModel } from "./screen-model.ts";
import { serialize } from "./serialize.ts";

const encode = (s: string): Uint8Array => new TextEncoder().encode(s);
const MIB = 1024 * 1024;

function model(cols = 80, rows = 24): ScreenModel {
  return new ScreenModel(cols, rows);
}
/** What a snapshot of it weighs, and whether it still draws. */
function stillWorks(m: ScreenModel): number {
  m.write(encode("\x18\x1b\\\x1b[0m\x1b[?6l\x1b[r\x1b[H\x1b[2Jstill here"));
  expect(m.term.buffer.active.getLine(m.term.buffer.active.baseY)?.translateToString(true)).toBe("still here");
  return serialize(m).vt.length;
}
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
function heldBytes(): number {
  collect();
  collect();
  const u = process.memoryUsage();
  return u.heapUsed + u.external;
}
function elapsedMs(f: () => void): number {
  const t = performance.now();
  f();
  return performance.now() - t;
}

describe("hostile output", () => {
  test.each([
    "b",
    "S",
    "T",
    "L",
    "M",
    "I",
    "Z",
    "@",
    "P",
    "X",
    "A",
    "B",
    "C",
    "D",
    "E",
    "F",
    "d",
    "`",
    "a",
    "e",
    "G",
    " @",
    " A",
    "'}",
    "'~",
  ])("a count of 2^31 for CSI %s takes no time", (final) => {
    const m = model();
    m.write(encode("text \x1b[12;40Hx"));
    expect(elapsedMs(() => m.write(encode(`x\x1b[2147483648${final}x\x1b[4294967296;99999999999${final}`)))).toBeLessThan(500);
    stillWorks(m);
  });

  test("a control sequence with a million parameters", () => {
    const m = model();
    m.write(encode("\x1b[1"));
    for (let i = 0; i < 100; i++) m.write(encode(";31".repeat(10_000)));
    expect(m.pendingBytes().length).toBeLessThan(8192);
    const twin = model();
    twin.write(serialize(m).vt);
    for (const t of [m, twin]) t.write(encode("mred"));
    expect(serialize(twin).vt).toEqual(serialize(m).vt);
    stillWorks(m);
  });

  test.each([
    ["OSC", "\x1b]2;"],
    ["OSC 8", "\x1b]8;;http://"],
    ["DCS", "\x1bP$q"],
    ["unknown DCS", "\x1bPq"],
    ["APC", "\x1b_G"],
    ["SOS", "\x1bX"],
  ])(
    "an unterminated %s of 100 MB keeps at most 1 MiB",
    (_name, opener) => {
      const m = model();
      const before = heldBytes();
      m.write(encode(opener));
      const piece = new Uint8Array(MIB).fill(0x61);
      for (let i = 0; i < 100; i++) {
        m.write(piece);
        expect(m.pendingBytes().length).toBeLessThanOrEqual(MAX_STRING_BYTES + 64);
      }
      expect(heldBytes() - before).toBeLessThan(8 * MIB);
      const twin = model();
      twin.write(serialize(m).vt);
      for (const t of [m, twin]) t.write(encode("tail\x1b\\shown"));
      expect(twin.term.buffer.active.getLine(0)?.translateToString(true)).toBe("shown");
      expect(serialize(twin).vt).toEqual(serialize(m).vt);
    },
    60_000,
  );

  test("ten million combining marks on one cell", () => {
    const m = model();
    m.write(encode("e"));
    const marks = encode("\u0301".repeat(100_000));
    for (let i = 0; i < 100; i++) m.write(marks);
    expect(m.core._bufferService.buffers.normal.lines.get(0)?._combined[0]?.length).toBeLessThanOrEqual(MAX_CELL_CHARS);
    expect(stillWorks(m)).toBeLessThan(4096);
  }, 60_000);

  test("a hundred thousand links on one row keep a bounded number", () => {
    const m = model();
    for (let i = 0; i < 100_000; i++) m.write(encode(`\r\x1b]8;;https://a.example/${i}\x1b\\x\x1b]8;;\x1b\\`));
    expect(m.core._inputHandler._oscLinkService._dataByLinkId.size).toBeLessThanOrEqual(MAX_LINKS);
    stillWorks(m);
  }, 60_000);

  test("a link left open over a flood costs no more per row than the rows it spans", () => {
    const m = model();
    m.write(encode("\x1b]8;;https://a.example/\x1b\\"));
    const flood = encode("linked text that goes on\r\n".repeat(20_000));
    expect(elapsedMs(() => m.write(flood))).toBeLessThan(5_000);
    stillWorks(m);
  }, 60_000);

  test("titles, title pushes and colours without end", () => {
    const m = model();
    for (let i = 0; i < 2000; i++) m.write(encode(`\x1b]2;${"t".repeat(4000)}\x07\x1b[22;0t\x1b]4;${i % 300};rgb:1/2/3\x07`));
    m.write(encode(`\x1b]4;${";".repeat(900_000)}\x07`));
    expect(serialize(m).vt.length).toBeLessThan(128 * 1024);
  });

  test("more keyboard pushes, modes and resources than anyone needs", () => {
    const m = model();
    for (let i = 0; i < 5000; i++) m.write(encode(`\x1b[>${i % 31}u\x1b[?${i + 3000}h\x1b[${i + 100}h\x1b[>${i};1m\x1b[?${i}s`));
    expect(serialize(m).vt.length).toBeLessThan(32 * 1024);
  });

  test("sizes from 1×1 to 1000×500 are taken, others are refused", () => {
    for (const [cols, rows] of [
      [1, 1],
      [1000, 500],
      [2, 500],
      [1000, 1],
    ] as const) {
      const m = model(cols, rows);
      m.write(encode("日本 text\r\n\x1b[5;5Hmore\x1b[?1049halt"));
      for (const [c, r] of [
        [1, 1],
        [1000, 500],
        [80, 24],
      ] as const)
        m.resize(c, r);
      stillWorks(m);
    }
    const m = model();
    for (const [cols, rows] of [
      [0, 24],
      [-1, 24],
      [80, 0],
      [1001, 24],
      [80, 501],
      [65_535, 65_535],
      [Number.NaN, 24],
      [80.5, 24],
    ] as const) {
      expect(() => m.resize(cols, rows)).toThrow(/bad_size/);
      expect(() => model(cols, rows)).toThrow(/bad_size/);
    }
  });

  test("erasing above at the last corner, where stock xterm throws", () => {
    const m = model();
    m.write(encode("\x1b[24;80H\x1b[1Jx\x1b[?1049h\x1b[24;80H\x1b[?1Jy"));
    stillWorks(m);
  });

  test("random bytes", () => {
    const m = model(20, 5);
    let seed = 42;
    const bytes = Uint8Array.from({ length: 200_000 }, () => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
      const b = (seed >>> 16) & 0xff;
      return b % 5 === 0 ? 0x1b : b % 5 === 1 ? 0x5b : b;
    });
    for (let i = 0; i < bytes.length; i += 997) m.write(bytes.subarray(i, i + 997));
    stillWorks(m);
  });
});
