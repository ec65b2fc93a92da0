/**
 * Notebooks as Markdown, in Jupytext's form (ADR 188): fences of the notebook's language are code, what lies between is text,
 * comments that no renderer shows mark what can't stand by itself.
 *
 *   M1  From a notebook to Markdown and back, every cell is there with its text, type, metadata and attachments, and with its id
 *       if ids are written. What a run left (outputs, counts, times, names) is not in the Markdown.
 *   M2  From any Markdown to a notebook and back, every byte is there. What isn't as we would write it is noted in the metadata
 *       (`holdfast_markdown`), and followed as long as it still fits.
 */
import {
  type Cell,
  type Frame,
  freshId,
  isCellId,
  type MakeId,
  type Notebook,
  without,
  withoutOutputs,
} from "../format/index.ts";
import { type JsonObject, sameJson } from "../json/index.ts";
import { frontMatterEnd, type Header, headerLines, parseHeader } from "./header.ts";
import { LAYOUT, layoutOf, optionsOf, optionsText, withLayout } from "./options.ts";
import { type Block, type Opening, opening, scan } from "./scan.ts";

export interface MarkdownOptions {
  /** Whether cells' ids are written. Default: those that were there when the notebook was read from Markdown; no others, being noise. */
  readonly ids?: boolean;
}

const BOM = "\ufeff";

/** The notebook's text, which a program may as well have written by hand. */
export function toMarkdown(notebook: Notebook, { ids }: MarkdownOptions = {}): string {
  const writing: Writing = { notebook: withoutOutputs(notebook), ids: ids ?? null, hasHeader: true, isTrusting: true };
  if (hasNoHeader(writing.notebook)) {
    const text = written({ ...writing, hasHeader: false });
    if (isReadBack(text, writing.notebook)) return text;
  }
  const text = written(writing);
  return isReadBack(text, writing.notebook) ? text : written({ ...writing, isTrusting: false });
}

interface Writing {
  readonly notebook: Notebook;
  /** Null: as they were read. */
  readonly ids: boolean | null;
  readonly hasHeader: boolean;
  /** Whether text and carriage returns that stood by themselves are trusted to do so still; what is written is then read back. */
  readonly isTrusting: boolean;
}

/** Read from Markdown that had no header, and nothing was added that needs one. */
function hasNoHeader({ metadata, nbformat_minor, ...rest }: Notebook): boolean {
  const { jupytext, ...others } = without(metadata, LAYOUT);
  const { main_language: _, ...filter } = (jupytext ?? {}) as JsonObject;
  return (
    Object.keys(others).length === 0 &&
    sameJson(filter, { notebook_metadata_filter: "-all" }) &&
    nbformat_minor === 5 &&
    Object.keys(rest).length === 2
  );
}

function isReadBack(text: string, notebook: Notebook): boolean {
  let next = 0;
  const read = fromMarkdown(text, () => `id-${next++}`);
  const plain = (it: Notebook): JsonObject => ({
    ...it,
    metadata: without(it.metadata, LAYOUT),
    cells: it.cells.map((cell) => ({ ...without(cell, "id"), metadata: without(cell.metadata, LAYOUT) })),
  });
  return sameJson(plain(read), plain(notebook));
}

