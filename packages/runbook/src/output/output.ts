/**
 * A file of outputs beside a runbook, as Runme writes its sessions: the same document, each cell's text output inside its fence, and the
 * session in the front matter.
 *
 *   O1  Pure: what ran, when and in which zone are arguments. The document itself is untouched.
 *   O2  Text without terminal sequences; a carriage return over a line keeps what it left. Images follow as data URIs.
 *   O3  An indented block with an output becomes a fenced one, for only that holds any text.
 */
import stripAnsi from "strip-ansi";
import { isOutputs, parse, type Runbook } from "../document/index.ts";
import { applied, contentEdits, type Edit, frontMatterEdits, longestRun } from "../edit/index.ts";
import { containerPrefix } from "../markdown/index.ts";

export interface CellResult {
  readonly startedAtUnixMs: number;
  readonly durationMs: number;
  readonly exitCode: number;
  readonly text: string;
  readonly images?: readonly { readonly mimeType: string; readonly base64: string }[];
}

export interface OutputSession {
  /** A ULID. */
  readonly id: string;
  readonly updatedAtUnixMs: number;
  /** East of UTC. Default 0. */
  readonly offsetMinutes?: number;
}

export interface OutputFile {
  /** Beside the document: its name, `-` and the session's id. */
  readonly path: string;
  readonly text: string;
}

/** `results` by the index of a cell. `file` with `/` between folders. Undefined for a file of outputs itself. */
export function writeOutputs(
  runbook: Runbook,
  file: string,
  session: OutputSession,
  results: ReadonlyMap<number, CellResult>,
): OutputFile | undefined {
  if (isOutputs(runbook)) return undefined;
  const offset = session.offsetMinutes ?? 0;
  const edits: Edit[] = [];
  for (const cell of runbook.cells) {
    const result = results.get(cell.index);
    if (result === undefined) continue;
    const ran = `# Ran on ${stamp(result.startedAtUnixMs, offset, " ")} for ${goDuration(result.durationMs)} exited with ${result.exitCode}`;
    const text = plain(result.text);
    const content = `${cell.content}\n\n${ran}${text === "" ? "" : `\n${text}`}`;
    const { block } = cell;
    const eol = runbook.lineEnding;
    const images = (result.images ?? []).map((image) => `![](data:${image.mimeType};base64,${image.base64})`);
    if (block.fence === null) {
      // The four columns that made it code go too.
      const start = lineStart(runbook.text, block.span.start);
      const prefix = containerPrefix(runbook.text, block.span.start).replace(/(?: {4}|\t| {1,3}\t)$/, "");
      const fence = "`".repeat(Math.max(3, longestRun(content, "`") + 1));
      const head = /^[\s>]*$/.test(runbook.text.slice(start, block.span.start))
        ? prefix
        : runbook.text.slice(start, block.span.start).trimEnd();
      const lines = [fence, ...content.split("\n"), fence, ...images.flatMap((image) => ["", image])];
      const said = lines.map((line, i) => (i === 0 && head !== prefix ? `${head} ${line}` : (prefix + line).trimEnd()));
      edits.push({ start, end: block.span.end, text: said.join(eol) });
      continue;
    }
    const prefix = containerPrefix(runbook.text, block.span.start);
    const after = images.map((image) => `${eol}${prefix.trimEnd()}${eol}${prefix}${image}`).join("");
    edits.push(...contentEdits(runbook, cell, content));
    const closing =
      block.fence.closing === null
        ? `${eol}${prefix}${runbook.text.slice(block.fence.opening.start, block.fence.opening.end)}`
        : "";
    if (after !== "") edits.push({ start: block.span.end, end: block.span.end, text: closing + after });
  }
  const changed = parse(applied(runbook.text, edits));
  const name = file.slice(file.lastIndexOf("/") + 1);
  const front = frontMatterEdits(changed, [
    [["runme", "document", "relativePath"], name],
    [["runme", "session", "id"], session.id],
    [["runme", "session", "updated"], stamp(session.updatedAtUnixMs, offset, " ")],
  ]);
  return { path: outputPath(file, session.id), text: applied(changed.text, front) };
}

export function outputPath(file: string, id: string): string {
  const dot = file.lastIndexOf(".");
  return dot > file.lastIndexOf("/") + 1 ? `${file.slice(0, dot)}-${id}${file.slice(dot)}` : `${file}-${id}`;
}

const lineStart = (text: string, at: number): number =>
  Math.max(text.lastIndexOf("\n", at - 1), text.lastIndexOf("\r", at - 1)) + 1;

/** O2. */
function plain(text: string): string {
  return stripAnsi(text)
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) =>
      line
        .replace(/\r+$/, "")
        .split("\r")
        .reduce((left, part) => part + left.slice(part.length), ""),
    )
    .join("\n")
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "")
    .replace(/\n+$/, "");
}

/** `2023-12-28 15:52:03-05:00`. */
export function stamp(unixMs: number, offsetMinutes: number, between: string): string {
  const iso = new Date(unixMs + offsetMinutes * 60_000).toISOString();
  const two = (n: number): string => String(n).padStart(2, "0");
  const size = Math.abs(offsetMinutes);
  const zone = `${offsetMinutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  return `${iso.slice(0, 10)}${between}${iso.slice(11, 19)}${zone}`;
}

/** As Go writes one: `719ms`, `1.5s`, `2m3.5s`, `1h0m1s`. */
export function goDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  const seconds = ms / 1_000;
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  const rest = `${Number((seconds % 60).toFixed(3))}s`;
  return hours > 0 ? `${hours}h${minutes}m${rest}` : minutes > 0 ? `${minutes}m${rest}` : rest;
}
