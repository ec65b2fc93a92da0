/**
 * How late the loop is that moves everybody's bytes: what a keystroke waits before this process sees it.
 *   D1  Told of the last whole window, so that two who ask are told the same; in the first one, of what there is of it.
 */
import { type Histogram, monitorEventLoopDelay } from "node:perf_hooks";

/** Each look wakes an idle process: measured, 0.1 % of a core, and 0.3 % at 20 ms. A delay shorter than this may fall between two. */
const LOOK_MS = 50;
const WINDOW_MS = 10_000;

type Delays = Pick<Histogram, "count" | "percentile" | "reset">;

export class LoopLag {
  readonly #delays: Delays;
  readonly #lookNs: number;
  #lastUs: number | null = null;

  /** `delays`: nanoseconds from one look to the next, `lookMs` among them. */
  constructor(delays: Delays, lookMs: number) {
    this.#delays = delays;
    this.#lookNs = lookMs * 1_000_000;
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

export function measureLag(): LoopLag {
  const delays = monitorEventLoopDelay({ resolution: LOOK_MS });
  delays.enable();
  const lag = new LoopLag(delays, LOOK_MS);
  setInterval(() => lag.turn(), WINDOW_MS).unref();
  return lag;
}
