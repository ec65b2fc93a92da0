/**
 * What a fence says beside its language: JSON (`{"name":"x"}`), HTML-like (`{ name=x }`), or the braces of a Quarto chunk (`{python}`).
 *
 *   A1  The form that was found stays on write, with the keys and spaces that nobody changed.
 *   A2  HTML-like is split at single spaces and never fails; a key alone is the empty string.
 *   A3  What is written in JSON can be read by Runme: its values are strings, without a `}` or a backtick of their own.
 */
import { applyEdits, modify } from "jsonc-parser";
import { objectEnd } from "../json-object.ts";

export type AnnotationForm = "json" | "html" | "none";

export interface Info {
  /** First word, or the name of a chunk; empty where none is said. */
  readonly language: string;
  /** ` ```{python} `: to be executed by what runs documents, not by a shell. */
  readonly isChunk: boolean;
  readonly form: AnnotationForm;
  /** In an info string, `end` exclusive; empty at its end where there are none. */
  readonly at: { readonly start: number; readonly end: number };
  /** As written, each a string: JSON's other values as JSON writes them. */
  readonly entries: Readonly<Record<string, string>>;
}

const chunk = /^\{([A-Za-z][\w.+-]*)(?=[\s,}])[^{}]*\}/;
/** Words that are a key alone when they stand where a chunk's language would. */
const flags = /^(name|id|interactive|background|cwd|interpreter|promptEnv|excludeFromRunAll|tag|category|ignore|transform)$/;

export function readInfo(info: string): Info {
  const chunked = chunk.exec(info);
  const none = { form: "none", at: { start: info.length, end: info.length }, entries: {} } as const;
  if (chunked !== null && !flags.test(chunked[1] ?? "") && !/^\{[^\s,}]*\s+[^,}]*=/.test(info)) {
    const rest = readInfo(info.slice(chunked[0].length));
    const shift = chunked[0].length;
    const at = { start: rest.at.start + shift, end: rest.at.end + shift };
    return { language: chunked[1] ?? "", isChunk: true, form: rest.form, at, entries: rest.entries };
  }
  const start = /\{(?!\})/.exec(info)?.index ?? -1;
  const word = /^[^\s{]*/.exec(info)?.[0] ?? "";
  if (start < 0) return { language: /^\S*/.exec(info)?.[0] ?? "", isChunk: false, ...none };
  const json = jsonAt(info, start);
  if (json !== null) return { language: word, isChunk: false, form: "json", at: { start, end: json.end }, entries: json.entries };
  const close = info.indexOf("}", start);
  if (close < 0) return { language: word, isChunk: false, ...none };
  return {
    language: word,
    isChunk: false,
    form: "html",
    at: { start, end: close + 1 },
    entries: htmlLike(info.slice(start + 1, close)),
  };
}

function jsonAt(info: string, start: number): { end: number; entries: Record<string, string> } | null {
  const end = objectEnd(info, start);
  if (end === null) return null;
  try {
    const read = JSON.parse(info.slice(start, end)) as Record<string, unknown>;
    const entries = Object.entries(read).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]);
    return { end, entries: Object.fromEntries(entries) };
  } catch {
    return null;
  }
}

/** A2. */
function htmlLike(text: string): Record<string, string> {
  const pairs = text.split(" ").filter((word) => word.trim() !== "");
  return Object.fromEntries(
    pairs.map((word) => {
      const at = word.indexOf("=");
      return at < 0 ? [word.trim(), ""] : [word.slice(0, at).trim(), word.slice(at + 1).trim()];
    }),
  );
}

/** Kept for the program that keeps documents, and never written. */
export const isPrivate = (key: string): boolean => key.startsWith("_") || key.startsWith("runme.dev/") || key === "index";

/** A1: the info string with these keys changed; undefined takes one away. Null where the form can't say it (a space in HTML-like). */
export function withAnnotations(info: string, changes: Readonly<Record<string, string | undefined>>): string | null {
  const read = readInfo(info);
  const before = info.slice(0, read.at.start);
  const after = info.slice(read.at.end);
  const wanted = Object.entries(changes).filter(([key, value]) => !isPrivate(key) && read.entries[key] !== value);
  if (wanted.length === 0) return info;
  if (read.form === "html") {
    const said = htmlWith(info.slice(read.at.start, read.at.end), wanted);
    return said === null ? null : joined(before, said, after);
  }
  let object = read.form === "json" ? info.slice(read.at.start, read.at.end) : "{}";
  for (const [key, value] of wanted) {
    if (value === undefined || read.entries[key] !== undefined) object = applyEdits(object, modify(object, [key], value, {}));
    else
      object = `${object.slice(0, -1).trimEnd()}${/^\{\s*\}$/.test(object) ? "" : ","}${JSON.stringify(key)}:${JSON.stringify(value)}}`;
  }
  return joined(before, /^\{\s*\}$/.test(object) ? "" : escaped(object), after);
}

/** As Runme's `fmt` writes it: JSON without spaces and with its keys in order, words with `name` first, no space before braces alone. */
export function canonicalInfo(info: string): string {
  const read = readInfo(info);
  if (read.form === "none") return info;
  const keys = Object.keys(read.entries).filter((key) => !isPrivate(key));
  const before = info.slice(0, read.at.start).trimEnd();
  const after = info.slice(read.at.end);
  if (read.form === "html") {
    const order = [...keys.filter((key) => key === "name"), ...keys.filter((key) => key !== "name")];
    const words = order.map((key) => (read.entries[key] === "" ? key : `${key}=${read.entries[key]}`));
    return joined(before, words.length === 0 ? "" : `{ ${words.join(" ")} }`, after);
  }
  const entries = JSON.parse(info.slice(read.at.start, read.at.end)) as Record<string, unknown>;
  const said = keys.sort().map((key) => `${JSON.stringify(key)}:${JSON.stringify(entries[key])}`);
  return joined(before, said.length === 0 ? "" : escaped(`{${said.join(",")}}`), after);
}

function joined(before: string, said: string, after: string): string {
  if (said === "") return (before.trimEnd() + after).trim();
  return `${before}${before === "" || /\s$/.test(before) ? "" : " "}${said}${after}`;
}

/** A3. Braces inside an object's strings only: the object has no others but its own. */
function escaped(object: string): string {
  const inside = object
    .slice(1, -1)
    .replace(/"(?:[^"\\]|\\.)*"/g, (text) => text.replaceAll("}", "\\u007d").replaceAll("`", "\\u0060"));
  return `{${inside}}`;
}

function htmlWith(text: string, wanted: readonly (readonly [string, string | undefined])[]): string | null {
  const inside = text.slice(1, -1);
  const [lead] = /^\s*/.exec(inside) ?? [""];
  const [tail] = /\s*$/.exec(inside.slice(lead.length)) ?? [""];
  const words = inside.trim().split(" ");
  for (const [key, value] of wanted) {
    if (value !== undefined && /[\s{}`]/.test(value)) return null;
    if (/[\s{}`=]/.test(key)) return null;
    const said = value === undefined ? [] : [value === "" ? key : `${key}=${value}`];
    const at = words.findIndex((word) => word === key || word.startsWith(`${key}=`));
    if (at >= 0) words.splice(at, 1, ...said);
    else if (key === "name") words.unshift(...said);
    else words.push(...said);
  }
  return words.length === 0 ? "" : `{${lead}${words.join(" ")}${tail}}`;
}
