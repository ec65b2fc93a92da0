/** How late this process is with what was due: the measure of more work than it can do. */

const TICK_MS = 50;

export class Lag {
  #dueMs = performance.now() + TICK_MS;
  #lastMs = 0;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#lastMs = now - this.#dueMs;
      this.#dueMs = now + TICK_MS;
    }, TICK_MS).unref();
  }

  /** At its last look, or since. */
  get ms(): number {
    return Math.max(0, this.#lastMs, performance.now() - this.#dueMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
