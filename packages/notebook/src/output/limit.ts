/** How much of a run's output a document holds, and what stands there for the rest, which is in the session's journal. */
import type { DisplayOutput, ErrorOutput, MimeBundle } from "../format/index.ts";
import { isObject, type Json } from "../json/index.ts";

export interface OutputLimits {
  /** Outputs of a cell. */
  readonly maxOutputs: number;
  /** UTF-16 units of all texts of a cell's outputs; other values count 8. */
  readonly maxUnits: number;
  /** The same for one error, which is kept, cut, even where nothing else fits. */
  readonly maxErrorUnits: number;
}

/** One display may have 64 MB (J7), and 20,000 displays are a test; a larger document opens nowhere. */
export const outputLimits: OutputLimits = { maxOutputs: 50_000, maxUnits: 64 * 1024 * 1024, maxErrorUnits: 1024 * 1024 };

/** UTF-16 units of the texts and keys in a value; other values count 8. */
export function sizeOf(value: Json): number {
  if (typeof value === "string") return value.length;
  if (Array.isArray(value)) return value.reduce((sum: number, item: Json) => sum + sizeOf(item), 8);
  if (!isObject(value)) return 8;
  return Object.entries(value).reduce((sum, [key, item]) => sum + key.length + sizeOf(item), 8);
}

export interface Dropped {
  readonly outputs: number;
  readonly units: number;
}

/** Stands where output was left out; `metadata.holdfast.truncated` tells programs how much, null while it still runs. */
export function marker(limits: OutputLimits, dropped: Dropped | null): DisplayOutput {
  return {
    output_type: "display_data",
    data: markerData(limits, dropped),
    metadata: { holdfast: { truncated: dropped && { outputs: dropped.outputs, units: dropped.units } } },
  };
}

export function markerData(limits: OutputLimits, dropped: Dropped | null): MimeBundle {
  const rest = dropped ? `${dropped.outputs} outputs with ${dropped.units} characters are` : "the rest is";
  const text = `[output_limit] ${rest} left out here: a cell holds ${limits.maxOutputs} outputs with ${limits.maxUnits} characters; the session's journal has all of it`;
  return { "text/plain": text };
}

/** The first `max` units of a text; no character is cut in two. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  const unit = text.charCodeAt(max - 1);
  return text.slice(0, unit >= 0xd800 && unit <= 0xdbff ? max - 1 : max);
}

/** An error within its limit: its name, the start of its message, and the last lines of its traceback, which tell most. */
export function cutError(error: ErrorOutput, max: number): ErrorOutput {
  if (sizeOf(error) <= max) return error;
  const kept: string[] = [];
  let left = Math.floor(max / 2);
  for (const line of error.traceback.toReversed()) {
    const fits = cutText(line, left);
    left -= fits.length + 8;
    kept.unshift(fits);
    if (left <= 0) break;
  }
  const traceback = [
    `[output_limit] this traceback is cut: the session's journal has all ${error.traceback.length} lines`,
    ...kept,
  ];
  return { ...error, ename: cutText(error.ename, 256), evalue: cutText(error.evalue, Math.floor(max / 4)), traceback };
}
