/**
 * Copy mode's state: which lines are shown, which is marked as found. Pure; the lines come from history.ts.
 *   G1  The window is inside the lines: 0 ≤ top ≤ max(0, lines − height).
 */
export interface Pager {
  readonly top: number;
  /** Line that the last search found, or -1. */
  readonly found: number;
  readonly query: string;
  /** Typing a query: where it began, to go back to. */
  readonly typing: { readonly from: number } | null;
}

export function atEnd(lines: number, height: number): Pager {
  return { top: Math.max(0, lines - height), found: -1, query: "", typing: null };
}

export function scrolled(p: Pager, by: number, lines: number, height: number): Pager {
  return { ...p, top: Math.max(0, Math.min(lines - height, p.top + by)) };
}

/** Case counts only where the query has capitals. */
export function matches(text: string, query: string): boolean {
  return query !== "" && (/\p{Lu}/u.test(query) ? text.includes(query) : text.toLowerCase().includes(query));
}

/** The nearest line above (`back`) or below `from` that holds the query; -1 if none. */
export function search(lines: readonly { readonly text: string }[], query: string, from: number, back: boolean): number {
  const step = back ? -1 : 1;
  for (let i = from; i >= 0 && i < lines.length; i += step) if (matches(lines[i]!.text, query)) return i;
  return -1;
}

/** The found line in sight, a third from the top where there is room. */
export function showLine(p: Pager, line: number, lines: number, height: number): Pager {
  const inSight = line >= p.top && line < p.top + height;
  const top = inSight ? p.top : Math.max(0, Math.min(lines - height, line - Math.floor(height / 3)));
  return { ...p, top, found: line };
}
