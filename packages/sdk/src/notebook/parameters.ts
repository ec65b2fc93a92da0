/**
 * Parameters of a notebook, as papermill gives them: a cell of assignments behind the one that is tagged `parameters`, or first where none is.
 * It is tagged `injected-parameters`; one of an earlier run is replaced.
 */
import {
  type Cell,
  type CodeCell,
  isObject,
  type Json,
  type JsonObject,
  type MakeId,
  freshId,
  idOf,
  type Notebook,
  WholeFloat,
} from "@holdfast/notebook";
import { HoldError } from "@holdfast/protocol";

const INJECTED = "injected-parameters";
const NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;

interface Language {
  readonly comment: string;
  readonly assigned: (name: string, value: string) => string;
  readonly value: (value: Json) => string;
}

const listed = (values: readonly Json[], of: (value: Json) => string): string => values.map(of).join(", ");
const entries = (object: JsonObject, of: (name: string, value: Json) => string): string =>
  Object.entries(object)
    .map(([name, value]) => of(name, value as Json))
    .join(", ");

function numberText(value: number, nan: string, infinity: string): string {
  if (Number.isNaN(value)) return nan;
  return Number.isFinite(value) ? String(value) : `${value < 0 ? "-" : ""}${infinity}`;
}

/** What all have alike; the rest is `other`'s. */
function literal(
  value: Json,
  words: { readonly none: string; readonly yes: string; readonly no: string; readonly nan: string; readonly infinity: string },
  other: (value: readonly Json[] | JsonObject) => string,
): string {
  if (value === null) return words.none;
  if (value === true) return words.yes;
  if (value === false) return words.no;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return numberText(value, words.nan, words.infinity);
  if (value instanceof WholeFloat) return Number.isInteger(value.value) ? value.value.toFixed(1) : String(value.value);
  return other(value as readonly Json[] | JsonObject);
}

const python: Language = {
  comment: "#",
  assigned: (name, value) => `${name} = ${value}`,
  value: (value) =>
    literal(value, { none: "None", yes: "True", no: "False", nan: "float('nan')", infinity: "float('inf')" }, (of) =>
      isObject(of)
        ? `{${entries(of, (name, one) => `${JSON.stringify(name)}: ${python.value(one)}`)}}`
        : `[${listed(of as readonly Json[], python.value)}]`,
    ),
};
const r: Language = {
  comment: "#",
  assigned: (name, value) => `${name} <- ${value}`,
  value: (value) =>
    literal(value, { none: "NULL", yes: "TRUE", no: "FALSE", nan: "NaN", infinity: "Inf" }, (of) =>
      isObject(of)
        ? `list(${entries(of, (name, one) => `${JSON.stringify(name)} = ${r.value(one)}`)})`
        : `list(${listed(of as readonly Json[], r.value)})`,
    ),
};
const julia: Language = {
  comment: "#",
  assigned: (name, value) => `${name} = ${value}`,
  value: (value) =>
    typeof value === "string"
      ? JSON.stringify(value).replaceAll("$", "\\$")
      : literal(value, { none: "nothing", yes: "true", no: "false", nan: "NaN", infinity: "Inf" }, (of) =>
          isObject(of)
            ? `Dict(${entries(of, (name, one) => `${JSON.stringify(name).replaceAll("$", "\\$")} => ${julia.value(one)}`)})`
            : `[${listed(of as readonly Json[], julia.value)}]`,
        ),
};
const script: Language = {
  comment: "//",
  assigned: (name, value) => `${name} = ${value};`,
  value: (value) =>
    literal(value, { none: "null", yes: "true", no: "false", nan: "NaN", infinity: "Infinity" }, (of) =>
      isObject(of)
        ? `{${entries(of, (name, one) => `${JSON.stringify(name)}: ${script.value(one)}`)}}`
        : `[${listed(of as readonly Json[], script.value)}]`,
    ),
};

const languages: Readonly<Record<string, Language>> = {
  python,
  r,
  julia,
  javascript: script,
  typescript: { ...script, assigned: (name, value) => `var ${name}: any = ${value};` },
};

/** `K=V` of a command line: V is JSON where it is, else text. */
export function parameterFrom(text: string): readonly [string, Json] | null {
  const at = text.indexOf("=");
  const name = text.slice(0, Math.max(0, at));
  if (!NAME.test(name)) return null;
  const value = text.slice(at + 1);
  try {
    return [name, JSON.parse(value) as Json];
  } catch {
    return [name, value];
  }
}

/** The notebook with these parameters. `language`: of its kernel; throws `unsupported` for one whose assignments nobody has written here. */
export function withParameters(
  notebook: Notebook,
  parameters: ReadonlyMap<string, Json>,
  language: string,
  makeId: MakeId,
): Notebook {
  if (parameters.size === 0) return notebook;
  const words = languages[language.toLowerCase()];
  if (!words)
    throw new HoldError(
      "unsupported",
      `parameters are not known for ${language || "a kernel of no known language"}; for ${Object.keys(languages).join(", ")} they are`,
    );
  const source = [
    `${words.comment} Parameters`,
    ...[...parameters].map(([name, value]) => words.assigned(name, words.value(value))),
  ].join("\n");
  const kept = notebook.cells.filter((cell) => !isTagged(cell, INJECTED));
  const at = kept.findIndex((cell) => isTagged(cell, "parameters"));
  const taken = new Set(kept.map(idOf).filter((id) => id !== null));
  const id = notebook.nbformat_minor >= 5 ? { id: freshId(taken, makeId) } : {};
  const cell: CodeCell = { ...id, cell_type: "code", execution_count: null, metadata: { tags: [INJECTED] }, outputs: [], source };
  return { ...notebook, cells: [...kept.slice(0, at + 1), cell, ...kept.slice(at + 1)] };
}

export function isTagged({ metadata }: Cell, tag: string): boolean {
  const { tags } = metadata;
  return Array.isArray(tags) && tags.includes(tag);
}
