/**
 * Streams from a grammar of what programs print, and of what they should not, cut at random bytes: snapshot and rest are the whole.
 * A few hundred by default; HOLDFAST_SOAK=1 for 10,000.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { isBeyondPending, packedStateAfter, snapshotAt, stateAfter, stockStateAfter } from "./snapshot-check.ts";

const SIZE = [12, 5] as const;
const runs = process.env["HOLDFAST_SOAK"] === "1" ? 10_000 : 300;

const n = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
const param = fc.oneof({ weight: 5, arbitrary: n(14) }, { weight: 1, arbitrary: fc.constantFrom("", 60) });
const seq = (finals: string, prefix = "", intermediates = ""): fc.Arbitrary<string> =>
  fc
    .tuple(fc.array(param, { maxLength: 2 }), fc.constantFrom(...finals))
    .map(([p, f]) => `\x1b[${prefix}${p.join(";")}${intermediates}${f}`);
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."abcXYZq# 日本é😀", "e\u0301"), minLength: 1, maxLength: 16 }),
  fc.constantFrom("e\u0301", "日", "the quick brown fox ", "u\u0308\u0323"),
);
const sgr = fc
  .array(
    fc.constantFrom(
      "0",
      "1",
      "2",
      "3",
      "4",
      "4:3",
      "5",
      "7",
      "9",
      "21",
      "22",
      "24",
      "27",
      "31",
      "39",
      "44",
      "49",
      "53",
      "55",
      "59",
      "97",
      "104",
      "38;5;77",
      "48;5;8",
      "38;2;1;2;3",
      "48;2;9;8;7",
      "58:5:3",
      "58:2::7:7:7",
    ),
    { maxLength: 3 },
  )
  .map((s) => `\x1b[${s.join(";")}m`);
const modes = fc
  .tuple(
    fc.constantFrom(1, 6, 7, 12, 25, 45, 66, 1000, 1002, 1003, 1004, 1006, 1007, 1016, 2004, 2026, 47, 1047, 1048, 1049),
    fc.constantFrom("h", "l"),
  )
  .map(([m, f]) => `\x1b[?${m}${f}`);
const control = fc.constantFrom(
  "\r",
  "\n",
  "\r\n",
  "\t",
  "\b",
  "\x0e",
  "\x0f",
  "\x1bM",
  "\x1bD",
  "\x1bE",
  "\x1bH",
  "\x1b7",
  "\x1b8",
  "\x1b(0",
  "\x1b(B",
  "\x1b)0",
  "\x1b(A",
  "\x1b*0",
  "\x1bn",
  "\x1bo",
  "\x1b=",
  "\x1b>",
  "\x1b[4h",
  "\x1b[4l",
  "\x1b[20h",
  "\x1b[20l",
  "\x1b[s",
  "\x1b[u",
  "\x1b[3g",
  "\x1b[!p",
  "\x1b#8",
  '\x1b[1"q',
  '\x1b[0"q',
  "\x1bc",
);
const string = fc.constantFrom(
  "\x1b]2;title\x07",
  "\x1b]8;;https://a.example\x1b\\",
  "\x1b]8;id=1;https://b.example\x07",
  "\x1b]8;;\x07",
  "\x1b]4;3;rgb:1/2/3\x07",
  "\x1b]10;#123456\x1b\\",
  "\x1bP1$r0m\x1b\\",
  "\x1b_Gq\x1b\\",
  "\x1b]52;c;?\x07",
  "\x1b[>1u",
  "\x1b[<u",
  "\x1b[>4;2m",
  "\x1b[3 q",
);
const broken = fc.constantFrom(
  "\x1b",
  "\x1b[",
  "\x1b[3;",
  "\x1b]2;x",
  "\x1bP",
  "\u009b3",
  "\x18",
  "\x1b[3\n1m",
  "\x1b[1;2<m",
  "\x1b[?1$",
);
const token = fc.oneof(
  { weight: 6, arbitrary: text },
  { weight: 3, arbitrary: sgr },
  { weight: 2, arbitrary: control },
  { weight: 2, arbitrary: seq("ABCDEFGHIJKLMPSTXZ@`adefbr") },
  { weight: 1, arbitrary: seq("JK", "?") },
  { weight: 1, arbitrary: modes },
  { weight: 1, arbitrary: string },
  { weight: 1, arbitrary: broken },
);
const stream = fc.array(token, { minLength: 1, maxLength: 40 }).map((t) => new TextEncoder().encode(t.join("")));

test("any stream, cut at any byte", () => {
  fc.assert(
    fc.property(stream, fc.double({ min: 0, max: 1, noNaN: true }), (bytes, where) => {
      const cut = Math.floor(where * bytes.length);
      fc.pre(!isBeyondPending(bytes.subarray(0, cut), SIZE));
      const { vt } = snapshotAt(bytes.subarray(0, cut), SIZE);
      const rest = bytes.subarray(cut);
      expect(stateAfter([vt, rest], SIZE), `model at ${cut}: ${JSON.stringify(new TextDecoder().decode(vt))}`).toEqual(
        stateAfter([bytes], SIZE),
      );
      expect(packedStateAfter([bytes.subarray(0, cut), rest], SIZE), `packed at ${cut}`).toEqual(stateAfter([bytes], SIZE));
      // Stock xterm differs from other terminals there, and the model with them: RIS keeps line feed mode, DECRC forgets underlines,
      // and an open link is forgotten when its row is deleted.
      if (/\x1bc|\x1b\]8;|\x1b8|\x1b\[(?:[\d;]*u|\?10(?:48|49)l)/.test(new TextDecoder().decode(bytes))) return;
      let stock: unknown;
      try {
        stock = stockStateAfter([bytes], SIZE);
      } catch {
        return;
      }
      expect(stockStateAfter([vt, rest], SIZE), `stock at ${cut}: ${JSON.stringify(new TextDecoder().decode(vt))}`).toEqual(
        stock,
      );
    }),
    { numRuns: runs, ...(process.env["SEED"] === undefined ? {} : { seed: Number(process.env["SEED"]) }) },
  );
}, 600_000);
