/**
 * A recording read from asciicast, versions 2 and 3: what was made by others is taken as far as it is well formed, and said no to otherwise.
 *   R1  Times are since the start and never run backwards.
 *   R2  A comment (v3) and an event of a kind that nobody here plays is passed over; a line that is no event refuses the file.
 */
import { HoldError } from "@holdfast/protocol";

export interface CastEvent {
  /** Since the start. */
  readonly atMs: number;
  readonly code: string;
  readonly text: string;
}

export interface Cast {
  readonly version: 2 | 3;
  readonly cols: number;
  readonly rows: number;
  readonly title: string;
  /** When it was recorded; null where it does not say. */
  readonly startedAtUnixMs: number | null;
  readonly events: readonly CastEvent[];
}

/** A terminal wider or higher than that is no recording of one. */
const MAX_SIDE = 1_000;
const MAX_AFTER_MS = 100 * 365 * 86_400_000;

/** Throws `bad_request` with the line that is wrong. */
export function readCast(text: string): Cast {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const header = recordOf(parsed(lines[0] ?? "", 1));
  const version = header?.["version"];
  if (!header || (version !== 2 && version !== 3)) throw wrong(1, "this is no asciicast of version 2 or 3");
  const term = version === 2 ? header : recordOf(header["term"]);
  const [cols, rows] = version === 2 ? [term?.["width"], term?.["height"]] : [term?.["cols"], term?.["rows"]];
  if (!isSide(cols) || !isSide(rows)) throw wrong(1, "the header has no size of a terminal");
  const { title, timestamp } = header;
  return {
    ...{ version, cols, rows, title: typeof title === "string" ? title : "" },
    startedAtUnixMs: typeof timestamp === "number" ? timestamp * 1000 : null,
    events: eventsOf(lines, version),
  };
}

function eventsOf(lines: readonly string[], version: 2 | 3): CastEvent[] {
  const events: CastEvent[] = [];
  let lastMs = 0;
  for (const [at, line] of lines.entries()) {
    if (at === 0 || line.trim() === "" || line.startsWith("#")) continue;
    const value = parsed(line, at + 1);
    const [seconds, code, text] = Array.isArray(value) ? (value as unknown[]) : [];
    if (typeof seconds !== "number" || typeof code !== "string" || typeof text !== "string")
      throw wrong(at + 1, "this is no event");
    const ms = version === 2 ? seconds * 1000 : lastMs + seconds * 1000;
    if (!(ms < MAX_AFTER_MS)) throw wrong(at + 1, "this time is none");
    lastMs = Math.max(lastMs, ms);
    events.push({ atMs: lastMs, code, text });
  }
  return events;
}

/** The size of an `r` event; null where it says none. */
export function sizeOfCast(text: string): { readonly cols: number; readonly rows: number } | null {
  const [cols, rows] = (/^(\d{1,5})x(\d{1,5})$/.exec(text) ?? []).slice(1).map(Number);
  return isSide(cols) && isSide(rows) ? { cols, rows } : null;
}

const isSide = (n: unknown): n is number => Number.isInteger(n) && (n as number) >= 1 && (n as number) <= MAX_SIDE;

const recordOf = (value: unknown): Record<string, unknown> | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;

function parsed(line: string, at: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw wrong(at, "this is no JSON");
  }
}

const wrong = (line: number, why: string): HoldError => new HoldError("bad_request", `line ${line}: ${why}`);
