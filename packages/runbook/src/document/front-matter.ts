/**
 * What stands before the Markdown: `---` YAML, JSON or TOML between lines of their own, `+++` TOML, or a JSON object.
 *
 *   M1  It is kept as written. What cannot be read is a warning, never an error, and has no values.
 *   M2  A change touches the lines that it is about; only where that cannot be done (a flow mapping) is it all written anew.
 *   M3  A text that begins with `--8<`, `{{` or `{%` (snippets, templates) has none.
 */
import { applyEdits, modify } from "jsonc-parser";
import { parse as parseToml, stringify as stringifyToml } from "smol-toml";
import { type Document, isMap, isScalar, parseDocument, type Pair, stringify, type YAMLMap } from "yaml";
import { objectEnd } from "../json-object.ts";
import type { Span } from "../markdown/index.ts";

export type FrontMatterForm = "yaml" | "json" | "toml";
export type Values = { readonly [key: string]: unknown };

export interface FrontMatter {
  readonly form: FrontMatterForm;
  /** From the first separator to the last, the line break after it included. */
  readonly span: Span;
  /** What lies between the separators; of a bare JSON object all of it. */
  readonly body: Span;
  readonly values: Values;
  /** Why nothing could be read; null where it could. */
  readonly problem: string | null;
}

