/**
 * Where a smaller terminal looks at a larger session, and how a smaller session stands in a larger terminal.
 *   W1  The cursor is inside the window, and the window moves no more than that needs.
 */
import type { TerminalSize } from "../read/size.ts";
import { blank, type Cell, type Frame } from "./frame.ts";

export interface Corner {
  readonly row: number;
  readonly col: number;
}

/** The window's new corner: moved from `corner` only as far as the cursor and the session's edges ask. */
export function follow(corner: Corner, session: TerminalSize, window: TerminalSize, cursor: Corner): Corner {
  return {
    row: along(corner.row, session.rows, window.rows, cursor.row),
    col: along(corner.col, session.cols, window.cols, cursor.col),
  };
}

function along(start: number, whole: number, window: number, cursor: number): number {
  if (whole <= window) return 0;
  // Sideways a third of the window is kept in sight, so that typing does not move it at every key.
  if (cursor < start) return Math.max(0, cursor - Math.floor(window / 3));
  if (cursor >= start + window) return Math.min(whole - window, cursor - window + 1 + Math.floor(window / 3));
  return Math.min(start, whole - window);
}

const edge = (text: string): Cell => ({ text, pen: "2" });

/** The session's cells as the window shows them: from `corner` on, with a border where the session ends before the window does. */
export function look(
  cells: (row: number, col: number) => Cell,
  session: TerminalSize,
  window: TerminalSize,
  corner: Corner,
  cursor: Corner | null,
): Frame {
  const rows: Cell[][] = [];
  for (let r = 0; r < window.rows; r++) {
    const row: Cell[] = [];
    const y = r + corner.row;
    for (let c = 0; c < window.cols; c++) {
      const x = c + corner.col;
      if (y < session.rows && x < session.cols) row.push(cells(y, x));
      else if (y < session.rows && x === session.cols) row.push(edge("│"));
      else if (y === session.rows && x < session.cols) row.push(edge("─"));
      else if (y === session.rows && x === session.cols) row.push(edge("┘"));
      else row.push(blank);
    }
    mendHalves(row);
    rows.push(row);
  }
  const inside =
    cursor &&
    cursor.row - corner.row < window.rows &&
    cursor.col - corner.col < window.cols &&
    cursor.row >= corner.row &&
    cursor.col >= corner.col;
  return {
    cols: window.cols,
    rows: window.rows,
    cells: rows,
    cursor: inside ? { row: cursor.row - corner.row, col: cursor.col - corner.col } : null,
  };
}

/** A wide character of which the window holds one half only becomes a blank. */
function mendHalves(row: Cell[]): void {
  if (row[0]?.text === "") row[0] = blank;
  const last = row.at(-1);
  if (last && isWide(last.text)) row[row.length - 1] = { text: " ", pen: last.pen };
}

export function isWide(text: string): boolean {
  return text !== "" && text !== " " && text > "\u10ff" && wide.test(text);
}
const wide =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])/u;
