/** How long to wait before a relay is dialled again: at once after a line that had held, then longer and longer, and never all hosts of a relay at the same moment. */

const FIRST_MS = 250;
const MOST_MS = 15_000;

/** `failures`: in a row, 0 after a line that held. `chance`: from 0 to 1. Half of the time is certain, so that no chance makes it nothing. */
export function waitMs(failures: number, chance: number): number {
  const most = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures, 16));
  return Math.round(most / 2 + (most / 2) * chance);
}
