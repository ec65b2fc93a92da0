import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";
import { parseKey } from "@holdfast/sdk";
import { didYouMean, distance, nearest } from "./near.ts";
import { parseSignal, signalName } from "./signal.ts";
import { parseSize } from "./size.ts";

describe("durations", () => {
  test.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["10m", 600_000],
    ["2h", 7_200_000],
    ["1h30m", 5_400_000],
    ["0s", 0],
    ["1.5s", 1_500],
    ["7d", 604_800_000],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
  test.each(["30", "", "s", "-1s", "1 s", "1x", "1sm", "1e3s"])("%j says nothing and is refused", (text) => {
    expect(parseDuration(text)).toBeNull();
  });
  test("a long time is told in its two largest units", () => {
    expect(formatDuration(90_061_000)).toBe("1d 1h");
    expect(formatDuration(3_605_000)).toBe("1h");
    expect(formatDuration(350)).toBe("350ms");
  });
});

describe("keys", () => {
  test.each([
    ["C-c", "\x03"],
    ["^C", "\x03"],
    ["Ctrl+q", "\x11"],
    ["C-\\", "\x1c"],
    ["M-x", "\x1bx"],
    ["C-M-a", "\x1b\x01"],
    ["Enter", "\r"],
    ["up", "\x1b[A"],
    ["F5", "\x1b[15~"],
    ["C-Space", "\0"],
    ["S-Tab", "\x1b[Z"],
    ["x", "x"],
    ["-", "-"],
    ["é", "é"],
  ])("%s sends %j", (name, bytes) => {
    expect(parseKey(name)).toBe(bytes);
  });
  test.each(["Entr", "C-Enter", "C-é", "CTRL", "", "ab"])("%j is no key, and never typed letter by letter", (name) => {
    expect(parseKey(name)).toBeNull();
  });
});

describe("signals", () => {
  test.each([
    ["INT", 2],
    ["SIGINT", 2],
    ["int", 2],
    ["9", 9],
  ])("%s is %d", (text, number) => {
    expect(parseSignal(text)).toBe(number);
  });
  test("what no signal has as its name or number is refused", () => {
    expect(parseSignal("0")).toBeNull();
    expect(parseSignal("65")).toBeNull();
    expect(parseSignal("FOO")).toBeNull();
  });
  test("a number without a name here keeps its number", () => {
    expect(signalName(15)).toBe("SIGTERM");
    expect(signalName(63)).toBe("signal 63");
  });
});

test("a size has both sides, inside what the protocol takes", () => {
  expect(parseSize("120x40")).toEqual({ cols: 120, rows: 40 });
  for (const wrong of ["0x0", "80", "80x", "x24", "2000x24", "80x-1", "80 x 24"]) expect(parseSize(wrong)).toBeNull();
});

describe("what was meant", () => {
  test("two letters that changed places are one mistake", () => {
    expect(distance("attahc", "attach")).toBe(1);
  });
  test("the nearest words come first, far ones not at all", () => {
    expect(nearest("atach", ["attach", "ls", "audit"])).toEqual(["attach"]);
    expect(didYouMean("xyzzy", ["attach", "ls"])).toBe("");
    expect(didYouMean("scre", ["screen", "send"])).toBe("; did you mean screen?");
  });
});
