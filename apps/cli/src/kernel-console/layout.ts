/**
 * How a text that is being written stands on a terminal: rows that are cut before the terminal would wrap them, so that where the cursor is
 * follows from them alone. Pure.
 */
import { escapeLines } from "@holdfast/sdk";
import { charWidth, textWidth } from "../show/width.ts";

export interface Laid {
  readonly rows: readonly string[];
  readonly row: number;
  readonly col: number;
}

/** `front` stands before the first line; the others begin below where it ends. At most `most` rows, those about the cursor. */
export function laid(front: string, text: string, at: number, { cols, rows: most }: { cols: number; rows: number }): Laid {
  const width = Math.max(8, cols - 1);
  const indent = " ".repeat(Math.min(textWidth(front), Math.floor(width / 2)));
  const all: string[] = [];
  let cursor = { row: 0, col: 0 };
  let place = 0;
  for (const [i, line] of text.split("\n").entries()) {
    let row = i === 0 ? front : indent;
    let used = textWidth(row);
    for (const char of [...line, ""]) {
      const shown = char === "\t" ? "    " : escapeLines(char);
      const w = char === "" ? 0 : shown === char ? charWidth(char) : textWidth(shown);
      if (used + w > width) {
        all.push(row);
        row = indent;
        used = textWidth(indent);
      }
      if (place === at) cursor = { row: all.length, col: used };
      row += shown;
      used += w;
      place += char.length;
    }
    all.push(row);
    place++;
  }
  const from = Math.min(Math.max(0, cursor.row - most + 1), Math.max(0, all.length - most));
  return { rows: all.slice(from, from + most), row: cursor.row - from, col: cursor.col };
}

const SAFE = /\x1b\[[\d;:]*m/g;

/** What code printed, with its colours and without what would move the cursor or ask the terminal something. */
export function coloursOnly(text: string): string {
  let safe = "";
  let at = 0;
  for (const { 0: colour, index } of text.matchAll(SAFE)) {
    safe += plain(text.slice(at, index)) + colour;
    at = index + colour.length;
  }
  return safe + plain(text.slice(at));
}

/** A sequence goes as a whole; a byte alone is told. */
const plain = (text: string): string =>
  escapeLines(text.replace(/\x1b(?:\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\))/g, ""));

/** Lines that are whole, and the one that is not; a carriage return begins its line anew. */
export function linesIn(open: string, text: string): { readonly whole: readonly string[]; readonly open: string } {
  const lines = (open + text).replaceAll("\r\n", "\n").split("\n");
  const seen = lines.map((line, i) => afterReturn(line, i === lines.length - 1));
  return { whole: seen.slice(0, -1), open: seen.at(-1)! };
}

/** One at the end has not been written over yet. */
function afterReturn(line: string, isOpen: boolean): string {
  const shown = line.endsWith("\r") ? line.slice(0, -1) : line;
  const last = shown.slice(shown.lastIndexOf("\r") + 1);
  return isOpen && line.endsWith("\r") ? `${last}\r` : last;
}
