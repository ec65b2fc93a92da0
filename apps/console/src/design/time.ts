/** Times as people say them, in the reader's language. */
import { useEffect, useState } from "react";

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const STEPS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
] as const;

export function agoText(unixMs: number, nowUnixMs: number): string {
  const ms = unixMs - nowUnixMs;
  for (const [unit, size] of STEPS) if (Math.abs(ms) >= size) return relative.format(Math.round(ms / size), unit);
  return relative.format(0, "second");
}

export const exactText = (unixMs: number): string => exact.format(unixMs);

/** `1.2 s`, `3 min 4 s`, `2 h 5 min` */
export function durationText(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

/** The time of day for views that show how long ago: all of them move together, once in `everyMs`. */
export function useNow(everyMs = 5_000): number {
  const [now, set] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
