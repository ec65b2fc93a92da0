/** Heads of hosts' chains, kept by a group: what one relay has seen of a host, the next one that has its line holds it to. */
import type { HeadStore, HostHeads } from "../head-store.ts";
import type { Bucket } from "./keys.ts";

export class NatsHeadStore implements HeadStore {
  readonly #keys: Bucket;

  constructor(keys: Bucket) {
    this.#keys = keys;
  }

  async get(host: string): Promise<HostHeads | null> {
    return (await this.#keys.get<HostHeads>(`heads.${host}`))?.value ?? null;
  }

  async put(host: string, heads: HostHeads): Promise<void> {
    await this.#keys.put(`heads.${host}`, heads);
  }
}
