/**
 * JSON as Python reads and writes it, so that a notebook keeps every number and every key that it came with.
 *
 *   J1  What `json.loads` reads, {@link parseJson} reads to the same values; what it refuses is refused, but for a BOM.
 *   J2  `writeJson(parseJson(text))` equals `json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, …)`, byte for byte.
 *   J3  A lone surrogate, which UTF-8 has no bytes for (Python's own writer fails on it), is written as its `\ud800` escape.
 * A number is a `number` where that says all: safe integers are Python's int, fractions, -0, NaN and the infinities its float.
 * What JavaScript would confuse has a form of its own: {@link WholeFloat} for `1.0` and `1e16`, `bigint` for large integers.
 */

export type Json = null | boolean | number | bigint | WholeFloat | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** A float without a fraction: `1.0`, not `1`. Plain `JSON.stringify` shows it as the number that it is. */
export class WholeFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
  toJSON(): number {
    return this.value;
  }
}

export type JsonReading = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly cause: string };

type Reviver = (key: string, value: Json, context: { readonly source?: string }) => Json;
const parse = JSON.parse as (text: string, reviver: Reviver) => Json;

/** Reads JSON, with Python's `NaN`, `Infinity` and `-Infinity` where numbers may stand. A BOM before it is passed over. */
export function parseJson(text: string): JsonReading {
  const bare = text.startsWith("\ufeff") ? text.slice(1) : text;
  try {
    return { ok: true, value: parse(bare, numbersKept("")) };
  } catch (error) {
    if (!/NaN|Infinity/.test(bare)) return { ok: false, cause: (error as Error).message };
    return parseWithNames(bare, (error as Error).message);
  }
}

/** `NaN` becomes a numeral that stands nowhere in the text, and an infinity one that is too large for a float. */
function parseWithNames(text: string, cause: string): JsonReading {
  let nan = "0e-9";
  while (text.includes(nan)) nan += "9";
  const named = text.replace(/"(?:[^"\\]|\\.)*"|NaN|(-?)Infinity/g, (found, sign?: string) =>
    found.startsWith('"') ? found : found === "NaN" ? ` ${nan} ` : ` ${sign ?? ""}1e999 `,
  );
  try {
    return { ok: true, value: parse(named, numbersKept(nan)) };
  } catch {
    return { ok: false, cause };
  }
}

function numbersKept(nan: string): Reviver {
  return (_key, value, { source }) => {
    if (typeof value !== "number" || source === undefined) return value;
    if (source === nan) return Number.NaN;
    if (/[.eE]/.test(source)) return Number.isInteger(value) && !Object.is(value, -0) ? new WholeFloat(value) : value;
    if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
    return BigInt(source);
  };
}

/**
 * Writes JSON as Python's `json.dumps(…, sort_keys=True, ensure_ascii=False)` does.
 * @param indent blanks a level, each value on a line of its own; null for one line with `", "` and `": "`.
 */
export function writeJson(value: Json, indent: number | null): string {
  const parts: string[] = [];
  write(value, indent === null ? null : "\n", indent === null ? "" : " ".repeat(indent), parts);
  return parts.join("");
}

/** `margin` is what starts a line at this level, null for one line. */
function write(value: Json, margin: string | null, step: string, parts: string[]): void {
  if (value === null || typeof value !== "object") {
    parts.push(scalar(value));
  } else if (value instanceof WholeFloat) {
    parts.push(floatText(value.value));
  } else {
    const isList = Array.isArray(value);
    const keys = isList ? [...value.keys()] : Object.keys(value).sort(byCodePoint);
    const inner = margin === null ? null : margin + step;
    let before = inner ?? "";
    parts.push(isList ? "[" : "{");
    for (const key of keys) {
      parts.push(before);
      if (typeof key === "string") parts.push(JSON.stringify(key), ": ");
      write((value as Record<string | number, Json>)[key] as Json, inner, step, parts);
      before = inner === null ? ", " : `,${inner}`;
    }
    if (keys.length > 0 && margin !== null) parts.push(margin);
    parts.push(isList ? "]" : "}");
  }
}

function scalar(value: null | boolean | number | bigint | string): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "number") return String(value);
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : floatText(value);
}

/** A float as Python's `repr` writes it: JavaScript's digits, which are the shortest ones too, in Python's form. */
function floatText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [digits = "", power = "0"] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${digits}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  const plain = String(value);
  return plain.includes(".") ? plain : `${plain}.0`;
}

/** Python sorts strings by code point; JavaScript's order by UTF-16 unit differs where surrogates meet U+E000 and above. */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof WholeFloat);
}

/** Whether two values are written alike: `1` and `1.0` differ, the order of keys doesn't matter. */
export function sameJson(a: Json, b: Json): boolean {
  return a === b || writeJson(a, null) === writeJson(b, null);
}