function written(writing: Writing): string {
  const { notebook, hasHeader, isTrusting } = writing;
  const layout = layoutOf(notebook.metadata);
  const language = hasHeader ? languageOf(notebook.metadata) : mainLanguage(notebook.metadata);
  const lines = hasHeader ? ownHeader(notebook, layout) : [];
  push(lines, blanks(layout["before"], hasHeader && notebook.cells.length > 0 ? 1 : 0));
  const shapes = notebook.cells.map((cell, i) =>
    shapeOf(cell, {
      isFront: i === 0 && !hasHeader,
      isLast: i === notebook.cells.length - 1,
      language,
      isTrusting,
      mayHaveReturns: isTrusting && layout["newline"] === "mixed",
      id: writtenId(cell, writing),
    }),
  );
  for (const [i, shape] of shapes.entries()) {
    for (const line of shape.lines) lines.push(line);
    const next = shapes[i + 1];
    const usual = next === undefined ? 0 : shape.isText && next.isText ? 2 : 1;
    const after = blanks(layoutOf((notebook.cells[i] as Cell).metadata)["after"], usual);
    push(lines, next !== undefined && shape.isText && next.isText ? Math.max(2, after) : after);
  }
  const body = lines.map((line) => `${line}\n`).join("");
  const ended = layout["ended"] === false ? body.replace(/\n$/, "") : body;
  const text = layout["newline"] === "\r\n" ? ended.replaceAll("\n", "\r\n") : ended;
  return layout["bom"] === true ? BOM + text : text;
}

function push(lines: string[], count: number): void {
  for (let i = 0; i < count; i++) lines.push("");
}

function blanks(count: unknown, usual: number): number {
  return typeof count === "number" && count >= 0 && count <= 10_000 ? Math.floor(count) : usual;
}

function ownHeader(notebook: Notebook, layout: JsonObject): string[] {
  const { cells: _, ...frame } = notebook;
  const lines = headerLines(frame as Frame);
  const kept = typeof layout["header"] === "string" ? layout["header"].split("\n") : null;
  if (kept === null || frontMatterEnd(kept) !== kept.length - 1) return lines;
  const mine = parseHeader(lines);
  const theirs = parseHeader(kept);
  return mine && theirs && sameHeader(mine, theirs) ? kept : lines;
}

function sameHeader(a: Header, b: Header): boolean {
  return a.minor === b.minor && sameJson(a.metadata, b.metadata) && sameJson(a.others, b.others);
}

interface Shape {
  readonly lines: readonly string[];
  /** Text without marks, which only empty lines part from other text. */
  readonly isText: boolean;
}

/** Where a cell stands, and how its document is written. */
interface Place {
  /** First of a document without a header. */
  readonly isFront: boolean;
  readonly isLast: boolean;
  readonly language: string | null;
  readonly isTrusting: boolean;
  readonly mayHaveReturns: boolean;
  /** As it is written; null for none. */
  readonly id: string | null;
}

function shapeOf(cell: Cell, place: Place): Shape {
  const options = optionsOf(cell, place.id);
  const lines = cell.source.split("\n");
  const isWritable = place.mayHaveReturns || !cell.source.includes("\r");
  const layout = layoutOf(cell.metadata);
  if (Object.keys(options).length === 0 && isWritable && layout["open"] === undefined) {
    const isTrusted = place.isTrusting && layout["plain"] === true && cell.source !== "";
    if (cell.cell_type === "markdown" && (isTrusted || isPlain(lines, place.language, place.isLast)))
      return { lines, isText: true };
    if (cell.cell_type === "raw" && place.isFront && isForeignHeader(lines)) return { lines, isText: false };
  }
  return { lines: marked(cell, options, lines, isWritable, place.language), isText: false };
}

function writtenId(cell: Cell, { ids, notebook }: Writing): string | null {
  const id = ids === null ? layoutOf(cell.metadata)["id"] : ids && notebook.nbformat_minor >= 5 ? cell["id"] : null;
  return typeof id === "string" ? id : null;
}

/** Text after which nothing that a line before it may have opened is open still. */
const ENDS = ["", "", "<!-- #endregion -->", "<!-- #endraw -->", "<!-- #endmd -->"];

/** Whether these lines are read as one cell of text, whatever follows. */
function isPlain(lines: readonly string[], language: string | null, isLast: boolean): boolean {
  const { before, blocks } = scan(isLast ? lines : [...lines, ...ENDS], language);
  const [first] = blocks;
  return before === 0 && blocks.length === (isLast ? 1 : 2) && first?.marks === null && first.lines.length === lines.length;
}

