/**
 * A rectangle of cells, and the least bytes that turn one such picture into another.
 *   L1  Writing `difference(a, b)` to a terminal that shows `a` makes it show `b`.
 *   L2  Equal frames differ by nothing but the cursor.
 */
export interface Cell {
  /** "" is the right half of a wide character. */
  readonly text: string;
  /** Parameters of SGR after a reset: "" or "1;38;5;3". */
  readonly pen: string;
}

export interface Frame {
  readonly cols: number;
  readonly rows: number;
  /** `rows` rows of `cols` cells. */
  readonly cells: readonly (readonly Cell[])[];
  /** From 0; null: hidden. */
  readonly cursor: { readonly row: number; readonly col: number } | null;
}

export const blank: Cell = { text: " ", pen: "" };

const same = (a: Cell | undefined, b: Cell | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.text === b.text && a.pen === b.pen);

/** `before` null: nothing is known of the terminal, so all is drawn. */
export function difference(before: Frame | null, after: Frame): string {
  const known = before && before.cols === after.cols && before.rows === after.rows ? before : null;
  let out = known ? "" : "\x1b[0m\x1b[2J";
  let pen = "";
  let penKnown = !known;
  for (let row = 0; row < after.rows; row++) {
    const now = after.cells[row]!;
    const was = known?.cells[row];
    let at = -1;
    for (let col = 0; col < after.cols; col++) {
      const cell = now[col]!;
      if (cell.text === "" || (was ? !changed(was, now, col) : same(cell, blank))) continue;
      if (at !== col) out += `\x1b[${row + 1};${col + 1}H`;
      if (!penKnown || pen !== cell.pen) out += `\x1b[0${cell.pen ? `;${cell.pen}` : ""}m`;
      pen = cell.pen;
      penKnown = true;
      out += cell.text;
      at = col + (now[col + 1]?.text === "" ? 2 : 1);
      // Behind the last column a terminal waits for the next character; the cursor is placed anew.
      if (at >= after.cols) at = -1;
    }
  }
  if (out !== "") out += "\x1b[0m";
  const moved = !known || out !== "" || known.cursor?.row !== after.cursor?.row || known.cursor?.col !== after.cursor?.col;
  if (after.cursor && moved) out += `\x1b[${after.cursor.row + 1};${after.cursor.col + 1}H`;
  if (!known || (known.cursor === null) !== (after.cursor === null)) out += after.cursor ? "\x1b[?25h" : "\x1b[?25l";
  return out;
}

/** A wide character is drawn anew when either of its halves was something else. */
function changed(was: readonly Cell[], now: readonly Cell[], col: number): boolean {
  if (!same(was[col], now[col])) return true;
  if (now[col + 1]?.text === "" && !same(was[col + 1], now[col + 1])) return true;
  // What stood here reached into, or was reached by, a cell that is drawn anew.
  return was[col + 1]?.text === "" && now[col + 1]?.text !== "";
}
