/**
 * The link that a client's calls go over: one {@link Connection} after another.
 *
 *   K1  A call goes over the link that stands. When it has ended, the next call dials again, for as long as a host that starts again takes.
 *   K2  What was open when a link ended is rejected (connection.ts N1) and not asked again by itself, since the host may have done it; but for what
 *       the host knows again (lasting.ts).
 *   K3  Who was told to go (revoked, say) or has left dials no more.
 * Elsewhere: attachments, and commands and waits, which come back by themselves and stay the same (attachment.ts, lasting.ts).
 */
import { HoldError } from "@holdfast/protocol";
import type { Connection } from "./connection.ts";
import { type Redial, Retries } from "./redial.ts";

/** K1. */
const AGAIN_MS = 10_000;

type Told = (waiting: number, own: number) => void;

export class Line {
  /** The last one; it may be over. */
  connection: Connection;
  readonly #redial: Redial;
  readonly #left = new AbortController();
  readonly #approvals = new Map<Told, () => void>();
  #dialling: Promise<Connection> | null = null;

  constructor(connection: Connection, redial: Redial) {
    this.connection = connection;
    this.#redial = redial;
  }

  async call(...[verb, options]: Parameters<Connection["call"]>): ReturnType<Connection["call"]> {
    const connection = this.connection.isOver ? await this.standing() : this.connection;
    return connection.call(verb, options);
  }

  /** On whatever link stands. */
  onApprovals(told: Told): () => void {
    this.#approvals.set(told, this.connection.onApprovals(told));
    return () => {
      this.#approvals.get(told)?.();
      this.#approvals.delete(told);
    };
  }

  close(): void {
    this.#left.abort();
    this.connection.close();
  }

  /** The link that stands: K1. */
  async standing(): Promise<Connection> {
    const { over } = this.connection;
    if (over === null) return this.connection;
    if (this.#left.signal.aborted) throw left();
    if (over.code !== "unreachable") throw over;
    this.#dialling ??= this.#dialAgain().finally(() => {
      this.#dialling = null;
    });
    return this.#dialling;
  }

  async #dialAgain(): Promise<Connection> {
    const retries = new Retries(this.#redial, this.#redial.newId(), AGAIN_MS);
    retries.lost();
    for (;;) {
      await retries.due(this.#left.signal).catch(() => {});
      if (this.#left.signal.aborted) throw left();
      try {
        const connection = await this.#redial.connect(null);
        if (this.#left.signal.aborted) connection.close();
        else {
          for (const told of this.#approvals.keys()) this.#approvals.set(told, connection.onApprovals(told));
          this.connection = connection;
          return connection;
        }
      } catch (fault) {
        if (!Retries.mayPass(fault) || retries.leftMs <= 0) throw fault;
      }
    }
  }
}

const left = (): HoldError => new HoldError("cancelled", "the client left");
