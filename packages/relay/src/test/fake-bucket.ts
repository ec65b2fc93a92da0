/** A bucket in memory, for many at once: each call is done, and answered, when the scheduler says. */
import type { Scheduler } from "fast-check";
import type { Bucket, Kept } from "../nats/keys.ts";

export class FakeBucket implements Bucket {
  readonly #kept = new Map<string, Kept<string>>();
  readonly #scheduler: Scheduler;
  #revision = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
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
      if ((this.#kept.get(key)?.revision ?? Infinity) <= revision) this.#kept.delete(key);
    });
  }

  list(pattern: string): Promise<readonly string[]> {
    const matches = new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", "[^.]+")}$`);
    return this.#do(`list ${pattern}`, () => [...this.#kept.keys()].filter((key) => matches.test(key)));
  }

  /** What is there, for the test. */
  now<T>(key: string): Kept<T> | null {
    const kept = this.#kept.get(key);
    return kept ? { value: JSON.parse(kept.value) as T, revision: kept.revision } : null;
  }

  #write(key: string, value: unknown): number {
    this.#kept.set(key, { value: JSON.stringify(value), revision: ++this.#revision });
    return this.#revision;
  }

  /** Its answer is another thing than the deed: between them anything may happen. */
  async #do<T>(what: string, deed: () => T): Promise<T> {
    const done = await this.#scheduler.schedule(Promise.resolve(), what).then(deed);
    return this.#scheduler.schedule(Promise.resolve(done), `answer to ${what}`);
  }
}
