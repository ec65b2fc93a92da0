/**
 * A notebook as nbformat 4 has it, in memory: the same keys with the same names, so that what other tools put in stays in.
 *
 *   N1  Text is one string: lists of lines, as they stand in a file, are joined when it is read.
 *   N2  A key that we don't know is kept, at every level.
 *   N3  What nbformat keeps out of files (`orig_nbformat`, `orig_nbformat_minor`, `signature`, a cell's `trusted`) is taken off
 *       when reading and when writing.
 * Reading: read.ts. Writing: write.ts. What nbformat's schema says: check.ts.
 */
import type { JsonObject } from "../json/index.ts";

/** A notebook without its cells. */
export interface Frame extends JsonObject {
  readonly nbformat: 4;
  /** 0 to 5; later ones are read as 5 is. Cells have ids from 5 on. */
  readonly nbformat_minor: number;
  readonly metadata: JsonObject;
}

export interface Notebook extends Frame {
  readonly cells: readonly Cell[];
}

export type CellType = "code" | "markdown" | "raw";
export type Cell = CodeCell | TextCell;

interface AnyCell extends JsonObject {
  readonly metadata: JsonObject;
  readonly source: string;
}

export interface CodeCell extends AnyCell {
  readonly cell_type: "code";
  readonly outputs: readonly Output[];
  /** A whole number from 0 on, null before it ran. */
  readonly execution_count: number | null;
}

/** `attachments`, where there are any: a file's name to its MIME bundle. */
export interface TextCell extends AnyCell {
  readonly cell_type: "markdown" | "raw";
}

export type Output = StreamOutput | DisplayOutput | ResultOutput | ErrorOutput;

export interface StreamOutput extends JsonObject {
  readonly output_type: "stream";
  /** `stdout` or `stderr`; kernels may have others. */
  readonly name: string;
  readonly text: string;
}

/** MIME type to data: JSON types are values, all others text, images in base64. */
export type MimeBundle = JsonObject;

export interface DisplayOutput extends JsonObject {
  readonly output_type: "display_data";
  readonly data: MimeBundle;
  readonly metadata: JsonObject;
}

export interface ResultOutput extends JsonObject {
  readonly output_type: "execute_result";
  readonly data: MimeBundle;
  readonly metadata: JsonObject;
  readonly execution_count: number | null;
}

export interface ErrorOutput extends JsonObject {
  readonly output_type: "error";
  readonly ename: string;
  readonly evalue: string;
  /** Lines, with their ANSI colours. */
  readonly traceback: readonly string[];
}

/** Whether data of this MIME type is a JSON value, and not text. */
export function isJsonMime(mime: string): boolean {
  return mime === "application/json" || (mime.startsWith("application/") && mime.endsWith("+json"));
}

export function emptyNotebook(metadata: JsonObject = {}): Notebook {
  return { cells: [], metadata, nbformat: 4, nbformat_minor: 5 };
}

/** A cell's id, null where its notebook is older than ids. */
export function idOf(cell: Cell): string | null {
  return typeof cell["id"] === "string" ? cell["id"] : null;
}

/** `object` without `names`; the same object if it has none of them. */
export function without<T extends JsonObject>(object: T, ...names: readonly string[]): T {
  if (!names.some((name) => Object.hasOwn(object, name))) return object;
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name))) as T;
}

/** N3. */
export function withoutTransient<C extends { readonly metadata: JsonObject }>(metadata: JsonObject, cells: readonly C[]) {
  return {
    metadata: without(metadata, "orig_nbformat", "orig_nbformat_minor", "signature"),
    cells: cells.map((cell) => {
      const kept = without(cell.metadata, "trusted");
      return kept === cell.metadata ? cell : { ...cell, metadata: kept };
    }),
  };
}

/** The notebook as it is before it runs: no outputs, no counts, no times, nobody's name. For clean diffs. */
export function withoutOutputs(notebook: Notebook): Notebook {
  return { ...notebook, cells: notebook.cells.map(notRun) };
}

function notRun(cell: Cell): Cell {
  if (cell.cell_type !== "code") return cell;
  return { ...cell, outputs: [], execution_count: null, metadata: without(cell.metadata, "execution", "holdfast") };
}
