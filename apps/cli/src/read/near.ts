/** "Did you mean": the few known words that are closest to a wrong one. */

/** Damerau-Levenshtein (adjacent swaps count once). */
export function distance(a: string, b: string): number {
  const rows: number[][] = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  for (let j = 1; j <= b.length; j++) rows[0]![j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      rows[i]![j] = best;
    }
  }
  return rows[a.length]![b.length]!;
}

/** At most three of `known`, nearest first; none when nothing is near. */
export function nearest(word: string, known: Iterable<string>): string[] {
  const lower = word.toLowerCase();
  const limit = Math.max(1, Math.floor(word.length / 3));
  return [...new Set(known)]
    .map((k) => ({ k, d: k.toLowerCase().startsWith(lower) && lower.length >= 2 ? 0.5 : distance(lower, k.toLowerCase()) }))
    .filter(({ d }) => d <= limit)
    .sort((x, y) => x.d - y.d || x.k.localeCompare(y.k))
    .slice(0, 3)
    .map(({ k }) => k);
}

export function didYouMean(word: string, known: Iterable<string>): string {
  const near = nearest(word, known);
  return near.length === 0 ? "" : `; did you mean ${near.join(" or ")}?`;
}
