import type { Terminal } from "@xterm/headless";
import * as headless from "@xterm/headless";
import { expect, test } from "vitest";
import { ScreenModel } from "./screen-model.ts";
import { serialize } from "./serialize.ts";
import { modelAfter } from "./snapshot-check.ts";
import { terminalState } from "./terminal-state.ts";
import { coreOf } from "./xterm-internals.ts";

const TerminalClass = (headless as unknown as { default: { Terminal: typeof Terminal } }).default.Terminal;
const bytes = new TextEncoder().encode(
  Array.from({ length: 120 }, (_, i) => `\x1b[3${i % 8}m${i}: ${"word 日本 ".repeat(i % 9)}\x1b[44m\x1b[K\x1b[m`).join("\r\n"),
);
const sizes: readonly (readonly [number, number])[] = [
  [80, 24],
  [20, 6],
  [133, 40],
  [7, 3],
  [40, 10],
  [2, 1],
  [200, 50],
  [40, 10],
];

test("resizing reflows as stock xterm does, line for line, whatever the lines stand in", () => {
  const model = new ScreenModel(40, 10, { scrollback: 2000 });
  const stock = new TerminalClass({ cols: 40, rows: 10, scrollback: 2000, allowProposedApi: true, logLevel: "off" });
  for (let round = 0; round < 3; round++) {
    for (const [cols, rows] of sizes) {
      model.write(bytes);
      coreOf(stock)._inputHandler.parse(bytes);
      model.resize(cols, rows);
      stock.resize(cols, rows);
      expect(terminalState(model.term), `${cols}×${rows}`).toEqual(terminalState(stock));
    }
  }
});

test("a restored terminal reflows like the first: wrap flags are kept through the scrollback", () => {
  for (const [cols, rows] of sizes) {
    const first = modelAfter([bytes], [40, 10]);
    const restored = modelAfter([serialize(first).vt], [40, 10]);
    for (const m of [first, restored]) m.resize(cols, rows);
    expect((terminalState(restored.term).screens as { normal: unknown }).normal, `${cols}×${rows}`).toEqual(
      (terminalState(first.term).screens as { normal: unknown }).normal,
    );
  }
});

test("fewer lines of scrollback on request, never fewer than the screen", () => {
  const model = modelAfter([bytes], [40, 10]);
  const base = (lines?: number): number =>
    modelAfter([serialize(model, lines).vt], [40, 10]).core._bufferService.buffers.normal.ybase;
  expect(base(0)).toBe(0);
  expect(base(7)).toBe(7);
  expect(base()).toBe(50);
});
