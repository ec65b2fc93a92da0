/**
 * Outputs as text for a terminal, or for whoever has no eyes for more. What comes out is sanitised (S1) and ends its colours.
 * Images are named, not drawn: who can draw one asks {@link imageOf}.
 */
import type { CodeCell, MimeBundle, Output } from "../format/index.ts";
import { writeJson } from "../json/index.ts";
import { overwritten } from "./overwrite.ts";
import { sanitized } from "./sanitize.ts";

/** What is read best first, of what a terminal can show as text. */
const READABLE = ["text/plain", "text/markdown", "text/latex", "application/json", "text/html", "image/svg+xml"];
const RESET = "\x1b[0m";

export interface TextOptions {
  /** Whether SGR stays. Default true. */
  readonly colors?: boolean;
  /** Longest text of one output, in UTF-16 units; what is longer is cut, and says so. Default 1 Mi. */
  readonly maxUnits?: number;
}

/** One output, with a newline at its end unless it is a stream's that has none. Empty for a display without data. */
export function outputText(output: Output, options: TextOptions = {}): string {
  switch (output.output_type) {
    case "stream":
      return shown(output.text, options);
    case "error":
      return endLine(shown(output.traceback.join("\n") || `${output.ename}: ${output.evalue}`, options));
    case "display_data":
    case "execute_result":
      return endLine(shown(bundleText(output.data), options));
  }
}

/** All outputs of a cell, each from the start of a line but for pieces of a stream. */
export function cellText(cell: CodeCell, options: TextOptions = {}): string {
  let text = "";
  let last: Output | null = null;
  for (const output of cell.outputs) {
    if (last !== null && !(last.output_type === "stream" && output.output_type === "stream")) text = endLine(text);
    text += outputText(output, options);
    last = output;
  }
  return text;
}

/** The MIME type that says most as text; null if there is none. */
export function readableMime(data: MimeBundle): string | null {
  const known = READABLE.find((mime) => Object.hasOwn(data, mime));
  return known ?? Object.keys(data).find((mime) => mime.startsWith("text/")) ?? null;
}

/** The image to draw where a terminal can: its type and its bytes in base64. SVG is none: no terminal draws it. */
export function imageOf(output: Output): { readonly mime: string; readonly base64: string } | null {
  if (output.output_type !== "display_data" && output.output_type !== "execute_result") return null;
  for (const mime of ["image/png", "image/jpeg", "image/gif", "image/webp"]) {
    const data = output.data[mime];
    if (typeof data === "string") return { mime, base64: data.replace(/\s/g, "") };
  }
  return null;
}

function bundleText(data: MimeBundle): string {
  const mime = readableMime(data);
  if (mime === null)
    return Object.entries(data)
      .map(([other, value]) => `[${other}, ${sizeText(other, value)}]`)
      .join("\n");
  const value = data[mime] ?? null;
  return typeof value === "string" ? value : writeJson(value, 2);
}

function sizeText(mime: string, value: MimeBundle[string]): string {
  const text = typeof value === "string" ? value : writeJson(value, null);
  const isBase64 = !mime.startsWith("text/") && typeof value === "string" && /^[A-Za-z0-9+/=\s]*$/.test(text);
  const bytes = isBase64 ? Math.floor((text.replace(/[\s=]/g, "").length * 3) / 4) : utf8Length(text);
  return `${bytes} bytes`;
}

function shown(text: string, { colors = true, maxUnits = 1024 * 1024 }: TextOptions): string {
  const cut =
    text.length <= maxUnits ? text : `${text.slice(0, maxUnits)}\n[output_limit] ${text.length - maxUnits} more characters`;
  const safe = overwritten(sanitized(cut));
  const bare = colors ? safe : safe.replace(/\x1b\[[\d;:]*m/g, "");
  return bare.includes("\x1b") && !bare.trimEnd().endsWith(RESET) ? closed(bare) : bare;
}

/** Colours end before the newline, so that the next line begins without them. */
function closed(text: string): string {
  return text.endsWith("\n") ? `${text.slice(0, -1)}${RESET}\n` : `${text}${RESET}`;
}

function endLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** Bytes of a text in UTF-8. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) as number;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}