/** At `start` of `text`; null where there is none. */
export function frontMatterAt(text: string, start: number): FrontMatter | null {
  const rest = text.slice(start);
  if (/^(--8<|\{\{|\{%)/.test(rest)) return null;
  const opening = /^(---|\+\+\+)[ \t]*(\r\n|\n|\r)/.exec(rest);
  if (opening !== null) {
    const separator = opening[1] === "---" ? "---" : "\\+\\+\\+";
    const closing = new RegExp(`^${separator}[ \\t]*(?:\\r\\n|\\n|\\r|$)`, "m");
    const inside = rest.slice(opening[0].length);
    const found = closing.exec(inside);
    if (found === null) return null;
    const body = { start: start + opening[0].length, end: start + opening[0].length + found.index };
    const span = { start, end: body.end + found[0].length };
    // JSON is YAML too, but as JSON it can be changed in place.
    const forms: readonly FrontMatterForm[] = inside.trimStart().startsWith("{") ? ["json", "yaml"] : ["yaml", "toml"];
    return { span, body, ...read(text.slice(body.start, body.end), opening[1] === "+++" ? ["toml"] : forms) };
  }
  if (!rest.startsWith("{")) return null;
  const end = objectEnd(rest, 0);
  const tail = end === null ? null : /^[ \t]*(\r\n|\n|\r|$)/.exec(rest.slice(end));
  if (end === null || tail === null) return null;
  const span = { start, end: start + end + tail[0].length };
  return { span, body: { start, end: start + end }, ...read(rest.slice(0, end), ["json"]) };
}

function read(text: string, forms: readonly FrontMatterForm[]): Pick<FrontMatter, "form" | "values" | "problem"> {
  let problem = "";
  for (const form of forms) {
    try {
      return { form, values: valuesOf(text, form), problem: null };
    } catch (e) {
      problem ||= e instanceof Error ? (e.message.split("\n")[0] ?? "") : String(e);
    }
  }
  return { form: forms[0] ?? "yaml", values: {}, problem };
}

function valuesOf(text: string, form: FrontMatterForm): Values {
  if (form === "toml") return parseToml(text);
  if (form === "json") return mapping(JSON.parse(text));
  const document = parseDocument(text, { logLevel: "silent" });
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return mapping(document.toJS() ?? {});
}

function mapping(value: unknown): Values {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("not a mapping of keys to values");
  return value as Values;
}

/** The value at a path, or undefined. */
export function valueAt(values: Values, path: readonly string[]): unknown {
  let at: unknown = values;
  for (const key of path) at = typeof at === "object" && at !== null && Object.hasOwn(at, key) ? (at as Values)[key] : undefined;
  return at;
}

/** M2: the text of a front matter's body with `value` at `path`; undefined takes the key away, and a table that it leaves empty. `eol` (default: that of the body) ends new lines. */
export function withValue(
  body: string,
  form: FrontMatterForm,
  path: readonly string[],
  value: string | undefined,
  eol = eolOf(body),
): string {
  const values = valuesOf(body, form);
  if (valueAt(values, path) === value) return body;
  const table = path.length > 1 ? valueAt(values, path.slice(0, -1)) : null;
  const isLast = typeof table === "object" && table !== null && Object.keys(table).length === 1;
  if (value === undefined && isLast) return withValue(body, form, path.slice(0, -1), undefined, eol);
  if (form === "json") {
    const isOneLine = !/[\r\n]/.test(body.trim());
    return applyEdits(
      body,
      modify(body, [...path], value, isOneLine ? {} : { formattingOptions: { insertSpaces: true, tabSize: 2, eol } }),
    );
  }
  const attempt = form === "yaml" ? yamlWith(body, path, value, eol) : tomlWith(body, path, value, eol);
  return attempt !== null && agrees(attempt, body, form, path, value) ? attempt : anew(body, form, path, value, eol);
}

/** Never a lone carriage return: YAML and TOML know none. */
const eolOf = (text: string): string => /\r\n|\n/.exec(text)?.[0] ?? "\n";

/** Whether the attempt has what was asked for, and all else as it was. */
function agrees(
  attempt: string,
  body: string,
  form: FrontMatterForm,
  path: readonly string[],
  value: string | undefined,
): boolean {
  try {
    return ordered(valuesOf(attempt, form)) === ordered(changed(valuesOf(body, form), path, value));
  } catch {
    return false;
  }
}

function ordered(value: unknown): string {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inside]) => `${JSON.stringify(key)}:${ordered(inside)}`).join(",")}}`;
}

function anew(body: string, form: FrontMatterForm, path: readonly string[], value: string | undefined, eol: string): string {
  if (form === "yaml") {
    const document = parseDocument(body);
    if (value === undefined) document.deleteIn(path);
    else document.setIn(path, value);
    return document.toString().replaceAll("\n", eol);
  }
  return stringifyToml(changed(valuesOf(body, form), path, value)).replaceAll("\n", eol);
}

function changed(values: Values, [key = "", ...rest]: readonly string[], value: string | undefined): Values {
  const inside = values[key];
  const isTable = typeof inside === "object" && inside !== null && !Array.isArray(inside);
  if (rest.length > 0) return { ...values, [key]: changed(isTable ? (inside as Values) : {}, rest, value) };
  const { [key]: _, ...others } = values;
  return value === undefined ? others : { ...values, [key]: value };
}

const scalar = (value: string): string => stringify(value, { lineWidth: 0 }).trimEnd();

function yamlWith(body: string, path: readonly string[], value: string | undefined, eol: string): string | null {
  const document: Document = parseDocument(body);
  let map: unknown = document.contents;
  let depth = 0;
  for (; depth < path.length; depth++) {
    if (isMap(map) && map.flow) return null;
    const pair = isMap(map) ? pairOf(map, path[depth] ?? "") : undefined;
    if (pair === undefined) break;
    if (depth === path.length - 1) return value === undefined ? withoutPair(body, pair) : withScalar(body, pair, value);
    map = pair.value;
  }
  if (value === undefined) return body;
  const at = isMap(map) ? afterMap(body, map) : depth === 0 ? { end: body.length, indent: 0 } : null;
  if (at === null) return null;
  const left = path.slice(depth);
  const lines = left.map(
    (key, i) => `${" ".repeat(at.indent + 2 * i)}${key}:${i === left.length - 1 ? ` ${scalar(value)}` : ""}${eol}`,
  );
  const before = body.slice(0, at.end);
  return `${before}${before === "" || /[\r\n]$/.test(before) ? "" : eol}${lines.join("")}${body.slice(at.end)}`;
}

function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

const lineEnd = (text: string, from: number): number => {
  const found = /\r\n|\n|\r/.exec(text.slice(from));
  return found === null ? text.length : from + found.index + found[0].length;
};
const lineStart = (text: string, at: number): number =>
  Math.max(text.lastIndexOf("\n", at - 1), text.lastIndexOf("\r", at - 1)) + 1;

const rangeOf = (node: unknown): readonly [number, number, number] | null =>
  typeof node === "object" && node !== null && "range" in node
    ? ((node as { range?: [number, number, number] | null }).range ?? null)
    : null;

function pairEnd(body: string, pair: Pair): number {
  const range = rangeOf(pair.value) ?? rangeOf(pair.key);
  const end = range === null ? body.length : range[1];
  return end > 0 && /[\r\n]/.test(body[end - 1] ?? "") ? end : lineEnd(body, end);
}

function withoutPair(body: string, pair: Pair): string | null {
  const key = rangeOf(pair.key);
  if (key === null) return null;
  return body.slice(0, lineStart(body, key[0])) + body.slice(pairEnd(body, pair));
}

function withScalar(body: string, pair: Pair, value: string): string | null {
  const range = isScalar(pair.value) ? rangeOf(pair.value) : null;
  return range === null || range[0] === range[1] ? null : body.slice(0, range[0]) + scalar(value) + body.slice(range[1]);
}

function afterMap(body: string, map: YAMLMap): { end: number; indent: number } | null {
  const last = map.items.at(-1);
  const first = rangeOf(map.items[0]?.key);
  return last === undefined || first === null ? null : { end: pairEnd(body, last), indent: first[0] - lineStart(body, first[0]) };
}

function tomlWith(body: string, path: readonly string[], value: string | undefined, eol: string): string | null {
  const table = path.slice(0, -1).join(".");
  const key = path.at(-1) ?? "";
  const lines = body.split(/(?<=\r\n|\n|\r(?!\n))/);
  const header = table === "" ? -1 : lines.findIndex((line) => line.trim() === `[${table}]`);
  if (path.length > 1 && header < 0) {
    if (value === undefined) return null;
    const separated = body === "" || /[\r\n]$/.test(body) ? body : body + eol;
    return `${separated}${separated === "" ? "" : eol}[${table}]${eol}${key} = ${JSON.stringify(value)}${eol}`;
  }
  if (path.length === 1 && value === undefined) {
    const own = lines.findIndex((line) => line.trim() === `[${key}]`);
    if (own >= 0) {
      const after = lines.findIndex((line, i) => i > own && line.trimStart().startsWith("["));
      const from = own > 0 && lines[own - 1]?.trim() === "" ? own - 1 : own;
      return lines.toSpliced(from, (after < 0 ? lines.length : after) - from).join("");
    }
  }
  const next = lines.findIndex((line, i) => i > header && line.trimStart().startsWith("["));
  const end = next < 0 ? lines.length : next;
  const at = lines.findIndex((line, i) => i > header && i < end && line.split("=")[0]?.trim() === key);
  const line = value === undefined ? [] : [`${key} = ${JSON.stringify(value)}${eol}`];
  if (at >= 0) return lines.toSpliced(at, 1, ...line).join("");
  return value === undefined ? null : lines.toSpliced(header + 1, 0, ...line).join("");
}
