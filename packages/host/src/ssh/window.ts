/**
 * What a client's terminal shows of a session that has another size: the screen as the model has it, from a corner that follows the cursor,
 * with an edge where the session ends before the terminal does. Text only; pure.
 *
 *   W1  Written to a terminal that shows `before`, the difference makes it show `after`.
 *   W2  The cursor is inside the window, and the window moves no more than that needs.
 */
import type { TerminalSize } from "./channel.ts";

export interface ScreenText extends TerminalSize {
  readonly lines: readonly string[];
  /** From 0. */
  readonly cursor: { readonly row: number; readonly col: number } | null;
}

export interface Frame {
  /** One a row of the window; what is behind a row's end is blank. */
  readonly rows: readonly string[];
  readonly cursor: { readonly row: number; readonly col: number } | null;
}

export interface Corner {
  readonly row: number;
  readonly col: number;
}

const DIM = "\x1b[2m";
const PLAIN = "\x1b[m";

export function follow(corner: Corner, screen: ScreenText, window: TerminalSize): Corner {
  const cursor = screen.cursor ?? corner;
  return {
    row: along(corner.row, screen.rows, window.rows, cursor.row),
    col: along(corner.col, screen.cols, window.cols, cursor.col),
  };
}

function along(start: number, whole: number, window: number, cursor: number): number {
  if (whole <= window) return 0;
  // A third of the window is kept in sight, so that typing does not move it at every key.
  if (cursor < start) return Math.max(0, cursor - Math.floor(window / 3));
  if (cursor >= start + window) return Math.min(whole - window, cursor - window + 1 + Math.floor(window / 3));
  return Math.min(start, whole - window);
}

export function look(screen: ScreenText, window: TerminalSize, corner: Corner): Frame {
  const rows: string[] = [];
  for (let r = 0; r < window.rows; r++) {
    const y = r + corner.row;
    if (y < screen.rows) {
      const isEdged = screen.cols < window.cols;
      const text = cut(screen.lines[y] ?? "", corner.col, Math.min(window.cols, screen.cols - corner.col), isEdged);
      rows.push(isEdged ? `${text}${DIM}│${PLAIN}` : text);
    } else if (y === screen.rows) {
      const width = Math.min(window.cols, screen.cols);
      rows.push(`${DIM}${"─".repeat(width)}${width < window.cols ? "┘" : ""}${PLAIN}`);
    } else rows.push("");
  }
  const { cursor } = screen;
  return { rows, cursor: cursor && { row: cursor.row - corner.row, col: cursor.col - corner.col } };
}

/** `width` columns of a line from column `from` on; a wide character of which half is outside is a blank. */
function cut(line: string, from: number, width: number, isFilled: boolean): string {
  let out = "";
  let col = 0;
  let shown = 0;
  for (const char of line) {
    const wide = widthOf(char);
    const at = col - from;
    col += wide;
    if (at + wide <= 0 && wide > 0) continue;
    if (at >= width) break;
    if (wide === 0) {
      if (shown > 0) out += char;
      continue;
    }
    const isWhole = at >= 0 && at + wide <= width;
    const seen = Math.min(width, at + wide) - Math.max(0, at);
    out += isWhole ? char : " ".repeat(seen);
    shown += seen;
  }
  return isFilled ? out + " ".repeat(Math.max(0, width - shown)) : out;
}

const ZERO = /^(?:\p{Mn}|\p{Me}|\u200d|\ufe0e|\ufe0f)$/u;
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])$/u;

function widthOf(char: string): number {
  if (char < "\u0300") return 1;
  return ZERO.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
}

/** `before` null: nothing is known of the terminal. */
export function difference(before: Frame | null, after: Frame): string {
  const isKnown = before?.rows.length === after.rows.length;
  const rows = after.rows.map((row, i) => (isKnown && before!.rows[i] === row ? "" : `\x1b[${i + 1};1H${row}\x1b[K`)).join("");
  const cursor = after.cursor ? `\x1b[${after.cursor.row + 1};${after.cursor.col + 1}H\x1b[?25h` : "\x1b[?25l";
  return `${isKnown ? "" : "\x1b[m\x1b[2J"}${rows}${cursor}`;
}
