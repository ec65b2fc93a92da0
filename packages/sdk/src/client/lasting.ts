/**
 * Calls that go on when their link ends: asked again on a new link, until they are answered.
 *
 *   G1  Only what the host knows again is asked again: a command by its writer and n, a request by its id, and what changes nothing.
 *   G2  What was never sent (the link had ended before) is asked as new.
 *   G3  Who gives up, for want of time or of a host, is told what they would have been told without any of this: the link ended.
 */
import { HoldError } from "@holdfast/protocol";
import type { Connection } from "./connection.ts";
import { nextRetryMs, type Redial, RETRIED, RETRY_MOST_MS, RETRY_TOTAL_MS, spreadOf } from "./redial.ts";

export interface Patience {
  /** Aborted: not asked again. What is under way on a link that stands is the call's own to cancel. */
  readonly signal?: AbortSignal | undefined;
  /** From now on. */
  readonly timeoutMs?: number | undefined;
  /** A host that answers no such call again (an older one) is not asked again. */
  readonly isNumbered?: boolean;
  readonly link?: ((state: "offline" | "attached") => void) | undefined;
}

/** One asker's link: the client's while that stands, then its own. */
export class Lasting {
  readonly #redial: Redial;
  readonly #spread: number;
  #connection: Connection;
  #isOwn = false;
  /** When the link was had, and since when none has stood for a while. */
  #hadAt: number;
  #lostAt: number | null = null;
  #retryMs = 0;

  constructor(connection: Connection, redial: Redial) {
    this.#connection = connection;
    this.#redial = redial;
    this.#hadAt = redial.now();
    this.#spread = spreadOf(redial.newId());
  }

  /** `ask`: on this connection; `againMs`: how long ago that was done first, by the clock that says more; null for the first time. */
  async ask<T>(ask: (connection: Connection, againMs: number | null) => Promise<T>, patience: Patience = {}): Promise<T> {
    const { isNumbered = false, link } = patience;
    const redial = this.#redial;
    const askedAt = redial.now();
    const askedAtWallMs = redial.wallMs();
    let wasAsked = false;
    for (;;) {
      const connection = this.#connection;
      const isSent = !connection.isOver;
      let lost: HoldError;
      try {
        return await ask(connection, wasAsked ? Math.max(redial.now() - askedAt, redial.wallMs() - askedAtWallMs) : null);
      } catch (fault) {
        if (!(fault instanceof HoldError)) throw fault;
        // A host that has just started may still be taking up the session.
        if (connection.isOver ? !RETRIED.has(fault.code) : !wasAsked || fault.code !== "draining") throw fault;
        lost = fault;
      }
      wasAsked ||= isSent;
      link?.("offline");
      await this.#again(lost, askedAt, patience);
      if (isNumbered && wasAsked && !this.#connection.welcome.answersAgain) throw givenUpWith(lost);
      link?.("attached");
    }
  }

  /** Resolves when there is a link to ask on; rejects with what ended the last one. */
  async #again(lost: HoldError, askedAt: number, { signal, timeoutMs = Infinity }: Patience): Promise<void> {
    const redial = this.#redial;
    // A link that stood for a while was one: what comes now is another loss.
    if (this.#connection.isOver && redial.now() - this.#hadAt > RETRY_MOST_MS) {
      this.#lostAt = null;
      this.#retryMs = 0;
    }
    this.#lostAt ??= redial.now();
    const leftMs = Math.min(this.#lostAt + RETRY_TOTAL_MS, askedAt + timeoutMs) - redial.now();
    const over = new AbortController();
    const giveUp = (): void => over.abort();
    const done = new AbortController();
    signal?.addEventListener("abort", giveUp, { once: true });
    if (signal?.aborted || leftMs <= 0) giveUp();
    else redial.wait(leftMs, done.signal).then(giveUp, () => {});
    const givenUp = new Promise<never>((_, reject) => {
      const told = (): void => reject(givenUpWith(lost));
      if (over.signal.aborted) told();
      else over.signal.addEventListener("abort", told, { once: true });
    });
    try {
      for (let tookMs = 0; ; ) {
        const waitMs = this.#retryMs * this.#spread - tookMs;
        this.#retryMs = nextRetryMs(this.#retryMs);
        await Promise.race([givenUp, waitMs > 0 ? redial.wait(waitMs, over.signal) : null]);
        if (!this.#connection.isOver) return;
        const from = redial.now();
        const dialled = redial.connect(null);
        try {
          return this.#take(await Promise.race([givenUp, dialled]));
        } catch (fault) {
          tookMs = redial.now() - from;
          if (over.signal.aborted) void dialled.then((late) => late.close()).catch(() => {});
          if (over.signal.aborted || !(fault instanceof HoldError) || !RETRIED.has(fault.code)) throw fault;
        }
      }
    } finally {
      done.abort();
      signal?.removeEventListener("abort", giveUp);
    }
  }

  /** Another call of the same asker may have been quicker. */
  #take(connection: Connection): void {
    if (!this.#connection.isOver) return connection.close();
    if (this.#isOwn) this.#connection.close();
    this.#connection = connection;
    this.#isOwn = true;
    this.#hadAt = this.#redial.now();
  }

  /** Ends a link of its own; the client's stays. */
  close(): void {
    if (this.#isOwn) this.#connection.close();
  }
}

/** G3. */
function givenUpWith(lost: HoldError): HoldError {
  return lost.code === "unreachable" ? lost : new HoldError("unreachable", lost.message, lost.details, { cause: lost });
}
