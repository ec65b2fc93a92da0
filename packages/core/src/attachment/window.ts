/**
 * Window: how many output bytes a client lets be under way. Small enough that an interrupt is felt in half a second on a slow
 * link (bytes under way / rate), large enough not to slow a fast one. The host measures it: it alone knows what is under way.
 *
 *   W1  It is never below `min` nor above `max`.
 *   W2  While the window is the limit it settles at what the link carries in `targetMs`; a link too fast to measure doubles it.
 *       One sample at most halves it: what was measured while the credit of a smaller window was on its way back tells too little, and a window
 *       that believed it would swing between what the link carries and a fifth of that.
 *   W3  A pause of the program of a second or more says nothing of the link: it never shrinks the window.
 * On a long way `targetMs` must be the round trip and 150 ms on top ({@link rulesFor}): with less, what fits in it is less than
 * what is under way, and the window would shrink with every sample down to `min`.
 */
import type { MonotonicMs } from "../id.ts";

export interface WindowRules {
  readonly min: number;
  readonly max: number;
  readonly start: number /** How much time's worth of bytes may be under way. */;
  readonly targetMs: number;
  readonly sampleMs: number;
}
export const windowRules: WindowRules = { min: 16 * 1024, max: 1024 * 1024, start: 32 * 1024, targetMs: 150, sampleMs: 20 };

/** The rules for a link whose shortest measured round trip is `rttMs`. */
export function rulesFor(rttMs: number): WindowRules {
  return { ...windowRules, targetMs: windowRules.targetMs + rttMs };
}

export interface Window {
  readonly bytes: number;
  readonly sampleStart: MonotonicMs;
  readonly sampleBytes: number;
  /** The window was the limit when the sample began. Only a sample that begins and ends so tells the link's rate. */
  readonly limited: boolean;
  /** At some time in this sample nothing was outstanding: credit was on its way, or the program paused. */
  readonly wasDry: boolean;
}

/** A sample with a dry moment in it that lasted longer had a pause of the program in it: above any round trip that we serve. */
const PAUSE_MS = 1_000;

export function openWindow(now: MonotonicMs, rules: WindowRules = windowRules): Window {
  return { bytes: rules.start, sampleStart: now, sampleBytes: 0, limited: false, wasDry: true };
}

/** `bytes` were applied; `outstanding` were received or under way just before, these included. */
export function applied(
  window: Window,
  bytes: number,
  outstanding: number,
  now: MonotonicMs,
  rules: WindowRules = windowRules,
): Window {
  const limited = outstanding * 2 >= window.bytes;
  const isDry = outstanding <= bytes;
  const sampleFrom = (to: number): Window => ({
    bytes: Math.round(Math.min(rules.max, Math.max(rules.min, to))),
    sampleStart: now,
    sampleBytes: 0,
    limited,
    wasDry: isDry,
  });
  const elapsed = now - window.sampleStart;
  if (!window.limited || (window.wasDry && elapsed > PAUSE_MS)) return sampleFrom(window.bytes);

  const sampleBytes = window.sampleBytes + bytes;
  if (elapsed >= rules.sampleMs && limited)
    return sampleFrom(Math.max(window.bytes / 2, (sampleBytes / elapsed) * rules.targetMs));
  // A whole window in less than a sample: the link is faster than we can tell yet.
  if (elapsed < rules.sampleMs && sampleBytes >= window.bytes) return sampleFrom(window.bytes * 2);
  return { ...window, sampleBytes, wasDry: window.wasDry || isDry };
}
