/**
 * Displays that can still change: what each `display_id` shows, and which runs have shown it. An update rewrites every place.
 * Bounded by number and bytes; the oldest is forgotten first, and an update of a forgotten one is remembered anew.
 */
export interface Display {
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Runs that displayed it, in order, each once. */
  readonly runs: readonly string[];
  /** Of its JSON text. */
  readonly bytes: number;
}

export type Displays = ReadonlyMap<string, Display>;

export const MAX_DISPLAYS = 1_024;
export const MAX_DISPLAY_BYTES = 16 * 1024 * 1024;

export interface Shown {
  readonly displayId: string;
  /** Empty for an update. */
  readonly runId: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly bytes: number;
}

export function shown(displays: Displays, what: Shown): Displays {
  const before = displays.get(what.displayId);
  const runs = before?.runs ?? [];
  const next = new Map(displays);
  next.delete(what.displayId);
  next.set(what.displayId, {
    data: what.data,
    metadata: what.metadata,
    runs: what.runId === "" || runs.includes(what.runId) ? runs : [...runs, what.runId].slice(-MAX_DISPLAYS),
    bytes: what.bytes,
  });
  let bytes = [...next.values()].reduce((sum, display) => sum + display.bytes, 0);
  for (const [id, display] of next) {
    if (next.size <= MAX_DISPLAYS && bytes <= MAX_DISPLAY_BYTES) break;
    next.delete(id);
    bytes -= display.bytes;
  }
  return next;
}
