/**
 * What one end of a tunnel between two relays counts: numbers, credit and silence. NATS delivers a message at most once and tells nobody of one that it
 * lost: a tunnel is right up to its first loss, and over with it. Neither clock nor wire is here.
 *
 *   N1  What an end says is numbered from 1, by one more each time, whatever it is: another number than the next is a loss, a doubling or a swap.
 *   N2  Data is said while there is credit, which the other end gives as its own reader takes. One message may go over it, and no second one.
 *   N3  Who says more than that, or takes credit back, breaks the rules.
 *   N4  An end says something every beat, so that a loss at the end of what was said is found too; three beats without a word are silence.
 */

/** As much as may be under way in one direction, in NATS and at the other end: with a tunnel's two hops it fills a line of 20 Mbit/s at 100 ms. */
export const WINDOW_BYTES = 256 * 1024;
/** Credit is given when so much was taken. */
const GRANT_BYTES = WINDOW_BYTES / 4;
export const BEAT_MS = 3_000;
const SILENT_BEATS = 3;

export class Lane {
  #saidN = 0;
  #heardN = 0;
  #saidMs: number;
  #heardMs: number;
  #sent = 0;
  #maySend = WINDOW_BYTES;
  #got = 0;
  #taken = 0;
  #granted = WINDOW_BYTES;

  constructor(nowMs: number) {
    this.#saidMs = nowMs;
    this.#heardMs = nowMs;
  }

  /** N1. The number of what is said now. */
  says(nowMs: number): number {
    this.#saidMs = nowMs;
    return ++this.#saidN;
  }

  /** N1. False: it is not the next. */
  hears(n: number, nowMs: number): boolean {
    if (n !== this.#heardN + 1) return false;
    this.#heardN = n;
    this.#heardMs = nowMs;
    return true;
  }

  /** N2. */
  get maySend(): boolean {
    return this.#sent < this.#maySend;
  }

  sends(bytes: number): void {
    this.#sent += bytes;
  }

  /** N3. `total`: of all that the other end lets this one send. False: it is none. */
  grants(total: number): boolean {
    if (!Number.isSafeInteger(total) || total < this.#maySend || total > this.#sent + WINDOW_BYTES) return false;
    this.#maySend = total;
    return true;
  }

  /** N3. False: it was not allowed. */
  gets(bytes: number): boolean {
    if (this.#got >= this.#granted) return false;
    this.#got += bytes;
    return true;
  }

  /** N2. This end's reader has taken so much: the credit to say, or null for none yet. */
  takes(bytes: number): number | null {
    this.#taken += bytes;
    const may = this.#taken + WINDOW_BYTES;
    if (may - this.#granted < GRANT_BYTES) return null;
    this.#granted = may;
    return may;
  }

  /** N4. */
  due(nowMs: number): "ping" | "silent" | null {
    if (nowMs - this.#heardMs > SILENT_BEATS * BEAT_MS) return "silent";
    return nowMs - this.#saidMs >= BEAT_MS ? "ping" : null;
  }
}
