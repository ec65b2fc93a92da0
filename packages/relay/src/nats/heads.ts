/** Heads of hosts' chains, kept by a group: what one relay has seen of a host, the next one that has its line holds it to. */
import { HoldError } from "@holdfast/protocol";
import type { HeadStore, HostHeads, NextHeads } from "../head-store.ts";
import type { Bucket } from "./keys.ts";

/** Each turn one of those who write at once is through: those are the relays of the group, once each. */
const MAX_TURNS = 64;

export class NatsHeadStore implements HeadStore {
  readonly #keys: Bucket;

  constructor(keys: Bucket) {
    this.#keys = keys;
  }

  async get(host: string): Promise<HostHeads | null> {
    return (await this.#keys.get<HostHeads>(`heads.${host}`))?.value ?? null;
  }

  async change(host: string, next: NextHeads): Promise<void> {
    const key = `heads.${host}`;
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      const kept = await this.#keys.get<HostHeads>(key);
      const then = next(kept?.value ?? null);
      if (!then) return;
      const revision = kept ? await this.#keys.update(key, then, kept.revision) : await this.#keys.create(key, then);
      if (revision !== null) return;
    }
    throw new HoldError("unreachable", `the heads of host ${host} were changed by others ${MAX_TURNS} times in between`);
  }
}
