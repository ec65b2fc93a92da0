/**
 * The YAML before the first cell, as Jupytext has it: `jupyter:` with the notebook's metadata. Each value is JSON on one line,
 * which YAML is a superset of, so that any YAML reader has it and no number changes on the way. Others' headers are read as YAML.
 */
import { parse } from "yaml";
import type { Frame } from "../format/index.ts";
import { without } from "../format/index.ts";
import { isObject, type Json, type JsonObject, parseJson, WholeFloat, writeJson } from "../json/index.ts";
import { LAYOUT } from "./options.ts";

export interface Header {
  readonly metadata: JsonObject;
  readonly minor: number;
  /** Other keys of the notebook. */
  readonly others: JsonObject;
}

/** Index of the line that ends the front matter at the start of `lines`; -1 without one. */
export function frontMatterEnd(lines: readonly string[]): number {
  return lines[0] === "---" ? lines.indexOf("---", 1) : -1;
}

export function headerLines(frame: Frame): string[] {
  const metadata = without(frame.metadata, LAYOUT);
  const keys = Object.keys(metadata).sort();
  const others = without(frame as JsonObject, "metadata", "nbformat", "nbformat_minor");
  return [
    "---",
    ...(keys.length === 0 ? ["jupyter: {}"] : ["jupyter:"]),
    ...keys.map(
      (key) =>
        `  ${/^[a-z]{3,}(_[a-z]+)*$/.test(key) && !isWord(key) ? key : JSON.stringify(key)}: ${writeJson(metadata[key] ?? null, null)}`,
    ),
    ...(frame.nbformat_minor === 5 ? [] : [`nbformat_minor: ${frame.nbformat_minor}`]),
    ...(Object.keys(others).length === 0 ? [] : [`notebook: ${writeJson(others, null)}`]),
    "---",
  ];
}

/** What YAML would take for something else than text. */
function isWord(key: string): boolean {
  return ["true", "false", "null", "yes", "off"].includes(key);
}

/** Of a whole front matter, its marks included. Null if it is not about a notebook. */
export function parseHeader(lines: readonly string[]): Header | null {
  const inner = lines.slice(1, -1);
  return headerOf(ownHeader(inner) ?? otherHeader(inner.join("\n")));
}

function headerOf(value: JsonObject | null): Header | null {
  const { jupyter, nbformat_minor: minor = 5, notebook = {} } = value ?? {};
  if (!isObject(jupyter) || typeof minor !== "number" || !Number.isInteger(minor) || minor < 0 || !isObject(notebook))
    return null;
  if (["cells", "metadata", "nbformat", "nbformat_minor"].some((key) => Object.hasOwn(notebook, key))) return null;
  return { metadata: jupyter, minor, others: notebook };
}

/** As {@link headerLines} writes it; null if it isn't. */
function ownHeader(inner: readonly string[]): JsonObject | null {
  const top: [string, Json][] = [];
  const metadata: [string, Json][] = [];
  for (const line of inner) {
    const [, indent, key, text = ""] = /^( {2})?([a-z_]+|"(?:[^"\\]|\\.)*"):(?: (.*))?$/s.exec(line) ?? [];
    if (key === undefined) return null;
    const name = parseJson(key.startsWith('"') ? key : JSON.stringify(key));
    const value = parseJson(line === "jupyter:" ? "{}" : text);
    if (!name.ok || !value.ok) return null;
    (indent === undefined ? top : metadata).push([name.value as string, value.value]);
  }
  if (top[0]?.[0] !== "jupyter" || !isObject(top[0][1])) return null;
  return { ...Object.fromEntries(top), jupyter: { ...top[0][1], ...Object.fromEntries(metadata) } };
}

function otherHeader(text: string): JsonObject | null {
  try {
    const value = fromYaml(parse(text, { intAsBigInt: true, logLevel: "silent", maxAliasCount: 100 }));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** With `intAsBigInt` a number is a float for sure. */
function fromYaml(value: unknown): Json {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value === "number") return Number.isInteger(value) && !Object.is(value, -0) ? new WholeFloat(value) : value;
  if (Array.isArray(value)) return value.map(fromYaml);
  if (typeof value !== "object" || value === null) return typeof value === "string" || typeof value === "boolean" ? value : null;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromYaml(item)]));
}
