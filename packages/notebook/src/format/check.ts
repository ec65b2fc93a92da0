/**
 * What nbformat's schemas 4.0 to 4.5 forbid, found without them: a validator and the schemas would weigh more than this page
 * of code in the console. Held against `nbformat.validator` by test/nbformat.int.test.ts.
 *
 *   C1  No problem is found in what nbformat accepts, and at least one in what it doesn't.
 *   C2  Ids that stand twice are found too; nbformat gives such cells new ones in silence.
 */
import { isObject, type Json, WholeFloat } from "../json/index.ts";
import { isJsonMime } from "./notebook.ts";
import type { Problem } from "./problem.ts";

type Check = (value: Json, at: string, found: Finder) => void;
type Finder = (at: string, cause: string, advice: string) => void;

/** Every breach of the schema of its own minor version, in the order of the document; `value` is as the file has it. */
export function checkNotebook(value: Json): readonly Problem[] {
  const problems: Problem[] = [];
  const minor = isObject(value) && typeof value["nbformat_minor"] === "number" ? value["nbformat_minor"] : 0;
  const found: Finder = (at, cause, advice) => problems.push({ at, cause, advice });
  notebook(minor)(value, "", found);
  if (isObject(value) && Array.isArray(value["cells"])) sameIds(value["cells"], found);
  return problems;
}

function sameIds(cells: readonly Json[], found: Finder): void {
  const seen = new Set<Json>();
  cells.forEach((cell, i) => {
    const id = isObject(cell) ? cell["id"] : undefined;
    if (id === undefined) return;
    if (seen.has(id))
      found(`cells[${i}].id`, `is ${JSON.stringify(id)}, as another cell's`, "it gets a new id when the notebook is edited");
    seen.add(id);
  });
}

/** Some value of a kind: `must be KIND`. */
function kind(name: string, holds: (value: Json) => boolean): Check {
  return (value, at, found) => {
    if (!holds(value)) found(at || "notebook", `must be ${name}`, "other tools may refuse it: mend or remove this value");
  };
}

const text = kind("text", (value) => typeof value === "string");
const truth = kind("true or false", (value) => typeof value === "boolean");
const anything: Check = () => {};
const anObject = kind("an object", isObject);
const aList = kind("a list", (value) => Array.isArray(value));
const isWhole = (value: Json): boolean =>
  value instanceof WholeFloat ? value.value >= 0 : typeof value === "number" && Number.isInteger(value) && value >= 0;
const count = kind(
  "a whole number from 0 on, or null",
  (value) => value === null || isWhole(value) || (typeof value === "bigint" && value >= 0n),
);
const lines = kind("text or a list of lines", (value) => typeof value === "string" || isTexts(value));
const isTexts = (value: Json): boolean => Array.isArray(value) && value.every((line) => typeof line === "string");
const tags = kind(
  "a list of different tags without commas",
  (value) =>
    Array.isArray(value) &&
    value.every((tag) => typeof tag === "string" && /^[^,]+$/.test(tag)) &&
    new Set(value).size === value.length,
);
const name = kind("a name on one line", (value) => typeof value === "string" && /^[^\n]+$/.test(value));
const id = kind("1 to 64 letters, digits, - or _", (value) => typeof value === "string" && /^[a-zA-Z0-9_-]{1,64}$/.test(value));

interface Shape {
  /** Key to what it holds; a key that ends with `?` may be missing. */
  readonly [key: string]: Check;
}

/** `others`: what keys that the shape doesn't name hold; null where there may be none. */
function shaped(shape: Shape, others: Check | null): Check {
  const known = new Map(Object.entries(shape).map(([key, check]) => [key.replace(/\?$/, ""), check]));
  const required = Object.keys(shape).filter((key) => !key.endsWith("?"));
  return (value, at, found) => {
    anObject(value, at, found);
    if (!isObject(value)) return;
    for (const key of required)
      if (!Object.hasOwn(value, key)) found(inside(at, key), "is missing", "other tools may refuse the notebook: add it");
    for (const [key, item] of Object.entries(value)) {
      const check = known.get(key) ?? others;
      if (check === null)
        found(
          inside(at, key),
          "is a key that nbformat doesn't know here",
          "it is kept; other tools may refuse it: put it into metadata",
        );
      else check(item, inside(at, key), found);
    }
  };
}

function listOf(item: Check): Check {
  return (value, at, found) => {
    aList(value, at, found);
    if (Array.isArray(value)) for (const [i, one] of value.entries()) item(one, `${at}[${i}]`, found);
  };
}

function inside(at: string, key: string): string {
  if (!/^[\w-]+$/.test(key)) return `${at}[${JSON.stringify(key)}]`;
  return at === "" ? key : `${at}.${key}`;
}

const bundle: Check = (value, at, found) => {
  anObject(value, at, found);
  if (!isObject(value)) return;
  for (const [mime, data] of Object.entries(value)) if (!isJsonMime(mime)) lines(data, inside(at, mime), found);
};

const kernelspec = shaped({ name: text, display_name: text }, anything);
const mode = kind("text or an object", (value) => typeof value === "string" || isObject(value));
const language = shaped(
  { name: text, "codemirror_mode?": mode, "file_extension?": text, "mimetype?": text, "pygments_lexer?": text },
  anything,
);

function notebook(minor: number): Check {
  const named = minor >= 2 ? { "title?": text, "authors?": aList } : {};
  const metadata = shaped({ "kernelspec?": kernelspec, "language_info?": language, ...named }, anything);
  const others = minor > 5 ? anything : null;
  const cells = listOf(cell(minor, others));
  return shaped({ metadata, nbformat_minor: anything, nbformat: anything, cells }, others);
}

function cell(minor: number, others: Check | null): Check {
  const base = { cell_type: anything, source: lines, ...(minor >= 5 ? { id } : {}) };
  const marked = { "name?": name, "tags?": tags };
  const jupyter = minor >= 3 ? { "jupyter?": anObject } : {};
  const attachments = { "attachments?": shaped({}, bundle) };
  const execution = minor >= 4 ? { "execution?": shaped({}, text) } : {};
  const run = {
    ...execution,
    "collapsed?": truth,
    "scrolled?": kind("true, false or auto", (value) => typeof value === "boolean" || value === "auto"),
  };
  const raw = shaped({ ...base, ...attachments, metadata: shaped({ ...marked, ...jupyter, "format?": text }, anything) }, others);
  const markdown = shaped({ ...base, ...attachments, metadata: shaped({ ...marked, ...jupyter }, anything) }, others);
  const code = shaped(
    {
      ...base,
      metadata: shaped({ ...marked, ...jupyter, ...run }, anything),
      outputs: listOf(output(others)),
      execution_count: count,
    },
    others,
  );
  return oneOf("cell_type", { raw, markdown, code });
}

function output(others: Check | null): Check {
  const display = { output_type: anything, data: bundle, metadata: anObject };
  return oneOf("output_type", {
    display_data: shaped(display, others),
    execute_result: shaped({ ...display, execution_count: count }, others),
    stream: shaped({ output_type: anything, name: text, text: lines }, others),
    error: shaped({ output_type: anything, ename: text, evalue: text, traceback: listOf(text) }, others),
  });
}

function oneOf(key: string, checks: Readonly<Record<string, Check>>): Check {
  return (value, at, found) => {
    const chosen = isObject(value) ? value[key] : undefined;
    const check = typeof chosen === "string" && Object.hasOwn(checks, chosen) ? checks[chosen] : undefined;
    if (check === undefined) found(inside(at, key), `must be one of ${Object.keys(checks).join(", ")}`, "mend it by hand");
    else check(value, at, found);
  };
}
