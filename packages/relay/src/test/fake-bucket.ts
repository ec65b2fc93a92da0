/** A bucket in memory, for many at once: each call is done, and answered, when the scheduler says. */
import type { Scheduler } from "fast-check";
import type { Bucket, Kept } from "../nats/keys.ts";

interface Store {
  readonly kept: Map<string, Kept<string>>;
  revision: number;
}

export class FakeBucket implements Bucket {
  readonly #store: Store;
  readonly #scheduler: Scheduler;
  #old: Map<string, Kept<string>> | null = null;

  constructor(scheduler: Scheduler, store: Store = { kept: new Map(), revision: 0 }) {
    this.#scheduler = scheduler;
    this.#store = store;
  }

  get<T>(key: string): Promise<Kept<T> | null> {
    return this.#do(`get ${key}`, () => this.now<T>(key));
  }

  put(key: string, value: unknown): Promise<number> {
    return this.#do(`put ${key}`, () => this.#write(key, value));
  }

  create(key: string, value: unknown): Promise<number | null> {
    return this.#do(`create ${key}`, () => (this.#kept.has(key) ? null : this.#write(key, value)));
  }

  update(key: string, value: unknown, revision: number): Promise<number | null> {
    return this.#do(`update ${key}`, () => (this.#kept.get(key)?.revision === revision ? this.#write(key, value) : null));
  }

  remove(key: string, revision: number): Promise<void> {
    return this.#do(`remove ${key}`, () => {
      if (this.#kept.get(key)?.revision === revision) this.#kept.delete(key);
    });
  }

  async settle(): Promise<void> {
    await this.put("settled", 0);
  }

  list(pattern: string): Promise<readonly string[]> {
    const matches = new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", "[^.]+")}$`);
    return this.#do(`list ${pattern}`, () => [...this.#read.keys()].filter((key) => matches.test(key)));
  }

  /** The same one, by a leader that is behind: what is read of it is as it stands now, until it takes a write. */
  behind(): FakeBucket {
    const behind = new FakeBucket(this.#scheduler, this.#store);
    behind.#old = new Map(this.#read);
    return behind;
  }

  /** What is there, for the test. */
  now<T>(key: string): Kept<T> | null {
    const kept = this.#read.get(key);
    return kept ? { value: JSON.parse(kept.value) as T, revision: kept.revision } : null;
  }

  get #read(): ReadonlyMap<string, Kept<string>> {
    return this.#old ?? this.#store.kept;
  }

  /** For a write, refused or not. */
  get #kept(): Map<string, Kept<string>> {
    this.#old = null;
    return this.#store.kept;
  }

  #write(key: string, value: unknown): number {
    this.#kept.set(key, { value: JSON.stringify(value), revision: ++this.#store.revision });
    return this.#store.revision;
  }

  /** Its answer is another thing than the deed: between them anything may happen. */
  async #do<T>(what: string, deed: () => T): Promise<T> {
    const done = await this.#scheduler.schedule(Promise.resolve(), what).then(deed);
    return this.#scheduler.schedule(Promise.resolve(done), `answer to ${what}`);
  }
}
