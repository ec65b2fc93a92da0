/** Plain output that is not drawn, between things that are: no state tells it from output that was. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ScreenModel } from "./screen-model.ts";
import { serialize } from "./serialize.ts";
import { modelAfter } from "./snapshot-check.ts";
import { terminalState } from "./terminal-state.ts";

const SIZE = [12, 5] as const;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const before = fc
  .array(
    fc.constantFrom(
      "text",
      "日本語",
      "\r\n",
      "\n",
      "\x1b[3;4H",
      "\x1b7",
      "\x1b[4h",
      "\x1b[20h",
      "\x1b[?7l",
      "\x1b[?6h",
      "\x1b[?1049h",
      "\x1b(0",
      "\x0e",
      "\x1b[44m",
      "\x1b[4:3m",
      "\x1b]8;;https://a.example\x1b\\",
      "\x1b[2;4r",
      "\x1b[r",
      "exactly twelve",
      "\x1b[8C",
      "\x1bH",
      "\x1b[?2004h",
      "\x1b[1",
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));
const plainPart = fc.constantFrom(
  "y",
  "word ",
  "a line that is longer than the screen is wide",
  "日本",
  "e\u0301",
  "\t",
  "\r",
  "\x1b[31m",
  "\x1b[1m",
  "\x1b[0;7m",
  "\x1b[48;2;1;2;3m",
  "\x1b[m",
  "\x1b[K",
  "\x1b[1K",
  "\u00a0",
);
const plainLine = fc
  .tuple(fc.array(plainPart, { maxLength: 4 }), fc.constantFrom("\r\n", "\r\n", "\r\n", "\n"))
  .map(([parts, end]) => parts.join("") + end);
const flood = fc
  .tuple(
    fc.array(plainLine, { minLength: 1, maxLength: 30 }),
    fc.integer({ min: 1, max: 12 }),
    fc.array(plainPart, { maxLength: 3 }),
  )
  .map(([lines, times, last]) => lines.join("").repeat(times) + last.join(""));
const after = fc
  .array(fc.constantFrom("x", "\x1b8", "\x1b[A", "\n", "\x1b[2J", "\x1b[3b", "\x1b[?1049l", "\x1bM", "\x1b[J"), { maxLength: 4 })
  .map((parts) => parts.join(""));

function seen(model: ScreenModel): unknown {
  const state = { terminal: terminalState(model.term), snapshot: serialize(model), pending: [...model.pendingBytes()] };
  model.dispose();
  return state;
}

test("a terminal that skims looks as one that drew everything", () => {
  let skimmed = 0;
  fc.assert(
    fc.property(before, flood, after, (first, plain, last) => {
      const drawn = modelAfter([bytes(first), bytes(plain), bytes(last)], SIZE);
      const lazy = modelAfter([bytes(first)], SIZE);
      const count = lazy.skim(bytes(plain));
      skimmed += count;
      lazy.write(bytes(plain).subarray(count));
      lazy.write(bytes(last));
      expect(seen(lazy)).toEqual(seen(drawn));
    }),
    { numRuns: process.env["HOLDFAST_SOAK"] === "1" ? 20_000 : 500 },
  );
  expect(skimmed).toBeGreaterThan(0);
});
