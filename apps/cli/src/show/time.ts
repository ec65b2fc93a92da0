/** Times for people: relative, in one or two words. Times for programs are ISO 8601 in UTC. */
import { formatDuration } from "../read/duration.ts";

export function iso(ms: number | bigint): string | null {
  const n = Number(ms);
  return n > 0 ? new Date(n).toISOString() : null;
}

/** `now`, `12s ago`, `5m ago`, `3h ago`, `2d ago`, then the date. */
export function ago(atMs: number | bigint, nowMs: number): string {
  const at = Number(atMs);
  if (at <= 0) return "";
  const passed = nowMs - at;
  if (passed < 1_000) return "now";
  if (passed > 30 * 86_400_000) return new Date(at).toISOString().slice(0, 10);
  return `${formatDuration(passed).split(" ")[0]} ago`;
}

/** Local time of day with milliseconds; with the date where it is not today's. */
export function clock(atMs: number | bigint, nowMs: number): string {
  const at = new Date(Number(atMs));
  const two = (n: number) => String(n).padStart(2, "0");
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return new Date(nowMs).toDateString() === at.toDateString() ? time : `${day} ${time}`;
}

/** Bytes for people: `512 B`, `4.0 KiB`, `12 MiB`. */
export function bytesText(bytes: number | bigint): string {
  let n = Number(bytes);
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (n < 1024) return unit === "B" ? `${n} B` : `${n < 10 ? n.toFixed(1) : Math.round(n)} ${unit}`;
    n /= 1024;
  }
  return `${n.toFixed(1)} TiB`;
}
