import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Cell, difference, type Frame } from "./frame.ts";
import { InputReader } from "./input.ts";
import { follow } from "./lens.ts";
import { ScreenSwitches } from "./screen-switch.ts";

const { Terminal } = createRequire(import.meta.url)("@xterm/headless") as typeof import("@xterm/headless");

const cuts = (text: Buffer, at: readonly number[]): Buffer[] => {
  const places = [...new Set(at.map((n) => n % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => text.subarray(from, places[i] ?? text.length));
};
const parts = fc.constantFrom(
  "a",
  "\x1b",
  "[",
  "?",
  "1049",
  "47",
  "2004",
  ";",
  "h",
  "l",
  "\x1bc",
  "\x1b[3J",
  "J",
  "€",
  "\x1b[?1049h",
  "\x1b[?1;1047l",
  "\x1b[31m",
  "\x1b]0;x\x07",
);
const streams = fc.array(parts, { maxLength: 20 }).map((p) => Buffer.from(p.join("")));

test("F2: what the filter makes of a stream does not depend on how it is cut", () => {
  const all = (chunks: readonly Buffer[]) => {
    const filter = new ScreenSwitches();
    let text = "";
    for (const c of chunks)
      for (const p of filter.feed(c)) text += p.kind === "bytes" ? Buffer.from(p.bytes).toString("latin1") : `<${p.kind}>`;
    return text;
  };
  fc.assert(fc.property(streams, fc.array(fc.nat(200), { maxLength: 6 }), (s, at) => all(cuts(s, at)) === all([s])));
});

test("I1: whatever is typed goes out whole and in order, but for prefix keys and commands", () => {
  const typed = fc
    .array(fc.constantFrom("a", "é", "\r", "\x03", "\x1b[A", "\x1b[I", "\x1b[200~", "\x1b[201~", "\x1b[97;1:3u", "\x1b"), {
      maxLength: 20,
    })
    .map((p) => Buffer.from(p.join("")));
  fc.assert(
    fc.property(typed, fc.array(fc.nat(100), { maxLength: 5 }), (text, at) => {
      const reader = new InputReader("\x11");
      const sent = cuts(text, at)
        .flatMap((c) => (c.length > 0 ? reader.feed(c) : []))
        .map((a) => (a.kind === "command" ? Buffer.alloc(0) : a.bytes));
      // Only what may still become the end of an open paste is held back.
      const whole = Buffer.concat(sent).toString("latin1");
      expect(text.toString("latin1").startsWith(whole)).toBe(true);
      expect(text.length - whole.length).toBeLessThan(7);
    }),
  );
});

const texts = [" ", "a", "b", "é", "漢"];
const pens = ["", "1", "31", "38;5;200;48;2;1;2;3"];
const frames = (cols: number, rows: number): fc.Arbitrary<Frame> =>
  fc
    .record({
      picks: fc.array(fc.tuple(fc.nat(texts.length - 1), fc.nat(pens.length - 1)), {
        minLength: cols * rows,
        maxLength: cols * rows,
      }),
      cursor: fc.option(fc.record({ row: fc.nat(rows - 1), col: fc.nat(cols - 1) })),
    })
    .map(({ picks, cursor }) => {
      const cells: Cell[][] = [];
      for (let r = 0; r < rows; r++) {
        const row: Cell[] = [];
        while (row.length < cols) {
          const [t, p] = picks[r * cols + row.length]!;
          const text = texts[t]!;
          const pen = pens[p]!;
          if (text !== "漢") row.push({ text, pen });
          else if (row.length < cols - 1) row.push({ text, pen }, { text: "", pen });
          else row.push({ text: " ", pen });
        }
        cells.push(row);
      }
      return { cols, rows, cells, cursor };
    });

function terminalOf(cols: number, rows: number): { write: (t: string) => Promise<void>; look: () => string } {
  const t = new Terminal({ cols, rows, allowProposedApi: true, scrollback: 0, logLevel: "off" });
  return {
    write: (text) => new Promise((resolve) => t.write(text, resolve)),
    look: () => {
      let out = "";
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < cols; c++) {
          const cell = t.buffer.active.getLine(r)!.getCell(c)!;
          out += `${cell.getWidth() === 0 ? "" : cell.getChars() || " "}/${cell.isBold() ? 1 : 0}.${cell.getFgColor()}.${cell.getBgColor()} `;
        }
        out += "\n";
      }
      return out;
    },
  };
}

test("L1: the difference of two frames turns one picture into the other", async () => {
  await fc.assert(
    fc.asyncProperty(frames(7, 3), frames(7, 3), async (a, b) => {
      const drawn = terminalOf(7, 3);
      await drawn.write(difference(null, a) + difference(a, b));
      const fresh = terminalOf(7, 3);
      await fresh.write(difference(null, b));
      expect(drawn.look()).toBe(fresh.look());
    }),
    { numRuns: 150 },
  );
});

test("L2: equal frames differ by nothing", () => {
  fc.assert(
    fc.property(frames(5, 2), (a) => difference(a, { ...a, cells: a.cells.map((r) => r.map((c) => ({ ...c }))) }) === ""),
  );
});

test("W1: the cursor is always inside the window", () => {
  const n = fc.integer({ min: 1, max: 60 });
  fc.assert(
    fc.property(
      n,
      n,
      n,
      n,
      fc.nat(),
      fc.nat(),
      fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 8 }),
      (cols, rows, wcols, wrows, r0, c0, path) => {
        let corner = { row: r0 % rows, col: c0 % cols };
        for (const [r, c] of path) {
          const cursor = { row: r % rows, col: c % cols };
          corner = follow(corner, { cols, rows }, { cols: wcols, rows: wrows }, cursor);
          expect(cursor.row - corner.row).toBeGreaterThanOrEqual(0);
          expect(cursor.row - corner.row).toBeLessThan(wrows);
          expect(cursor.col - corner.col).toBeGreaterThanOrEqual(0);
          expect(cursor.col - corner.col).toBeLessThan(wcols);
        }
      },
    ),
  );
});