function isForeignHeader(lines: readonly string[]): boolean {
  return frontMatterEnd(lines) === lines.length - 1 && lines.length > 1 && parseHeader(lines) === null;
}

function marked(
  cell: Cell,
  options: JsonObject,
  lines: readonly string[],
  isWritable: boolean,
  language: string | null,
): string[] {
  const kept = keptMarks(cell, options, lines, language);
  if (kept !== null) return kept;
  const open = openingLine(cell, options, language);
  const opened = opening(open, language ?? "");
  const isHidden = !isWritable || lines.some((line) => opened?.ends(line));
  if (!isHidden) return [open, ...lines, (opened as Opening).close];
  const hidden = openingLine({ ...cell, source: "" } as Cell, { ...options, source: cell.source }, language);
  return [hidden, "", (opening(hidden, language ?? "") as Opening).close];
}

function openingLine(cell: Cell, options: JsonObject, language: string | null): string {
  const text = optionsText(options);
  if (cell.cell_type !== "code")
    return ["<!--", cell.cell_type === "raw" ? "#raw" : "#region", text, "-->"].filter((it) => it !== "").join(" ");
  const longest = Math.max(0, ...[...cell.source.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest < 3 ? 3 : longest + 1);
  return text === "" ? `${fence}${language ?? ""}` : `${fence}${language ?? ""} ${text}`;
}

/** M2: the lines that a cell was read from, if they still say the same. */
function keptMarks(cell: Cell, options: JsonObject, lines: readonly string[], language: string | null): string[] | null {
  const layout = layoutOf(cell.metadata);
  if (typeof layout["open"] !== "string") return null;
  const opened = opening(layout["open"], language);
  const close = typeof layout["close"] === "string" ? layout["close"] : (opened?.close ?? "");
  if (opened?.type !== cell.cell_type || !opened.ends(close)) return null;
  const { source, id } = opened.options;
  if (!sameJson(optionsOf(withOptions(cell.cell_type, opened.options, ""), id), options)) return null;
  if (source !== null) return source === cell.source ? [layout["open"], "", close] : null;
  if (lines.some((line) => opened.ends(line))) return null;
  return [layout["open"], ...(layout["empty"] === true && cell.source === "" ? [] : lines), close];
}

function withOptions(type: Cell["cell_type"], { metadata, others }: Block["options"], source: string): Cell {
  const base = { ...others, cell_type: type, metadata, source };
  return (type === "code" ? { ...base, execution_count: null, outputs: [] } : base) as Cell;
}

/** A notebook of any Markdown. It has nbformat 4.5, unless its header says otherwise; cells without ids get them from `makeId`. */
export function fromMarkdown(text: string, makeId: MakeId): Notebook {
  const layout: Record<string, boolean | number | string> = {};
  const bare = text.startsWith(BOM) ? text.slice(1) : text;
  if (bare !== text) layout["bom"] = true;
  const newline = newlineOf(bare);
  if (newline !== "\n") layout["newline"] = newline;
  const lines = (newline === "\r\n" ? bare.replaceAll("\r\n", "\n") : bare).split("\n");
  if (lines.at(-1) === "") lines.pop();
  else layout["ended"] = false;
  return assembled(lines, layout, makeId);
}

function newlineOf(text: string): string {
  if (!text.includes("\r")) return "\n";
  return /[\r\n]/.test(text.replaceAll("\r\n", "")) ? "mixed" : "\r\n";
}

function assembled(lines: readonly string[], layout: Record<string, boolean | number | string>, makeId: MakeId): Notebook {
  const end = frontMatterEnd(lines);
  const front = lines.slice(0, end + 1);
  const header = end < 0 ? null : parseHeader(front);
  const body = lines.slice(end + 1);
  const language = header === null ? firstLanguage(body) : languageOf(header.metadata);
  const { before, blocks } = scan(body, language);
  const foreign: Block | null = end >= 0 && header === null ? frontBlock(front) : null;
  if (foreign !== null) foreign.after = before;
  const all = foreign === null ? blocks : [foreign, ...blocks];
  const usualBefore = header !== null && blocks.length > 0 ? 1 : 0;
  if (foreign === null && before !== usualBefore) layout["before"] = before;
  const metadata = header?.metadata ?? {
    jupytext: { notebook_metadata_filter: "-all", ...(language === null ? {} : { main_language: language }) },
  };
  const minor = header?.minor ?? 5;
  const frame: Frame = { ...header?.others, metadata, nbformat: 4, nbformat_minor: minor };
  if (header !== null && headerLines(frame).join("\n") !== front.join("\n")) layout["header"] = front.join("\n");
  const cells = all.map((block, i) =>
    cellFrom(block, all[i + 1], {
      isFront: i === 0 && header === null,
      isLast: i === all.length - 1,
      language,
      isTrusting: true,
      mayHaveReturns: layout["newline"] === "mixed",
    }),
  );
  return { ...frame, metadata: withLayout(metadata, layout), cells: identify(cells, all, minor, makeId) };
}

function frontBlock(lines: readonly string[]): Block {
  return { type: "raw", marks: null, lines, options: { metadata: {}, id: null, others: {}, source: null }, after: 0 };
}

function cellFrom(block: Block, next: Block | undefined, place: Omit<Place, "id">): Cell {
  const { id, source } = block.options;
  const cell = withOptions(block.type, block.options, source ?? block.lines.join("\n"));
  const layout: Record<string, boolean | number | string> = {};
  const isText = (it: Block | undefined): boolean => it?.marks === null && it.type === "markdown";
  const usual = next === undefined ? 0 : isText(block) && isText(next) ? 2 : 1;
  if (block.after !== usual) layout["after"] = block.after;
  if (id !== null) layout["id"] = id;
  const { marks } = block;
  const lines = marks === null ? block.lines : [marks.open, ...block.lines, marks.close];
  if (!sameJson(shapeOf(cell, { ...place, id }).lines, lines)) {
    if (marks === null) layout["plain"] = true;
    else Object.assign(layout, { open: marks.open, close: marks.close }, block.lines.length === 0 ? { empty: true } : {});
  }
  return { ...cell, metadata: withLayout(cell.metadata, layout) };
}

/** Ids that were written stay where they can; the others are new. */
function identify(cells: readonly Cell[], blocks: readonly Block[], minor: number, makeId: MakeId): Cell[] {
  if (minor < 5) return [...cells];
  const seen = new Set<string>();
  const wanted = new Set(blocks.map(({ options }) => options.id));
  return cells.map((cell, i) => {
    const own = blocks[i]?.options.id ?? null;
    const isFree = own !== null && isCellId(own) && !seen.has(own);
    const id = isFree ? own : freshId({ has: (it) => seen.has(it) || wanted.has(it) }, makeId);
    seen.add(id);
    return { ...cell, id } as Cell;
  });
}

/** The language of a notebook's code; empty if it tells none that can stand behind a fence. */
export function languageOf(metadata: JsonObject): string {
  const { kernelspec, language_info } = metadata;
  const told =
    (kernelspec as JsonObject | undefined)?.["language"] ??
    (language_info as JsonObject | undefined)?.["name"] ??
    mainLanguage(metadata);
  return typeof told === "string" && /^[\w+#.-]+$/.test(told) ? told : "";
}

function mainLanguage(metadata: JsonObject): string | null {
  const language = (metadata["jupytext"] as JsonObject | undefined)?.["main_language"];
  return typeof language === "string" && /^[\w+#.-]+$/.test(language) ? language : null;
}

/** Of a document that doesn't say: the language of its first fence that names one. */
function firstLanguage(lines: readonly string[]): string | null {
  for (const line of lines) {
    const language = /^`{3,}([\w+#.-]+)(?: |\{|$)/.exec(line)?.[1];
    if (language !== undefined) return language;
  }
  return null;
}
