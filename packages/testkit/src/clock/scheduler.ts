/**
 * Time and order of a simulated world. Nothing happens but what was scheduled here, one thing at a time.
 *
 *   S1  What is due first runs first; what is due at the same microsecond runs in seeded order.
 *   S2  Between two steps every promise that can go on has gone on, so a run depends on its seed alone.
 *   S3  Time moves only between steps. Monotonic time never goes back; wall time jumps as it is told.
 */
import { MonotonicMs } from "@holdfast/core";
import type { Random } from "./random.ts";

interface Due {
  readonly atUs: number;
  readonly tie: number;
  run: (() => void) | null;
}

const WALL_START_MS = Date.UTC(2026, 0, 1);

export class Scheduler {
  readonly random: Random;
  #nowUs = 1_000_000;
  #wallShiftMs = 0;
  /** A binary heap: the first item is due next. */
  readonly #heap: Due[] = [];
  #steps = 0;
  /** Told of what a step threw. */
  onFault: (fault: unknown) => void = (fault) => {
    throw fault;
  };
  readonly #sleeps: { readonly atUs: number; readonly us: number }[] = [];

  constructor(random: Random) {
    this.random = random;
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  get nowMs(): number {
    return this.#nowUs / 1000;
  }

  get steps(): number {
    return this.#steps;
  }

  readonly clock = {
    monoMs: () => MonotonicMs(this.#nowUs / 1000),
    monoNs: () => BigInt(this.#nowUs) * 1000n,
    wallMs: () => WALL_START_MS + Math.floor(this.#nowUs / 1000) + this.#wallShiftMs,
  };

  /** Somebody sets the wall clock. */
  jumpWall(ms: number): void {
    this.#wallShiftMs += ms;
  }

  /** The machine slept: everything that was due meanwhile is due now. */
  sleep(ms: number): void {
    this.#sleeps.push({ atUs: this.#nowUs, us: ms * 1000 });
    this.#nowUs += ms * 1000;
  }

  /** When the machine has been awake for `us` since `atUs`, on this clock. */
  awakeAfter(atUs: number, us: number): number {
    let until = atUs + us;
    for (const sleep of this.#sleeps) if (sleep.atUs >= atUs && sleep.atUs <= until) until += sleep.us;
    return until;
  }

  /** Runs after `us` microseconds; the returned function takes it back. */
  after(us: number, run: () => void): () => void {
    const due: Due = { atUs: this.#nowUs + Math.max(0, Math.round(us)), tie: this.random.int(0, 0x3fff_ffff), run };
    this.#push(due);
    return () => {
      due.run = null;
    };
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms * 1000, resolve));
  }

  /** When the next thing is due; null if nothing is. */
  get nextUs(): number | null {
    while (this.#heap[0]?.run === null) this.#pop();
    return this.#heap[0]?.atUs ?? null;
  }

  /** Runs what is due next and lets every promise go on. False when nothing is due until `untilUs`. */
  async step(untilUs: number): Promise<boolean> {
    const next = this.nextUs;
    if (next === null || next > untilUs) {
      this.#nowUs = Math.max(this.#nowUs, untilUs);
      return false;
    }
    const due = this.#pop()!;
    this.#nowUs = Math.max(this.#nowUs, due.atUs);
    this.#steps++;
    try {
      due.run?.();
    } catch (fault) {
      this.onFault(fault);
    }
    await settled();
    return true;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!isBefore(due, heap[up]!)) break;
      heap[at] = heap[up]!;
      at = up;
    }
    heap[at] = due;
  }

  #pop(): Due | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return first;
    let at = 0;
    for (;;) {
      let down = at * 2 + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down++;
      if (!isBefore(heap[down]!, last)) break;
      heap[at] = heap[down]!;
      at = down;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.tie < b.tie);
}

/** S2. An immediate runs after every microtask that there is, and after those that they make. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
