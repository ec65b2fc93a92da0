/** Finding the host again when a link has ended: how a new one is had, and how long that is tried. */
import type { MonotonicMs } from "@holdfast/core";
import { type Code, HoldError } from "@holdfast/protocol";
import type { Connection } from "./connection.ts";
import type { ResumeToken } from "./handshake.ts";

/** How a new link is had; the second and later ones are their asker's own. */
export interface Redial {
  /** `resume`: takes the attachment up that it is of; null: logs in. */
  connect(resume: ResumeToken | null): Promise<Connection>;
  now(): MonotonicMs;
  /** The calendar's time, which goes on while the machine sleeps. */
  wallMs(): number;
  /** Rejects when `signal` is aborted, and leaves no timer behind then. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  newId(): string;
}

/** A host that is not there now, or an older link that it has not missed yet; or a door where many are at once, as after a relay's death. */
const RETRIED: ReadonlySet<Code> = new Set<Code>(["unreachable", "draining", "timed_out", "continuity_busy", "too_many"]);
const RETRY_FIRST_MS = 20;
const RETRY_MOST_MS = 2_000;
/** Who has found no host for this long gives up. */
const RETRY_TOTAL_MS = 10 * 60_000;

/**
 * When one asker dials again: at once when its link is lost, then at growing distances, from one beginning to the next, until it has had none for `totalMs`. Until a link has stood
 * the distances grow on, so that one which is had and lost at once is not dialled in a circle.
 */
export class Retries {
  readonly #redial: Pick<Redial, "now" | "wait">;
  readonly #spread: number;
  readonly #totalMs: number;
  #nextMs = 0;
  #dialledAt: MonotonicMs | null = null;
  #lostAt: MonotonicMs | null = null;

  /** `id`: the asker's. Who lost one host together does not come back to it in one moment: each waits 0.5 to 1 times as long. */
  constructor(redial: Pick<Redial, "now" | "wait">, id: string, totalMs: number = RETRY_TOTAL_MS) {
    this.#redial = redial;
    this.#spread = spreadOf(id);
    this.#totalMs = totalMs;
  }

  /** There is no link. */
  lost(): void {
    this.#lostAt ??= this.#redial.now();
  }

  /** A link stands. `sinceMs`: how long it does; one that is lost sooner than the longest wait was none. */
  stood(sinceMs: number = Infinity): void {
    if (sinceMs <= RETRY_MOST_MS) return;
    this.#lostAt = null;
    this.#nextMs = 0;
  }

  get leftMs(): number {
    return this.#lostAt === null ? this.#totalMs : this.#lostAt + this.#totalMs - this.#redial.now();
  }

  /** Resolves when it is time to dial; rejects when `signal` is aborted meanwhile. */
  async due(signal: AbortSignal): Promise<void> {
    const sinceMs = this.#dialledAt === null ? 0 : this.#redial.now() - this.#dialledAt;
    const waitMs = this.#nextMs * this.#spread - sinceMs;
    this.#nextMs = nextRetryMs(this.#nextMs);
    if (waitMs > 0) await this.#redial.wait(waitMs, signal);
    this.#dialledAt = this.#redial.now();
  }

  /** Whether what came of dialling may be otherwise the next time. */
  static mayPass(fault: unknown): boolean {
    return fault instanceof HoldError && RETRIED.has(fault.code);
  }
}

/** Before the attempt that comes after one which was waited for so long; 0: the first was at once. */
export function nextRetryMs(waitedMs: number): number {
  return waitedMs === 0 ? RETRY_FIRST_MS : Math.min(RETRY_MOST_MS, waitedMs * 2);
}

/** What one asker's waits are taken by: 0.5 to 1. */
export function spreadOf(id: string): number {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.charCodeAt(0)) % 1_000;
  return 0.5 + sum / 2_000;
}
