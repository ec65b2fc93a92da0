/** Whatever a program prints, beside xterm's own model of a terminal. */
import { createRequire } from "node:module";
import fc from "fast-check";
import type { Terminal as XtermTerminal } from "@xterm/headless";
import { expect, test } from "vitest";
import { overwritten, sanitized } from "./index.ts";

const { Terminal } = createRequire(import.meta.url)("@xterm/headless") as { Terminal: typeof XtermTerminal };

const pieces = [
  "\x1b",
  "[",
  "]",
  "0;",
  "31m",
  "m",
  "\x07",
  "\\",
  "\x9b",
  "\x9d",
  "\x9c",
  "P",
  "?",
  "\n",
  "\t",
  "a",
  "\x18",
  "é",
  " ",
  "\x85",
];
const hostile = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((all) => all.join("")),
  fc.string({ unit: "binary", maxLength: 12 }),
);

test("S1: of whatever text, no control but newline, tab, SGR, and what is applied next comes through", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const safe = sanitized(text);
      expect(safe.replace(/\x1b\[[\d;:]*m/g, "")).not.toMatch(/[\x00-\x07\v\f\x0e-\x1f\x7f-\x9f]/);
      expect(overwritten(safe)).not.toMatch(/[\r\b]/);
    }),
    { numRuns: 5_000 },
  );
});

const drawn = fc.array(fc.constantFrom("a", "b", "c", "\r", "\b", "\n", "\x1b[31m", "\x1b[1m", "\x1b[0m", "\x1b[m"), {
  maxLength: 20,
});

test("what is overwritten looks as xterm shows it, in its colours", async () => {
  await fc.assert(
    fc.asyncProperty(drawn, async (parts) => {
      const text = parts.join("");
      expect(await screen(overwritten(text))).toEqual(await screen(text));
    }),
    { numRuns: 150 },
  );
});

/** Each cell of a terminal that has drawn this: its character, colour and weight. */
async function screen(text: string): Promise<string[]> {
  const terminal = new Terminal({ cols: 40, rows: 25, allowProposedApi: true, convertEol: true });
  await new Promise<void>((resolve) => terminal.write(text, resolve));
  const lines = Array.from({ length: 25 }, (_, y) => {
    const line = terminal.buffer.active.getLine(y);
    return Array.from({ length: 40 }, (_, x) => {
      const cell = line?.getCell(x);
      return `${cell?.getChars()}${cell?.getFgColor()}${cell?.isBold()}`;
    }).join(" ");
  });
  terminal.dispose();
  return lines;
}
