/** A notebook as `nbformat.write` writes it, byte for byte (nbformat 5.5; lone surrogates as json.ts J3 says). */
import { isObject, type Json, type JsonObject, writeJson } from "../json/index.ts";
import { splitLines } from "./lines.ts";
import { type Cell, type Notebook, withoutTransient } from "./notebook.ts";

/** The text of its `.ipynb`, with the newline at its end; to be encoded as UTF-8. */
export function writeNotebook(notebook: Notebook): string {
  const { metadata, cells } = withoutTransient(notebook.metadata, notebook.cells);
  return `${writeJson({ ...notebook, metadata, cells: cells.map(cellInLines) }, 1)}\n`;
}

function cellInLines(cell: Cell): JsonObject {
  const lines: Record<string, Json> = { ...cell, source: splitLines(cell.source) };
  if (isObject(cell["attachments"])) lines["attachments"] = mapValues(cell["attachments"], bundleInLines);
  if (cell.cell_type === "code") lines["outputs"] = cell.outputs.map(outputInLines);
  return lines;
}

function outputInLines(output: JsonObject): JsonObject {
  if (output["output_type"] === "stream" && typeof output["text"] === "string")
    return { ...output, text: splitLines(output["text"]) };
  if (output["output_type"] !== "display_data" && output["output_type"] !== "execute_result") return output;
  return isObject(output["data"]) ? { ...output, data: bundleInLines(output["data"]) } : output;
}

/** Images in base64 stay whole: nbformat splits only what people read in a diff. */
function bundleInLines(bundle: Json): Json {
  if (!isObject(bundle)) return bundle;
  return mapValues(bundle, (value, mime) => (typeof value === "string" && isSplit(mime) ? splitLines(value) : value));
}

function isSplit(mime: string): boolean {
  return mime.startsWith("text/") || mime === "application/javascript" || mime === "image/svg+xml";
}

function mapValues(object: JsonObject, change: (value: Json, key: string) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}
