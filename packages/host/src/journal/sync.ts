/**
 * Group sync: one in flight; whoever asks meanwhile shares the next. A failure is handed to `failOver`, never retried (J5).
 */
import type { JournalFault } from "./journal.ts";

export interface SyncTarget {
  readonly durableLsn: number;
  readonly frozen: JournalFault | null;
  /** Syncs everything appended so far and moves durableLsn; rejects only when the journal froze. */
  syncOnce(): Promise<void>;
}

interface Waiter {
  readonly lsn: number;
  readonly resolve: () => void;
  readonly reject: (fault: unknown) => void;
}

export class GroupSync {
  readonly #target: SyncTarget;
  #waiters: Waiter[] = [];
  #isRunning = false;
  #idle: Promise<void> = Promise.resolve();
  constructor(target: SyncTarget) {
    this.#target = target;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  wait(lsn: number): Promise<void> {
    if (lsn <= this.#target.durableLsn) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ lsn, resolve, reject });
      this.start();
    });
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#idle = this.#run();
  }

  async #run(): Promise<void> {
    do {
      try {
        await this.#target.syncOnce();
      } catch (fault) {
        this.rejectAll(fault);
        break;
      }
      this.settle();
    } while (this.#waiters.length > 0);
    // In the same step as the last look at the waiters: who comes after it starts the next run.
    this.#isRunning = false;
  }

  /** Resolves whom durableLsn covers. */
  settle(): void {
    const durable = this.#target.durableLsn;
    const left: Waiter[] = [];
    for (const w of this.#waiters) {
      if (w.lsn <= durable) w.resolve();
      else left.push(w);
    }
    this.#waiters = left;
  }

  rejectAll(fault: unknown): void {
    for (const w of this.#waiters.splice(0)) w.reject(fault);
  }

  async idle(): Promise<void> {
    while (this.#isRunning) await this.#idle;
  }
}
