import { expect, test } from "vitest";
import { exactAt, type Found, framesOf, tablesOf } from "./figures.ts";

test("a screen is exact from the first picture that equals the host's, if none after it differs", () => {
  const drawn = [
    { at: 10, hash: 1 },
    { at: 20, hash: 7 },
    { at: 30, hash: 2 },
    { at: 40, hash: 7 },
    { at: 50, hash: 7 },
  ];
  expect(exactAt(drawn, 7)).toBe(40);
  expect(exactAt(drawn.slice(0, 3), 7)).toBeNaN();
  expect(exactAt([], 7)).toBeNaN();
});

test("a frame is dropped for each that two shown ones are further apart", () => {
  const gaps = [16.7, 16.6, 33.4, 16.7, 100];
  expect(framesOf(gaps)).toEqual({ p99Ms: 100, longestMs: 100, droppedShare: 6 / 11 });
  expect(framesOf([16.7, 17, 16.4]).droppedShare).toBe(0);
});

const nothing: Found = {
  ...{ at: "now", machine: "a machine", versions: "versions", load: { before: "0", after: "1" } },
  ...{ paint: null, screen: null, flood: null, viewers: null, echo: null, memory: null, bundle: null, list: null },
};

test("what was not measured has no row, and what was has medians over its rounds and ratios within them", () => {
  expect(tablesOf(nothing).trim().split("\n")).toHaveLength(1);
  const rounds = { page: [[10], [30], [50]], wetty: [[5], [10], [100]] };
  const text = tablesOf({
    ...nothing,
    echo: { buffer: rounds, drawn: rounds },
    viewers: {
      count: 20,
      exact: [
        [1, 2, 9],
        [3, 4, 7],
      ],
      echo: { alone: [[1]], clients: [[2], [6], [4]] },
    },
    screen: { lines: 10_000, above: 1_000, exact: [3, 1, 2], throttled: [400] },
  });
  expect(text).toContain("| from a key until its echo is in the terminal, p50, ms | 30.0 | 10.0 | 2.00 |");
  expect(text).toContain("| … 19 clients of the SDK looking on, ms | 4.0, 4.0 | what the host has to do for them |");
  expect(text).toContain("| … 19 more pages in the same Chromium looking on, ms | –, – | and all 20 draw it |");
  expect(text).toContain(
    "| exact screen, ms | 2 (1–3) | 10,000 coloured lines were printed; 1,000 above the screen are there too |",
  );
  expect(text).toContain("| … the last, ms | 9 (7–9) |  |");
});
