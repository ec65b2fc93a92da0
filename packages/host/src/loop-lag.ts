/**
 * How late the loop is that moves everybody's bytes: what a keystroke waits before this process sees it.
 *   D1  Told of the last whole window, so that two who ask are told the same; in the first one, of what there is of it.
 *   D2  Looked at while there is a link, whose bytes could be late. Without one nothing wakes the process, and what was known is forgotten.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

/** Each look wakes the process: measured, 0.1 % of a core, and 0.3 % at 20 ms. A delay shorter than this may fall between two. */
const LOOK_MS = 50;
const WINDOW_MS = 10_000;

type Delays = Pick<ReturnType<typeof monitorEventLoopDelay>, "count" | "percentile" | "reset" | "enable" | "disable">;

export class LoopLag {
  readonly #delays: Delays;
  readonly #lookNs: number;
  #lastUs: number | null = null;
  #windows: NodeJS.Timeout | null = null;

  /** `delays`: nanoseconds from one look to the next, `lookMs` among them. */
  constructor(delays: Delays, lookMs: number) {
    this.#delays = delays;
    this.#lookNs = lookMs * 1_000_000;
  }

  /** D2: how many links there are from now on. */
  follow(links: number): void {
    if (links > 0 === (this.#windows !== null)) return;
    if (this.#windows === null) {
      this.#delays.reset();
      this.#delays.enable();
      this.#windows = setInterval(() => this.turn(), WINDOW_MS).unref();
      return;
    }
    clearInterval(this.#windows);
    this.#windows = null;
    this.#delays.disable();
    this.#delays.reset();
    this.#lastUs = null;
  }

  /** Microseconds that one look of a hundred is later than it was meant, 1 at least; 0: not known yet. */
  get p99Us(): number {
    return this.#lastUs ?? this.#now();
  }

  /** A window is over. */
  turn(): void {
    this.#lastUs = this.#now();
    this.#delays.reset();
  }

  #now(): number {
    if (this.#delays.count === 0) return 0;
    return Math.max(1, Math.round((this.#delays.percentile(99) - this.#lookNs) / 1_000));
  }
}

export const loopLag = (): LoopLag => new LoopLag(monitorEventLoopDelay({ resolution: LOOK_MS }), LOOK_MS);
