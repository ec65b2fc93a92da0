/**
 * Of a stream of pieces as much as a result may carry: its head and its tail, and exactly what is left out between them.
 *
 *   X1  Head, what is left out and tail are the whole stream: bytes and lines add up.
 *   X2  No view is larger than its budget, whatever came.
 *   X3  Memory is two budgets, however long the stream.
 */
import type { Piece } from "./plain.ts";

/** A quarter for how it began, the rest for how it ended: what went wrong stands at the end. */
const HEAD_SHARE = 4;

export interface View {
  readonly head: string;
  readonly tail: string;
  readonly fromOffset: number;
  readonly toOffset: number;
  /** Null when all is there. `offset` and `after`: where the first byte of it stands. */
  readonly omitted: { readonly bytes: number; readonly lines: number; readonly offset: number; readonly after: number } | null;
}

const costOf = (p: Piece): number => Buffer.byteLength(p.text) + (p.isLineEnd ? 1 : 0);
const textOf = (pieces: readonly Piece[]): string => pieces.map((p) => (p.isLineEnd ? `${p.text}\n` : p.text)).join("");

export class Excerpt {
  readonly #maxBytes: number;
  readonly #first: Piece[] = [];
  #firstCost = 0;
  /** The tail begins at `#lastFrom`; what stands before it goes when it is more than the tail. */
  #last: Piece[] = [];
  #lastFrom = 0;
  #lastCost = 0;
  #lostBytes = 0;
  #maskedBytes = 0;
  #lines = 0;
  #dropped: Piece | null = null;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#first.length === 0;
  }

  push(piece: Piece): void {
    const cost = costOf(piece);
    if (piece.isLineEnd) this.#lines++;
    if (this.#last.length === 0 && this.#firstCost + cost <= this.#maxBytes) {
      this.#first.push(piece);
      this.#firstCost += cost;
      return;
    }
    this.#last.push(piece);
    this.#lastCost += cost;
    while (this.#lastCost > this.#maxBytes && this.#lastFrom < this.#last.length - 1) {
      const gone = this.#last[this.#lastFrom++]!;
      this.#lastCost -= costOf(gone);
      this.#dropped ??= gone;
    }
    if (this.#lastFrom * 2 <= this.#last.length) return;
    this.#last = this.#last.slice(this.#lastFrom);
    this.#lastFrom = 0;
  }

  /** What fits into `budget` bytes of text. */
  view(budget: number): View {
    const most = Math.min(budget, this.#maxBytes);
    const last = this.#last.slice(this.#lastFrom);
    const all = [...this.#first, ...last];
    const fromOffset = all[0]?.offset ?? 0;
    const toOffset = all.at(-1)?.end ?? 0;
    if (!this.#dropped && this.#firstCost + this.#lastCost <= most)
      return { head: textOf(all), tail: "", fromOffset, toOffset, omitted: null };
    let headCount = 0;
    let used = 0;
    for (const piece of this.#first) {
      if (used + costOf(piece) > most / HEAD_SHARE) break;
      used += costOf(piece);
      headCount++;
    }
    // The tail is what stands together up to the end: not over a drop.
    const rest = this.#dropped ? last : all.slice(headCount);
    let tailFrom = rest.length;
    while (tailFrom > 0 && used + costOf(rest[tailFrom - 1]!) <= most) used += costOf(rest[--tailFrom]!);
    const head = all.slice(0, headCount);
    const tail = rest.slice(tailFrom);
    const first = this.#first[headCount] ?? this.#dropped ?? all[headCount]!;
    const shownLines = [...head, ...tail].filter((p) => p.isLineEnd).length;
    return {
      head: textOf(head),
      tail: textOf(tail),
      fromOffset,
      toOffset,
      omitted: {
        bytes: (tail[0]?.offset ?? toOffset) - first.offset,
        lines: this.#lines - shownLines,
        offset: first.offset,
        after: first.after,
      },
    };
  }

  /** Bytes of the stream that nobody has any more: retention, redaction. */
  lost(bytes: number): void {
    this.#lostBytes += bytes;
  }

  get lostBytes(): number {
    return this.#lostBytes;
  }

  /** Bytes of the stream that are stars in place of a secret. */
  masked(bytes: number): void {
    this.#maskedBytes += bytes;
  }

  get maskedBytes(): number {
    return this.#maskedBytes;
  }
}
