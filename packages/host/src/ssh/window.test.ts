import { expect, test } from "vitest";
import { difference, follow, look, type ScreenText } from "./window.ts";

const screen = (cols: number, rows: number, lines: readonly string[], cursor: ScreenText["cursor"] = null): ScreenText => ({
  cols,
  rows,
  lines,
  cursor,
});
const bare = (rows: readonly string[]): string[] => rows.map((row) => row.replaceAll(/\x1b\[\d*m/g, ""));

test("a smaller session stands in the corner, with an edge", () => {
  const { rows } = look(screen(4, 2, ["ab", "cdef"]), { cols: 6, rows: 4 }, { row: 0, col: 0 });
  expect(bare(rows)).toEqual(["ab  │", "cdef│", "────┘", ""]);
});

test("a larger one is seen from the corner on, and the corner follows the cursor no further than it must", () => {
  const lines = ["0123456789", "abcdefghij", "ABCDEFGHIJ"];
  const window = { cols: 4, rows: 2 };
  const at = (row: number, col: number, from = { row: 0, col: 0 }) => follow(from, screen(10, 3, lines, { row, col }), window);
  expect(at(0, 3)).toEqual({ row: 0, col: 0 });
  const corner = at(2, 5);
  const { rows, cursor } = look(screen(10, 3, lines, { row: 2, col: 5 }), window, corner);
  expect(rows).toEqual([lines[1]!.slice(corner.col, corner.col + 4), lines[2]!.slice(corner.col, corner.col + 4)]);
  expect(cursor).toEqual({ row: 2 - corner.row, col: 5 - corner.col });
  expect(cursor!.col).toBeLessThan(4);
  expect(at(2, 9, corner).col).toBe(6);
});

test("a wide character that the window halves is a blank, and a mark stays with what it marks", () => {
  expect(look(screen(6, 1, ["日本語"]), { cols: 3, rows: 1 }, { row: 0, col: 0 }).rows).toEqual(["日 "]);
  expect(look(screen(6, 1, ["日本語"]), { cols: 3, rows: 1 }, { row: 0, col: 1 }).rows).toEqual([" 本"]);
  expect(look(screen(6, 1, ["e\u0301fgh"]), { cols: 2, rows: 1 }, { row: 0, col: 0 }).rows).toEqual(["e\u0301f"]);
});

test("only rows that changed are drawn again", () => {
  const before = look(screen(4, 2, ["one", "two"], { row: 0, col: 0 }), { cols: 4, rows: 2 }, { row: 0, col: 0 });
  const after = look(screen(4, 2, ["one", "TWO"], { row: 1, col: 3 }), { cols: 4, rows: 2 }, { row: 0, col: 0 });
  expect(difference(before, after)).toBe("\x1b[2;1HTWO\x1b[K\x1b[2;4H\x1b[?25h");
  expect(difference(null, after)).toContain("\x1b[2J");
});
