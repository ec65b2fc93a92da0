/**
 * Window: how many output bytes a client lets be under way. Small enough that an interrupt is felt in half a second on a slow
 * link (bytes under way / rate), large enough not to slow a fast one. The client measures the rate at which it *applies* bytes.
 */
import type { MonotonicMs } from "../id.ts";

export interface WindowRules { readonly min: number; readonly max: number; readonly start: number; /** How much time's worth of bytes may be under way. */ readonly targetMs: number; readonly sampleMs: number }
export const windowRules: WindowRules = { min: 16 * 1024, max: 1024 * 1024, start: 32 * 1024, targetMs: 150, sampleMs: 20 };

export interface Window { readonly bytes: number; readonly sampleStart: MonotonicMs; readonly sampleBytes: number; /** The window held the sender back at some time in this sample. */ readonly limited: boolean }

export function openWindow(now: MonotonicMs, rules: WindowRules = windowRules): Window {
  return { bytes: rules.start, sampleStart: now, sampleBytes: 0, limited: false };
}

/** `bytes` were applied; `outstanding` were received or under way just before. Only samples in which the window was the limit change it. */
export function applied(window: Window, bytes: number, outstanding: number, now: MonotonicMs, rules: WindowRules = windowRules): Window {
  const sampleBytes = window.sampleBytes + bytes;
  const limited = window.limited || outstanding * 2 >= window.bytes;
  const elapsed = now - window.sampleStart;
  if (!limited) return elapsed < rules.sampleMs ? { ...window, sampleBytes } : { ...window, sampleStart: now, sampleBytes: 0 };
  // A whole window in less than a sample: the link is faster than we can tell yet.
  if (elapsed < rules.sampleMs) return sampleBytes < window.bytes ? { ...window, sampleBytes, limited } : { bytes: Math.min(rules.max, window.bytes * 2), sampleStart: now, sampleBytes: 0, limited: false };
  const fits = (sampleBytes / elapsed) * rules.targetMs;
  return { bytes: Math.round(Math.min(rules.max, Math.max(rules.min, fits))), sampleStart: now, sampleBytes: 0, limited: false };
}
