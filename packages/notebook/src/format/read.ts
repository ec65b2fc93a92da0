/**
 * A notebook from the text of an `.ipynb`, or why not: where in the document, what is wrong there, what to do.
 * What nbformat's schema forbids but a model can hold is read all the same and listed (check.ts), as nbformat logs it.
 */
import { isObject, type Json, type JsonObject, parseJson, WholeFloat } from "../json/index.ts";
import { checkNotebook } from "./check.ts";
import { type Cell, isJsonMime, type Notebook, withoutTransient } from "./notebook.ts";
import type { Problem } from "./problem.ts";

export type NotebookReading =
  /** `problems`: what the schema forbids; the notebook can be edited, run and written all the same. */
  | { readonly ok: true; readonly notebook: Notebook; readonly problems: readonly Problem[] }
  | { readonly ok: false; readonly problem: Problem };

const REPAIR = "restore the file from version control, or mend this value by hand";

/** Reads nbformat 4, of any minor; the minor stays (upgrade.ts raises it). */
export function readNotebook(text: string): NotebookReading {
  const json = parseJson(text);
  if (!json.ok) return refused("notebook", `this is not JSON: ${json.cause}`, REPAIR);
  try {
    const notebook = notebookFrom(json.value);
    return { ok: true, notebook, problems: checkNotebook(json.value) };
  } catch (error) {
    if (error instanceof Misshapen) return { ok: false, problem: error.problem };
    throw error;
  }
}

function refused(at: string, cause: string, advice: string): NotebookReading {
  return { ok: false, problem: { at, cause, advice } };
}

class Misshapen extends Error {
  readonly problem: Problem;
  constructor(at: string, cause: string, advice: string = REPAIR) {
    super(cause);
    this.problem = { at, cause, advice };
  }
}

function notebookFrom(value: Json): Notebook {
  const top = objectAt("notebook", value);
  const major = top["nbformat"];
  if (major !== 4) throw otherMajor(major);
  const minor = top["nbformat_minor"];
  if (typeof minor !== "number" || !Number.isInteger(minor) || minor < 0)
    throw new Misshapen(
      "nbformat_minor",
      `is ${kindOf(minor)}, and must be a whole number from 0 on`,
      "write 5 there, or 4 if its cells have no ids",
    );
  const read = withoutTransient(
    objectAt("metadata", top["metadata"]),
    listAt("cells", top["cells"]).map((cell, i) => cellFrom(cell, `cells[${i}]`)),
  );
  return { ...top, ...read, nbformat: 4, nbformat_minor: minor };
}

function otherMajor(major: Json | undefined): Misshapen {
  if (typeof major === "number")
    return new Misshapen(
      "nbformat",
      `is ${major}, and only 4 is read here`,
      "convert it first: jupyter nbconvert --to notebook --nbformat 4 FILE",
    );
  return new Misshapen("nbformat", `is ${kindOf(major)}, and must be 4`, "check that the file is a notebook (.ipynb)");
}

function cellFrom(value: Json, at: string): Cell {
  const cell = objectAt(at, value);
  const kind = cell["cell_type"];
  if (kind !== "code" && kind !== "markdown" && kind !== "raw")
    throw new Misshapen(`${at}.cell_type`, `is ${shown(kind)}, and must be code, markdown or raw`);
  const read: Record<string, Json> = { ...cell, source: textAt(`${at}.source`, cell["source"]) };
  read["metadata"] = objectAt(`${at}.metadata`, cell["metadata"]);
  if (cell["attachments"] !== undefined) {
    const attachments = objectAt(`${at}.attachments`, cell["attachments"]);
    read["attachments"] = Object.fromEntries(
      Object.entries(attachments).map(([name, bundle]) => [name, joinedBundle(objectAt(`${at}.attachments.${name}`, bundle))]),
    );
  }
  if (kind !== "code") return read as unknown as Cell;
  read["outputs"] = listAt(`${at}.outputs`, cell["outputs"]).map((output, i) => outputFrom(output, `${at}.outputs[${i}]`));
  read["execution_count"] = countAt(`${at}.execution_count`, cell["execution_count"] ?? null);
  return read as unknown as Cell;
}

function outputFrom(value: Json, at: string): Json {
  const output = objectAt(at, value);
  switch (output["output_type"]) {
    case "execute_result":
    case "display_data":
      return displayFrom(output, at);
    case "stream":
      return { ...output, name: stringAt(`${at}.name`, output["name"]), text: textAt(`${at}.text`, output["text"]) };
    case "error":
      stringAt(`${at}.ename`, output["ename"]);
      stringAt(`${at}.evalue`, output["evalue"]);
      for (const [i, line] of listAt(`${at}.traceback`, output["traceback"]).entries()) stringAt(`${at}.traceback[${i}]`, line);
      return output;
    default:
      throw new Misshapen(
        `${at}.output_type`,
        `is ${shown(output["output_type"])}, and must be stream, display_data, execute_result or error`,
      );
  }
}

function displayFrom(output: JsonObject, at: string): JsonObject {
  const metadata = objectAt(`${at}.metadata`, output["metadata"] ?? {});
  const data = joinedBundle(objectAt(`${at}.data`, output["data"]));
  if (output["output_type"] === "display_data") return { ...output, data, metadata };
  return { ...output, data, metadata, execution_count: countAt(`${at}.execution_count`, output["execution_count"] ?? null) };
}

/** Lists of lines become text; a list that holds something else stays, as nbformat leaves it. */
export function joinedBundle(bundle: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(bundle).map(([mime, value]) => [mime, !isJsonMime(mime) && isLines(value) ? value.join("") : value]),
  );
}

function isLines(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((line) => typeof line === "string");
}

function objectAt(at: string, value: Json | undefined): JsonObject {
  if (!isObject(value)) throw new Misshapen(at, `is ${kindOf(value)}, and must be an object`);
  return value;
}

function listAt(at: string, value: Json | undefined): readonly Json[] {
  if (!Array.isArray(value)) throw new Misshapen(at, `is ${kindOf(value)}, and must be a list`);
  return value;
}

function stringAt(at: string, value: Json | undefined): string {
  if (typeof value !== "string") throw new Misshapen(at, `is ${kindOf(value)}, and must be text`);
  return value;
}

function textAt(at: string, value: Json | undefined): string {
  if (typeof value === "string") return value;
  if (value !== undefined && isLines(value)) return value.join("");
  throw new Misshapen(at, `is ${kindOf(value)}, and must be text or a list of lines`);
}

function countAt(at: string, value: Json): number | null {
  if (value instanceof WholeFloat) return value.value;
  if (value === null || (typeof value === "number" && Number.isSafeInteger(value))) return value;
  throw new Misshapen(at, `is ${kindOf(value)}, and must be a whole number or null`);
}

function kindOf(value: Json | undefined): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (isObject(value)) return "an object";
  return typeof value === "string" ? "text" : typeof value === "boolean" ? "a truth value" : "a number";
}

function shown(value: Json | undefined): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : kindOf(value);
}
