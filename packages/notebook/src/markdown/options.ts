/**
 * What stands beside a cell's text in Markdown: one JSON object on the line that opens it. It holds the cell's metadata, and
 * under names of its own what is no metadata. `>` and backticks are written as escapes, so that no option ends a comment or
 * spoils a fence. Read too: Jupytext's `key="value" other=[1]`.
 */
import { type Cell, without } from "../format/index.ts";
import { isObject, type Json, type JsonObject, parseJson, writeJson } from "../json/index.ts";

/** Options that are no metadata. Metadata with one of these keys stands whole under `metadata`. */
const RESERVED = ["attachments", "cell", "id", "metadata", "source"] as const;
const KNOWN = ["attachments", "cell_type", "execution_count", "id", "metadata", "outputs", "source"];

/** Where a cell's metadata keeps what its Markdown looked like, where that isn't as it would be written. */
export const LAYOUT = "holdfast_markdown";

export function layoutOf(metadata: JsonObject): JsonObject {
  const layout = metadata[LAYOUT];
  return isObject(layout) ? layout : {};
}

export function withLayout(metadata: JsonObject, layout: JsonObject): JsonObject {
  return Object.keys(layout).length === 0 ? metadata : { ...metadata, [LAYOUT]: layout };
}

/** What a cell has beside its text, without what a run left. `id`: as it is written; null for none. */
export function optionsOf(cell: Cell, id: string | null): JsonObject {
  const metadata =
    cell.cell_type === "code" ? without(cell.metadata, LAYOUT, "execution", "holdfast") : without(cell.metadata, LAYOUT);
  const others = without(cell, ...KNOWN) as JsonObject;
  const isHidden = RESERVED.some((name) => Object.hasOwn(metadata, name));
  return {
    ...(isHidden ? { metadata } : metadata),
    ...(id === null ? {} : { id }),
    ...(cell["attachments"] === undefined ? {} : { attachments: cell["attachments"] }),
    ...(Object.keys(others).length === 0 ? {} : { cell: others }),
  };
}

export interface CellOptions {
  readonly metadata: JsonObject;
  readonly id: string | null;
  /** Other keys of the cell. */
  readonly others: JsonObject;
  /** The cell's text, where it can't stand in the document. */
  readonly source: string | null;
}

/** Null for what is no cell's options. */
export function cellOptions(options: JsonObject): CellOptions | null {
  const { id, attachments, cell, source, metadata } = options;
  const isSound =
    (id === undefined || typeof id === "string") &&
    (attachments === undefined || isObject(attachments)) &&
    (cell === undefined || (isObject(cell) && !KNOWN.some((name) => Object.hasOwn(cell, name)))) &&
    (source === undefined || typeof source === "string") &&
    (metadata === undefined || isObject(metadata));
  if (!isSound) return null;
  const rest = without(options, ...RESERVED);
  if (metadata !== undefined && Object.keys(rest).length > 0) return null;
  return {
    metadata: (metadata as JsonObject | undefined) ?? rest,
    id: (id as string | undefined) ?? null,
    others: { ...(cell as JsonObject | undefined), ...(attachments === undefined ? {} : { attachments }) },
    source: (source as string | undefined) ?? null,
  };
}

/** On one line; empty for no options. */
export function optionsText(options: JsonObject): string {
  if (Object.keys(options).length === 0) return "";
  return writeJson(options, null).replaceAll("`", "\\u0060").replaceAll(">", "\\u003e");
}

/** Null for what are no options. */
export function parseOptions(text: string): JsonObject | null {
  const trimmed = text.trim();
  if (trimmed === "") return {};
  const read = parseJson(trimmed);
  if (read.ok) return isObject(read.value) ? read.value : null;
  return parsePairs(trimmed);
}

/** `key=JSON` pairs with blanks between them. A value ends where it is whole. */
function parsePairs(text: string): JsonObject | null {
  const pairs: [string, Json][] = [];
  let rest = text;
  while (rest !== "") {
    const key = /^[\w.-]+(?==)/.exec(rest)?.[0];
    if (key === undefined) return null;
    const value = firstJson(rest.slice(key.length + 1));
    if (value === null) return null;
    pairs.push([key, value.json]);
    rest = rest.slice(key.length + 1 + value.length).trimStart();
  }
  return Object.fromEntries(pairs);
}

function firstJson(text: string): { json: Json; length: number } | null {
  for (let end = text.indexOf(" "); ; end = text.indexOf(" ", end + 1)) {
    const length = end < 0 ? text.length : end;
    const read = parseJson(text.slice(0, length));
    if (read.ok) return { json: read.value, length };
    if (end < 0) return null;
  }
}
