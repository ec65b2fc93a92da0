/**
 * A runbook: a Markdown text, read.
 *
 *   D1  `serialise(parse(text)) === text`, whatever the text: pieces are slices of it, in order, without a gap.
 *   D2  Nothing is changed in place: a change is a list of edits (edit/), and the changed text is read again.
 *   D3  A text that is no runbook at all has pieces and no cells; nothing throws.
 */
import { type Cell, commaList, type Draft, draft, namer, type RunMode, runMode } from "../cell/index.ts";
import { blocksOf, type Span } from "../markdown/index.ts";
import { type FrontMatter, frontMatterAt, valueAt, type Values } from "./front-matter.ts";

export interface Runbook {
  readonly text: string;
  /** Of the first line break; `\n` where there is none. */
  readonly lineEnding: "\n" | "\r\n" | "\r";
  readonly hasByteOrderMark: boolean;
  readonly frontMatter: FrontMatter | null;
  readonly settings: DocumentSettings;
  /** D1. */
  readonly pieces: readonly Piece[];
  readonly cells: readonly Cell[];
  readonly warnings: readonly Warning[];
}

export interface Piece {
  readonly kind: "mark" | "frontMatter" | "markdown" | "cell";
  readonly span: Span;
  readonly text: string;
  /** Of `cell` pieces: which one. */
  readonly cell: number | null;
}

export interface Warning {
  readonly code: "front_matter_invalid";
  readonly line: number;
  readonly message: string;
}

/** What a document says for all its cells. */
export interface DocumentSettings {
  readonly shell: string | null;
  readonly cwd: string | null;
  readonly tags: readonly string[];
  readonly terminalRows: number | null;
  readonly skipPrompts: boolean;
  /** Of Runme's lifecycle. */
  readonly id: string | null;
  /** Not null: a file of outputs. */
  readonly session: string | null;
  /** Quarto's `jupyter:`, or `kernel:` of ours. */
  readonly kernel: string | null;
  /** Of ours. */
  readonly run: RunMode | null;
}

export function parse(text: string): Runbook {
  const hasByteOrderMark = text.startsWith("\uFEFF");
  const start = hasByteOrderMark ? 1 : 0;
  const frontMatter = frontMatterAt(text, start);
  const from = frontMatter?.span.end ?? start;
  const lineAt = lineCounter(text);
  const name = namer();
  const cells: Cell[] = [];
  const pieces: Piece[] = [];
  const piece = (kind: Piece["kind"], span: Span, cell: number | null = null): void => {
    if (span.end > span.start) pieces.push({ kind, span, text: text.slice(span.start, span.end), cell });
  };
  piece("mark", { start: 0, end: start });
  if (frontMatter !== null) piece("frontMatter", frontMatter.span);
  let at = from;
  for (const found of blocksOf(text.slice(from))) {
    const block = shifted(found, from);
    const read = draft(text, block, lineAt(block.span.start));
    if (read.isIgnored) continue;
    piece("markdown", { start: at, end: block.span.start });
    piece("cell", block.span, cells.length);
    cells.push(named(read, cells.length, name(read.wantedName)));
    at = block.span.end;
  }
  piece("markdown", { start: at, end: text.length });
  return {
    text,
    lineEnding: (/\r\n|\n|\r/.exec(text)?.[0] ?? "\n") as Runbook["lineEnding"],
    hasByteOrderMark,
    frontMatter,
    settings: settingsOf(frontMatter?.values ?? {}),
    pieces,
    cells,
    warnings:
      frontMatter === null || frontMatter.problem === null
        ? []
        : [{ code: "front_matter_invalid", line: 1, message: frontMatter.problem }],
  };
}

/** D1. */
export function serialise(runbook: Pick<Runbook, "pieces">): string {
  return runbook.pieces.map((piece) => piece.text).join("");
}

/** A file of outputs that Runme or `writeOutputs` left: no runbook to run. */
export const isOutputs = (runbook: Runbook): boolean => runbook.settings.session !== null;

function named({ wantedName: _, isIgnored: __, ...rest }: Draft, index: number, name: string): Cell {
  return { ...rest, index, name };
}

function shifted(block: ReturnType<typeof blocksOf>[number], by: number): ReturnType<typeof blocksOf>[number] {
  const move = (span: Span): Span => ({ start: span.start + by, end: span.end + by });
  const fence = block.fence && {
    ...block.fence,
    opening: move(block.fence.opening),
    closing: block.fence.closing && move(block.fence.closing),
    info: move(block.fence.info),
  };
  return {
    span: move(block.span),
    fence,
    lines: block.lines.map(move),
    intro: block.intro && move(block.intro),
    top: block.top + by,
  };
}

/** For offsets that rise. */
function lineCounter(text: string): (offset: number) => number {
  const breaks = /\r\n|\n|\r/g;
  let line = 1;
  let next = breaks.exec(text);
  return (offset) => {
    while (next !== null && next.index + next[0].length <= offset) {
      line++;
      next = breaks.exec(text);
    }
    return line;
  };
}

function settingsOf(values: Values): DocumentSettings {
  const word = (...path: string[]): string | null => {
    const value = valueAt(values, path);
    return typeof value === "string" && value !== "" ? value : null;
  };
  const rows = Number(valueAt(values, ["terminalRows"]) || Number.NaN);
  return {
    shell: word("shell"),
    cwd: word("cwd"),
    tags: [...new Set([...commaList(word("tag") ?? ""), ...commaList(word("category") ?? "")])],
    terminalRows: Number.isInteger(rows) && rows > 0 ? rows : null,
    skipPrompts: valueAt(values, ["skipPrompts"]) === true,
    id: word("runme", "id"),
    session: word("runme", "session", "id"),
    kernel: word("kernel") ?? word("jupyter") ?? word("jupyter", "kernelspec", "name"),
    run: runMode(word("run")),
  };
}
