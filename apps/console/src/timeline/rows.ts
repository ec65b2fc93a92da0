/** Which rows of a long list of equal heights are drawn: those that are seen, and some beside. */
export interface Seen {
  readonly first: number;
  /** Behind the last. */
  readonly end: number;
}

const BESIDE = 8;

export function seenRows(scrollTop: number, heightPx: number, rowPx: number, count: number): Seen {
  const end = Math.min(count, Math.ceil((scrollTop + heightPx) / rowPx) + BESIDE);
  return { first: Math.max(0, Math.min(Math.floor(scrollTop / rowPx) - BESIDE, end)), end };
}

/** At the end, but for what a thumb does not notice. */
export const isAtEnd = (scrollTop: number, heightPx: number, wholePx: number): boolean => scrollTop + heightPx >= wholePx - 24;
