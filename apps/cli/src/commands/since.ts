/** `--since`: a duration back from now, or a time. */
import { usage } from "../app/fail.ts";
import { parseDuration } from "../read/duration.ts";

export function sinceMs(text: string | undefined, nowMs: number): number {
  if (text === undefined) return 0;
  const back = parseDuration(text);
  if (back !== null) return nowMs - back;
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw usage(
      `--since takes a duration back (2h, 7d) or a time (2026-01-31, 2026-01-31T12:00:00Z), not ${JSON.stringify(text)}`,
    );
  return at;
}
