/**
 * Changes of a runbook, as edits of its text.
 *
 *   E1  Only what changes is touched: the lines of a cell that differ, a fence's length where the new text would end it, the keys of
 *       an annotation. Everything else stays as it was, byte for byte.
 *   E2  A change is checked by reading the result: a cell that would not come back with the text that was asked for, or another
 *       number of cells, is a refusal (`not_expressible`) and changes nothing.
 *   E3  New lines take the line ending of the document and the prefix of their container.
 */
import { type Cell, withAnnotations } from "../cell/index.ts";
import { parse, type Runbook } from "../document/index.ts";
import { containerPrefix } from "../markdown/index.ts";

/** Replaces `text.slice(start, end)`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export type EditResult =
  | { readonly ok: true; readonly runbook: Runbook; readonly edits: readonly Edit[] }
  | { readonly ok: false; readonly refusal: EditRefusal };

export type EditRefusal =
  | { readonly code: "no_such_cell"; readonly index: number; readonly count: number }
  /** The block's form can't say it: an annotation of an indented block, a space in an HTML-like annotation. */
  | { readonly code: "not_expressible"; readonly index: number; readonly what: string };

/** Edits may not overlap. */
export function applied(text: string, edits: readonly Edit[]): string {
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((left, edit) => left.slice(0, edit.start) + edit.text + left.slice(edit.end), text);
}

/** `content` as `Cell.content` is: lines joined with `\n`, none at its end. */
export function setContent(runbook: Runbook, index: number, content: string): EditResult {
  const cell = runbook.cells[index];
  if (cell === undefined) return missing(runbook, index);
  const edits = contentEdits(runbook, cell, content);
  return checked(
    runbook,
    edits,
    index,
    (after) => after.cells.length === runbook.cells.length && after.cells[index]?.content === content,
    "text",
  );
}

/** Undefined takes a key away. Keys of a program's own (`_…`, `runme.dev/…`, `index`) are never written. */
export function setAnnotations(
  runbook: Runbook,
  index: number,
  changes: Readonly<Record<string, string | undefined>>,
): EditResult {
  const cell = runbook.cells[index];
  if (cell === undefined) return missing(runbook, index);
  const edit = annotationEdit(runbook, cell, changes);
  if (edit === null) return refused(index, "annotations");
  return checked(
    runbook,
    edit,
    index,
    (after) =>
      Object.entries(changes).every(
        ([key, value]) => after.cells.length <= index || after.cells[index]?.info.entries[key] === value,
      ),
    "annotations",
  );
}

export const setName = (runbook: Runbook, index: number, name: string): EditResult => setAnnotations(runbook, index, { name });

