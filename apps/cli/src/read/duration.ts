/** Durations as people write them: a number and a unit, `500ms`, `30s`, `10m`, `2h`, `7d`, or several, `1h30m`. */
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds, or null if `text` is no duration. A bare number is refused: `30` says nothing. */
export function parseDuration(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) total += Number(amount) * (unitMs[unit!] ?? 0);
  const rounded = Math.round(total);
  return Number.isSafeInteger(rounded) ? rounded : null;
}

/** The two largest units: `2h 5m`, `3d 4h`, `12s`, `350ms`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return "0s";
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  const parts: string[] = [];
  let left = Math.floor(ms / 1_000);
  for (const [unit, seconds] of [
    ["d", 86_400],
    ["h", 3_600],
    ["m", 60],
    ["s", 1],
  ] as const) {
    const amount = Math.floor(left / seconds);
    left -= amount * seconds;
    if (amount > 0) parts.push(`${amount}${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}
