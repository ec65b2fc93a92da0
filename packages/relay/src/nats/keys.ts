/**
 * A bucket of JetStream's key-value store, as a relay uses it: whole values, and writes that are refused where somebody was first.
 *
 *   S1  Values are read from the bucket's leader, so that what one relay wrote the next one reads. A leader that the others have left, or that has just
 *       begun, may answer with less for some seconds; it takes no write before it knows all. Who tells somebody no settles first.
 *   S2  What is removed is removed by its number, never by a purge: nodes of nats-server before 2.9.21 that start again do a purge of one key as one of
 *       the whole stream up to it, and the book is gone.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamClient, JetStreamApiError, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { HoldError } from "@holdfast/protocol";

export interface KeysOptions {
  readonly replicas: number;
  /** After which a value is gone; 0: never. */
  readonly maxAgeMs?: number;
}

export interface Kept<T> {
  readonly value: T;
  /** Of the bucket: later ones are higher, whatever their key. */
  readonly revision: number;
}

/** All of its calls throw `unreachable` where NATS does not answer. */
export interface Bucket {
  get<T>(key: string): Promise<Kept<T> | null>;
  /** Resolves with its revision. */
  put(key: string, value: unknown): Promise<number>;
  /** Null: there is one already. */
  create(key: string, value: unknown): Promise<number | null>;
  /** Null: it is not that revision any more. */
  update(key: string, value: unknown, revision: number): Promise<number | null>;
  /** That revision; another one stays. Nothing is left of it, not even a mark. */
  remove(key: string, revision: number): Promise<void>;
  /** S1. What is read after it is no older than what was written before it. */
  settle(): Promise<void>;
  /** Keys that match, `*` for any one word. Slow in a large bucket: for what people ask, not for every call. */
  list(pattern: string): Promise<readonly string[]>;
}

const ASK_MS = 2_000;
/** With what the library tries again by itself. Whatever becomes of a question on a connection that is lost, its answer is waited for no longer. */
const MOST_MS = 5_000;
/** What is written to see that it can be. */
const SETTLED = "settled";
/** Of JetStream's errors: the last message of the subject is another one than was said. */
const OTHER_REVISION = new Set([10_071, 10_164]);

export class Keys implements Bucket {
  readonly #kv: KV;
  readonly #jsm: JetStreamManager;
  readonly #bucket: string;

  private constructor(bucket: string, kv: KV, jsm: JetStreamManager) {
    this.#bucket = bucket;
    this.#kv = kv;
    this.#jsm = jsm;
  }

  /** Made if it is not there. */
  static async open(nc: NatsConnection, bucket: string, { replicas, maxAgeMs = 0 }: KeysOptions): Promise<Keys> {
    const js: JetStreamClient = jetstream(nc, { timeout: ASK_MS });
    const jsm = await jetstreamManager(nc, { timeout: ASK_MS });
    // Read directly from any replica, what was written a moment ago may not be there yet.
    const kv = await new Kvm(js).create(bucket, { replicas, history: 1, ttl: maxAgeMs, allow_direct: false });
    return new Keys(bucket, kv, jsm);
  }

  get<T>(key: string): Promise<Kept<T> | null> {
    return asked(async () => {
      const entry = await this.#kv.get(key);
      return entry && entry.operation === "PUT" ? { value: entry.json<T>(), revision: entry.revision } : null;
    });
  }

  put(key: string, value: unknown): Promise<number> {
    return asked(() => this.#kv.put(key, JSON.stringify(value)));
  }

  create(key: string, value: unknown): Promise<number | null> {
    return asked(() => unlessOther(this.#kv.create(key, JSON.stringify(value))));
  }

  update(key: string, value: unknown, revision: number): Promise<number | null> {
    return asked(() => unlessOther(this.#kv.update(key, JSON.stringify(value), revision)));
  }

  /** S2. */
  async remove(key: string, revision: number): Promise<void> {
    await asked(async () => {
      try {
        await this.#jsm.streams.deleteMessage(`KV_${this.#bucket}`, revision, false);
      } catch (fault) {
        // Of what was gone before it says the same as of what it could not do.
        if (!(fault instanceof JetStreamApiError) || (await this.#kv.get(key))?.revision === revision) throw fault;
      }
    });
  }

  async settle(): Promise<void> {
    await this.put(SETTLED, 0);
  }

  list(pattern: string): Promise<readonly string[]> {
    return asked(async () => {
      const { state } = await this.#jsm.streams.info(`KV_${this.#bucket}`, { subjects_filter: this.#subject(pattern) });
      return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(this.#subject("").length));
    });
  }

  #subject(key: string): string {
    return `$KV.${this.#bucket}.${key}`;
  }
}

async function unlessOther(write: Promise<number>): Promise<number | null> {
  try {
    return await write;
  } catch (fault) {
    if (fault instanceof JetStreamApiError && OTHER_REVISION.has(fault.code)) return null;
    throw fault;
  }
}

/** Throws `unreachable` for whatever NATS says no to: hosts and operators that are told so come again. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  const late = new AbortController();
  const never = delay(MOST_MS, null, { signal: late.signal }).then(() => {
    throw new Error("no answer in time");
  });
  never.catch(() => {});
  try {
    return await Promise.race([ask(), never]);
  } catch (cause) {
    throw new HoldError(
      "unreachable",
      `this relay can't ask the others of its group now (NATS: ${(cause as Error).message}); dial another, or this one again`,
      {},
      { cause },
    );
  } finally {
    late.abort();
  }
}
