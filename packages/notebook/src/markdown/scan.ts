/**
 * The body of a Markdown document cut into cells, line by line.
 *
 *   B1  Every line belongs to one cell or is one of the empty lines between them; none is dropped or moved.
 *   B2  A fence of the notebook's language with nothing but options behind it is code. Any other fence is text, with all in it.
 *   B3  Between `<!-- #region … -->` and `<!-- #endregion -->` stands one cell of text, between `#raw` and `#endraw` a raw one.
 *   B4  All else is text; two empty lines or more part it, but not within a fence.
 */
import { type CellOptions, cellOptions, parseOptions } from "./options.ts";

export interface Block {
  readonly type: "code" | "markdown" | "raw";
  /** Opening and closing line; null for text that stands by itself. */
  readonly marks: { readonly open: string; readonly close: string } | null;
  readonly lines: readonly string[];
  readonly options: CellOptions;
  /** Empty lines that follow. */
  after: number;
}

export interface Opening {
  readonly type: Block["type"];
  readonly options: CellOptions;
  /** Whether a line ends the cell that was opened. */
  ends(line: string): boolean;
  /** What would be written to end it. */
  readonly close: string;
}

const NONE: CellOptions = { metadata: {}, id: null, others: {}, source: null };

/** The cell that a line opens; null if it opens none. `language` null: no fence is code. */
export function opening(line: string, language: string | null): Opening | null {
  const mark = /^<!-- #(region|md|raw)( .*)? -->$/s.exec(line);
  if (mark !== null) {
    const [, word = "", text = ""] = mark;
    const options = optionsOn(text);
    const close = `<!-- #end${word} -->`;
    return options && { type: word === "raw" ? "raw" : "markdown", options, ends: (it) => it === close, close };
  }
  const [, close = "", word = "", text = ""] = /^(`{3,})([\w+#.-]*)( ?\{.*\}| .*)?$/s.exec(line) ?? [];
  if (close === "" || word !== language) return null;
  const options = text.includes("`") ? null : optionsOn(text);
  return options && { type: "code", options, ends: (it) => endsFence(it, close), close };
}

function optionsOn(text: string): CellOptions | null {
  const options = parseOptions(text);
  return options && cellOptions(options);
}

/** CommonMark's rule: at least as many of the same, up to three blanks before it, only blanks behind. */
export function endsFence(line: string, open: string): boolean {
  const mark = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line)?.[1];
  return mark !== undefined && mark[0] === open[0] && mark.length >= open.length;
}

/** Blocks, and how many empty lines stand before the first. */
export function scan(lines: readonly string[], language: string | null): { before: number; blocks: Block[] } {
  const blocks: Block[] = [];
  let at = 0;
  while (lines[at] === "") at++;
  const before = at;
  while (at < lines.length) {
    const { block, next } = cellAt(lines, at, language) ?? textAt(lines, at, language);
    at = next;
    while (lines[at] === "") {
      at++;
      block.after++;
    }
    blocks.push(block);
  }
  return { before, blocks };
}

interface Found {
  readonly block: Block;
  readonly next: number;
}

function cellAt(lines: readonly string[], at: number, language: string | null): Found | null {
  const open = lines[at] as string;
  const opened = opening(open, language);
  if (opened === null) return null;
  for (let end = at + 1; end < lines.length; end++) {
    const close = lines[end] as string;
    if (!opened.ends(close)) continue;
    const inner = lines.slice(at + 1, end);
    if (opened.options.source !== null && (inner.length !== 1 || inner[0] !== "")) return null;
    return {
      block: { type: opened.type, marks: { open, close }, lines: inner, options: opened.options, after: 0 },
      next: end + 1,
    };
  }
  return null;
}

/** B4. */
function textAt(lines: readonly string[], from: number, language: string | null): Found {
  let at = from;
  while (at < lines.length) {
    const line = lines[at] as string;
    if (line === "" && (lines[at + 1] ?? "") === "") break;
    if (at > from && cellAt(lines, at, language) !== null) break;
    at = pastFence(lines, at);
  }
  let end = Math.min(at, lines.length);
  while (end > from && lines[end - 1] === "") end--;
  return { block: { type: "markdown", marks: null, lines: lines.slice(from, end), options: NONE, after: 0 }, next: end };
}

/** Behind the fenced block that begins here, or behind this line. A fence that nothing ends goes to the end. */
function pastFence(lines: readonly string[], at: number): number {
  const open = /^ {0,3}(`{3,}(?!.*`)|~{3,})/s.exec(lines[at] as string)?.[1];
  if (open === undefined) return at + 1;
  const end = lines.findIndex((line, i) => i > at && endsFence(line, open));
  return end < 0 ? lines.length : end + 1;
}