export interface NewCell {
  readonly language: string;
  readonly content: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Before the cell at `index`, or at the document's end when `index` is how many there are. The place is before a cell's intro; for a
 * cell in a list or a quote before all of that, unless an earlier cell lies in it too.
 */
export function insertCell(runbook: Runbook, index: number, cell: NewCell): EditResult {
  if (index < 0 || index > runbook.cells.length) return missing(runbook, index);
  const { text, lineEnding } = runbook;
  const fence = "`".repeat(Math.max(3, longestRun(cell.content, "`") + 1));
  const info = withAnnotations(cell.language, cell.annotations ?? {}) ?? cell.language;
  const block = [fence + info, ...(cell.content === "" ? [] : cell.content.split("\n")), fence];
  return checked(
    runbook,
    [insertion(runbook, index, block, lineEnding, text)],
    index,
    (after) => after.cells.length === runbook.cells.length + 1 && after.cells[index]?.content === cell.content,
    "a cell",
  );
}

function insertion(runbook: Runbook, index: number, block: readonly string[], eol: string, text: string): Edit {
  const next = runbook.cells[index]?.block;
  if (next === undefined) {
    const gap =
      text === "" || text === "\uFEFF" || /(\r\n\r\n|\n\n|\r\r)$/.test(text) ? "" : /[\r\n]$/.test(text) ? eol : eol + eol;
    return { start: text.length, end: text.length, text: gap + block.join(eol) + eol };
  }
  if (next.top >= (runbook.cells[index - 1]?.block.span.end ?? 0)) {
    const at = lineStart(text, next.top);
    return { start: at, end: at, text: block.join(eol) + eol + eol };
  }
  const at = next.intro?.start ?? next.span.start;
  const prefix = containerPrefix(text, at);
  return { start: at, end: at, text: [...block, ""].map((line) => `${line}${eol}${prefix}`).join("") };
}

/** With its fences and the blank line after it. */
export function deleteCell(runbook: Runbook, index: number): EditResult {
  const cell = runbook.cells[index];
  if (cell === undefined) return missing(runbook, index);
  const { text } = runbook;
  const start = lineStart(text, cell.block.span.start);
  const isAlone = /^[ \t>]*$/.test(text.slice(start, cell.block.span.start));
  const first = lineEnd(text, cell.block.span.end);
  const end = /^[ \t]*(\r\n|\n|\r)/.test(text.slice(first)) ? lineEnd(text, first) : first;
  const edit = isAlone ? { start, end, text: "" } : { start: cell.block.span.start, end: cell.block.span.end, text: "" };
  return checked(runbook, [edit], index, (after) => after.cells.length === runbook.cells.length - 1, "the document without it");
}

/** E1. */
export function contentEdits(runbook: Runbook, cell: Cell, content: string): readonly Edit[] {
  const { text, lineEnding } = runbook;
  const { block } = cell;
  const old = block.lines;
  const said = old.map((at) => text.slice(at.start, at.end));
  const wanted = content === "" && old.length === 0 ? [] : content.split("\n");
  let same = 0;
  while (same < said.length && same < wanted.length && said[same] === wanted[same]) same++;
  let tail = 0;
  while (
    tail < said.length - same &&
    tail < wanted.length - same &&
    said[said.length - 1 - tail] === wanted[wanted.length - 1 - tail]
  )
    tail++;
  const edits: Edit[] = fenceEdits(cell, content);
  if (same === said.length && same === wanted.length) return edits;
  const outer = containerPrefix(text, block.fence?.opening.start ?? lineStart(text, block.span.start));
  const prefix =
    block.fence === null ? text.slice(lineStart(text, block.span.start), block.span.start).replace(/[^>\s]/g, " ") : outer;
  const lines = wanted.slice(same, wanted.length - tail).map((line) => (line === "" ? prefix.trimEnd() : prefix + line));
  const changedFrom = old[same];
  const changedTo = old[old.length - 1 - tail];
  if (same < said.length - tail && changedFrom !== undefined && changedTo !== undefined) {
    // An indented block's first line begins behind its container's mark.
    const isFirst = block.fence === null && same === 0;
    const start = isFirst ? changedFrom.start : lineStart(text, changedFrom.start);
    const [head = "", ...rest] = lines;
    const body = lines.length === 0 ? null : [isFirst ? head.slice(prefix.length) : head, ...rest].join(lineEnding);
    edits.push(
      body === null ? { start, end: lineEnd(text, changedTo.end), text: "" } : { start, end: changedTo.end, text: body },
    );
    return edits;
  }
  // Lines are added, none is changed: after the line before them.
  const above = same === 0 ? (block.fence === null ? null : infoEnd(text, cell)) : (old[same - 1]?.end ?? null);
  const at = above ?? block.span.start;
  edits.push({
    start: at,
    end: at,
    text: above === null ? lines.join(lineEnding) + lineEnding : lines.map((line) => lineEnding + line).join(""),
  });
  return edits;
}

const infoEnd = (text: string, cell: Cell): number => {
  const from = cell.block.fence?.opening.end ?? cell.block.span.start;
  return from + (/^[^\r\n]*/.exec(text.slice(from))?.[0].length ?? 0);
};

/** Both fences longer, where a line of the new text would end the block. */
function fenceEdits(cell: Cell, content: string): Edit[] {
  const { fence } = cell.block;
  if (fence === null) return [];
  const closes = new RegExp(`^ {0,3}(\\${fence.mark}{${fence.length},})[ \\t]*$`);
  const longest = Math.max(0, ...content.split("\n").map((line) => closes.exec(line)?.[1]?.length ?? 0));
  if (longest === 0) return [];
  const text = fence.mark.repeat(longest + 1);
  return [fence.opening, ...(fence.closing === null ? [] : [fence.closing])].map((at) => ({
    start: at.start,
    end: at.start + fence.length,
    text,
  }));
}

export function annotationEdit(
  runbook: Runbook,
  cell: Cell,
  changes: Readonly<Record<string, string | undefined>>,
): readonly Edit[] | null {
  const { fence } = cell.block;
  if (fence === null) return null;
  const info = runbook.text.slice(fence.info.start, fence.info.end);
  const wanted = withAnnotations(info, changes);
  if (wanted === null) return null;
  return wanted === info ? [] : [{ start: fence.info.start, end: fence.info.end, text: wanted }];
}

export function longestRun(text: string, mark: string): number {
  return Math.max(0, ...[...text.matchAll(new RegExp(`\\${mark}+`, "g"))].map(([run]) => run.length));
}

const lineStart = (text: string, at: number): number =>
  Math.max(text.lastIndexOf("\n", at - 1), text.lastIndexOf("\r", at - 1)) + 1;
const lineEnd = (text: string, from: number): number => {
  const found = /\r\n|\n|\r/.exec(text.slice(from));
  return found === null ? text.length : from + found.index + found[0].length;
};

function checked(
  runbook: Runbook,
  edits: readonly Edit[],
  index: number,
  isRight: (after: Runbook) => boolean,
  what: string,
): EditResult {
  const after = edits.length === 0 ? runbook : parse(applied(runbook.text, edits));
  return isRight(after) ? { ok: true, runbook: after, edits } : refused(index, what);
}

const missing = (runbook: Runbook, index: number): EditResult => ({
  ok: false,
  refusal: { code: "no_such_cell", index, count: runbook.cells.length },
});
const refused = (index: number, what: string): EditResult => ({ ok: false, refusal: { code: "not_expressible", index, what } });
