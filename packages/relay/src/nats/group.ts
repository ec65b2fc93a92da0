/**
 * A relay's place in a group that meets at NATS: the book, who has which host, and tunnels from one relay to another (docs/relay.md, Many relays).
 *
 *   M1  All that the group knows is in three buckets of JetStream's, and a relay that starts knows as much as any other. What relays say to all is a
 *       hint to look there; who missed it finds out when it is looked at anyway.
 *   M2  A relay that can't ask its group says so, to readiness and to hosts that would register, and goes on with what needs no group.
 *   M3  When it can ask again it looks at all that may have changed, and gives up the lines that went elsewhere.
 *   M4  A server that answers and decides nothing, because the others of its cluster are gone from it, is left for another.
 *   M5  Where a lookup is late, as it is while a bucket has no leader, what it said before is tried: the relay that has the line is asked anyway, and
 *       says no where it has it no more.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Doors, Init } from "@holdfast/protocol";
import type { Away, Claim, Claimed, Crossing, Group, Member } from "../group.ts";
import type { Caller } from "../caller.ts";
import type { HeadStore } from "../head-store.ts";
import type { End } from "../end.ts";
import { NatsBook } from "./book.ts";
import { connectNats, leaveServer, type NatsWish } from "./connect.ts";
import { Crossings } from "./crossings.ts";
import { NatsHeadStore } from "./heads.ts";
import { Keys } from "./keys.ts";
import { Presence } from "./presence.ts";

export interface GroupParts {
  /** By which people know this relay. */
  readonly name: string;
  readonly wallMs: () => number;
  readonly log: (event: string, facts: Readonly<Record<string, unknown>>) => void;
}

/** What relays say to all. */
type Hint =
  | { readonly claimed: { readonly host: string; readonly fence: number; readonly by: string } }
  | { readonly revoked: true };

const ALL = "holdfast.all";
const TICK_MS = 1_000;
/** How often a relay says in the bucket that it lives, and after how long it is taken for dead. */
const ALIVE_MS = 5_000;
const DEAD_MS = 15_000;
/** M1: how often everything is looked at anyway. */
const LOOK_MS = 60_000;
/** M4: without an answer, from it or since it was come to. A bucket that has no leader for some seconds has none at any other server either. */
const LEAVE_MS = 10_000;
/** M5. */
const PATIENCE_MS = 250;
const MAX_ROUTES = 10_000;
/** Of each bucket, where NATS is a cluster. */
const CLUSTER_REPLICAS = 3;

interface Buckets {
  readonly book: Keys;
  readonly hosts: Keys;
  readonly relays: Keys;
}

export class NatsGroup implements Group {
  readonly id: string;
  readonly book: NatsBook;
  readonly heads: HeadStore;
  readonly #me = randomBytes(8).toString("hex");
  readonly #nc: NatsConnection;
  readonly #wish: NatsWish;
  readonly #buckets: Buckets;
  readonly #parts: GroupParts;
  #name: string;
  readonly #presence: Presence;
  readonly #crossings: Crossings;
  readonly #routes = new Map<string, readonly Away[]>();
  #member: Member = { lost: () => {}, arrive: (end) => end.destroy(), revoked: () => {} };
  #ticks: NodeJS.Timeout | undefined;
  /** Revision of what it said last. */
  #alive = 0;
  #saidMs = -Infinity;
  #lookedMs = performance.now();
  #answeredMs = -Infinity;
  /** When it came to the server that it is at. */
  #cameMs = performance.now();
  #isFailing = false;
  #isSaying = false;
  #reconnects = 0;
  #isAway = false;
  #isOver = false;

