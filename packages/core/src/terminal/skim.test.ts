import { expect, test } from "vitest";
import { skim } from "./skim.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (b: Uint8Array): string => new TextDecoder().decode(b);
const lines = (count: number, line = "y"): string => `${line}\r\n`.repeat(count);

test("of a flood of lines, all goes but what stays in reach and one", () => {
  const flood = bytes(lines(100));
  expect(skim(flood, 5, 20)).toEqual({ bytes: 79 * 3, styles: new Uint8Array(0) });
});

test("too few lines are all drawn", () => {
  expect(skim(bytes(lines(25)), 5, 20)).toBeNull();
  expect(skim(bytes(lines(27)), 5, 20)?.bytes).toBe(6 * 3);
  expect(skim(bytes("x".repeat(10_000)), 5, 20)).toBeNull();
});

test.each(["\x1b[A", "\x1b[2J", "\x1b[?25l", "\x1b]0;t\x07", "\x1bM", "\x07", "\b", "\x0e", "\u009b2J", "\x1b[5n"])(
  "what follows %j is drawn",
  (control) => {
    const flood = bytes(lines(100) + control + lines(100));
    expect(skim(flood, 5, 20)?.bytes).toBe(79 * 3);
  },
);

test("a control is seen behind a broken character", () => {
  const flood = Buffer.concat([bytes(lines(100)), Uint8Array.of(0xc2, 0xc2, 0x9b), bytes(`A${lines(100)}`)]);
  expect(skim(flood, 5, 20)?.bytes).toBe(79 * 3);
});

test("a sequence that is not whole ends the run", () => {
  expect(skim(bytes(`${lines(100)}\x1b[3`), 5, 20)?.bytes).toBe(79 * 3);
});

test("the styles of what goes are kept from their last reset on", () => {
  const flood = bytes(`\x1b[1m${lines(40, "a\x1b[31mb\x1b[m")}\x1b[4m\x1b[38;5;9m${lines(60)}`);
  const skimmed = skim(flood, 5, 20)!;
  expect(text(skimmed.styles)).toBe("\x1b[m\x1b[4m\x1b[38;5;9m");
});

test("a style after the cut is not told twice", () => {
  const flood = bytes(`${lines(100)}\x1b[1mtail`);
  expect(skim(flood, 5, 20)?.styles).toEqual(new Uint8Array(0));
});

test("styles that are never reset are drawn once there are too many", () => {
  const flood = bytes(lines(1_000, "\x1b[1mx"));
  const skimmed = skim(flood, 5, 20)!;
  expect(skimmed.bytes).toBeLessThan(flood.length / 2);
  expect(text(skimmed.styles).length).toBeLessThan(256 * 5);
});

test("the cut is after a CR LF: where a bare line feed leaves the column is not known", () => {
  const flood = bytes(lines(50) + "z\n".repeat(40) + lines(10));
  // 21 lines stay: ten, and eleven bare ones; the CR LF before them is forty lines up.
  expect(skim(flood, 5, 20)?.bytes).toBe(50 * 3);
});
