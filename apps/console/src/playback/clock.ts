/**
 * Where a playback stands after some time has passed.
 *   K1  It never runs backwards, and never past the end.
 *   K2  Without skipping it moves by what has passed, times its speed.
 *   K3  With skipping it waits for {@link IDLE_MS} after each frame at most; the rest of a pause takes no time. Before the first frame, as after one.
 *   K4  Time that passes in two parts leads where it would in one.
 */
import type { Recording } from "./recording.ts";

export const IDLE_MS = 1_000;
export const SPEEDS = [0.5, 1, 2, 4, 8, 16] as const;

export interface Pace {
  readonly speed: number;
  readonly skipsIdle: boolean;
}

export function advanced(recording: Recording, fromMs: number, passedMs: number, { speed, skipsIdle }: Pace): number {
  const { frames, endMs } = recording;
  let left = passedMs * speed;
  if (!skipsIdle) return Math.min(endMs, fromMs + left);
  let at = fromMs;
  let next = recording.framesAt(at);
  while (left > 0 && at < endMs) {
    const lastMs = next === 0 ? 0 : frames[next - 1]!.atMs;
    const untilMs = next === frames.length ? endMs : frames[next]!.atMs;
    const idleMs = Math.min(untilMs, lastMs + IDLE_MS);
    const step = Math.max(0, Math.min(left, idleMs - at));
    at += step;
    left -= step;
    if (left <= 0) break;
    at = untilMs;
    while (next < frames.length && frames[next]!.atMs <= at) next++;
  }
  return at;
}

/** The nearest marker or frame before or after; the start or the end where there is none. */
export function stepped({ frames, markers, endMs }: Recording, fromMs: number, by: -1 | 1, over: "frames" | "markers"): number {
  const times = (over === "frames" ? frames : markers).map(({ atMs }) => atMs);
  return by > 0 ? (times.find((ms) => ms > fromMs) ?? endMs) : (times.findLast((ms) => ms < fromMs) ?? 0);
}