  private constructor(nc: NatsConnection, wish: NatsWish, buckets: Buckets, id: string, parts: GroupParts) {
    this.id = id;
    this.#nc = nc;
    this.#wish = wish;
    this.#buckets = buckets;
    this.#parts = parts;
    this.#name = parts.name;
    this.heads = new NatsHeadStore(buckets.book);
    this.book = new NatsBook(buckets.book, () => this.#tell({ revoked: true }));
    this.#presence = new Presence({
      me: this.#me,
      keys: buckets.hosts,
      called: (name) => this.book.called(name),
      wallMs: parts.wallMs,
      tell: (host, fence) => this.#tell({ claimed: { host, fence, by: this.#me } }),
      lost: (claim) => this.#member.lost(claim),
    });
    this.#crossings = new Crossings({ nc, me: this.#me, arrive: (end, crossing) => this.#member.arrive(end, crossing) });
  }

  /** Resolves when it is one of the group. Throws `usage`, or `start_failed`. */
  static async join(wish: NatsWish, parts: GroupParts): Promise<NatsGroup> {
    const nc = await connectNats(wish, `holdfast relay ${parts.name}`);
    try {
      const replicas = nc.info?.cluster === undefined ? 1 : CLUSTER_REPLICAS;
      const buckets: Buckets = {
        book: await Keys.open(nc, "holdfast-book", { replicas }),
        hosts: await Keys.open(nc, "holdfast-hosts", { replicas }),
        relays: await Keys.open(nc, "holdfast-relays", { replicas, maxAgeMs: DEAD_MS }),
      };
      await buckets.book.create("group", randomBytes(8).toString("hex"));
      const kept = await buckets.book.get<string>("group");
      const group = new NatsGroup(nc, wish, buckets, kept!.value, parts);
      await group.#begin();
      return group;
    } catch (fault) {
      await nc.close();
      throw fault;
    }
  }

  async #begin(): Promise<void> {
    this.#nc.subscribe(ALL, {
      callback: (fault, msg) => {
        if (!fault) this.#hear(msg.data);
      },
    });
    await this.#live();
    await this.book.look();
    void this.#watch();
    this.#ticks = setInterval(() => this.#tick(), TICK_MS);
  }

  /** By which people know it, once that is known. */
  async rename(name: string): Promise<void> {
    this.#name = name;
    await this.#live();
  }

  meet(member: Member): void {
    this.#member = member;
  }

  get isWhole(): boolean {
    return !this.#isAway && performance.now() - this.#answeredMs < DEAD_MS;
  }

  get counts(): Group["counts"] {
    const { count, sent, received } = this.#crossings;
    return { tunnels: count, sent, received, reconnects: this.#reconnects };
  }

  claim(of: Claimed): Promise<Claim> {
    return this.#presence.claim(of);
  }

  doors(claim: Claim, doors: Init<Doors>): Promise<void> {
    return this.#presence.doors(claim, doors);
  }

  release(claim: Claim): void {
    this.#presence.release(claim);
  }

  /** M5. */
  async find(caller: Caller, asked: string): Promise<readonly Away[]> {
    const key = JSON.stringify([caller, asked]);
    const known = this.#routes.get(key);
    const looked = this.#presence.find(caller, asked).then((found) => {
      this.#routes.delete(key);
      if (found.length > 0) this.#routes.set(key, found);
      for (const oldest of this.#routes.keys()) {
        if (this.#routes.size <= MAX_ROUTES) break;
        this.#routes.delete(oldest);
      }
      return found;
    });
    if (!known) return looked;
    const late = new AbortController();
    const patience = delay(PATIENCE_MS, known, { signal: late.signal }).catch(() => known);
    return Promise.race([looked.catch(() => known), patience]).finally(() => late.abort());
  }

  async admitting(caller: Caller): Promise<readonly Away[]> {
    const [found, relays] = await Promise.all([this.#presence.admitting(caller), this.#living()]);
    return found.filter(({ relay }) => relays.has(relay));
  }

  async away(): Promise<readonly Away[]> {
    const [all, relays] = await Promise.all([this.#presence.all(), this.#living()]);
    return all.flatMap((away) => (relays.has(away.relay) ? [{ ...away, relay: relays.get(away.relay)! }] : []));
  }

  cross(to: Away, crossing: Crossing): Promise<End> {
    return this.#crossings.cross(to.relay, crossing);
  }

  async leave(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#ticks);
    // What is said just before is said.
    await this.#buckets.relays.remove(this.#me, this.#alive).catch(() => {});
    await this.#nc.close();
  }

  /** Relays that live, by id: their names. */
  async #living(): Promise<ReadonlyMap<string, string>> {
    const ids = await this.#buckets.relays.list("*");
    const kept = await Promise.all(
      ids.map(async (id) => [id, (await this.#buckets.relays.get<string>(id))?.value ?? ""] as const),
    );
    return new Map(kept);
  }

  #tell(hint: Hint): void {
    if (!this.#nc.isClosed()) this.#nc.publish(ALL, JSON.stringify(hint));
  }

  #hear(bytes: Uint8Array): void {
    const hint = hintIn(bytes);
    if (hint && "revoked" in hint) this.#lookAtBook().catch(() => {});
    else if (hint && hint.claimed.by !== this.#me) this.#presence.heard(hint.claimed.host, hint.claimed.fence);
  }

  async #lookAtBook(): Promise<void> {
    for (const { kind, id } of await this.book.look()) this.#member.revoked(kind, id);
  }

  /** M1, M3. */
  async #look(): Promise<void> {
    this.#lookedMs = performance.now();
    await this.#lookAtBook();
    await this.#presence.checkAll();
  }

  #tick(): void {
    this.#crossings.beat();
    const now = performance.now();
    const isDue = now - this.#saidMs >= (this.#isFailing ? TICK_MS : ALIVE_MS);
    if (isDue && !this.#isSaying && !this.#isAway) this.#live().catch(() => {});
    if (now - this.#lookedMs >= LOOK_MS && this.isWhole) this.#look().catch(() => {});
  }

  /** M4. */
  async #live(): Promise<void> {
    this.#saidMs = performance.now();
    this.#isSaying = true;
    try {
      this.#alive = await this.#buckets.relays.put(this.#me, this.#name);
      this.#answeredMs = performance.now();
      this.#isFailing = false;
    } catch (fault) {
      this.#isFailing = true;
      const silentMs = performance.now() - Math.max(this.#answeredMs, this.#cameMs);
      if (silentMs >= LEAVE_MS && !this.#isAway && !this.#isOver) {
        this.#cameMs = performance.now();
        this.#parts.log("nats_left", { server: this.#nc.getServer(), why: String(fault) });
        void leaveServer(this.#nc, this.#wish);
      }
      throw fault;
    } finally {
      this.#isSaying = false;
    }
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#nc.status()) {
      if (this.#isOver) return;
      if (type === "disconnect") {
        this.#isAway = true;
        this.#parts.log("nats_away", {});
        this.#crossings.cut();
      } else if (type === "reconnect") {
        this.#isAway = false;
        this.#cameMs = performance.now();
        this.#reconnects++;
        this.#parts.log("nats_back", { server: this.#nc.getServer() });
        this.#back();
      }
    }
  }

  /** M3. */
  #back(): void {
    const again = (): void => {
      if (this.#isAway || this.#isOver) return;
      this.#live()
        .then(() => this.#look())
        .catch(() => setTimeout(again, TICK_MS).unref());
    };
    again();
  }
}

function hintIn(bytes: Uint8Array): Hint | null {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Hint;
  } catch {
    return null;
  }
}
