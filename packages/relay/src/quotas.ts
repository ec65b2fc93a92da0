/**
 * What one fleet may have of a relay, so that it leaves room for the others: hosts here at once, tunnels, and bytes a second. Counted at each relay
 * by itself. What was set is written to one small file that is replaced whole; what is counted is in memory alone.
 *
 *   Q1  A host that dials again is the one that it was. Lowered bounds put nobody out: they bind who comes next.
 *   Q2  Bytes are counted in both directions. A fleet that is beyond its rate waits, all of its tunnels alike, and loses nothing; what it has
 *       not used is saved up for {@link BURST_S}, and no longer. The usual rate binds only while another fleet is here.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { HoldError } from "@holdfast/protocol";

export interface FleetLimits {
  readonly hosts: number;
  readonly tunnels: number;
  /** 0: as many as pass. */
  readonly bytesPerSecond: number;
}

/** A relay takes 65,536 connections, and a gigabit line carries 119 MiB/s: no fleet has half of either without somebody's word. */
export const USUAL_LIMITS: FleetLimits = { hosts: 10_000, tunnels: 16_384, bytesPerSecond: 48 * 1024 * 1024 };
const BURST_S = 1;
const FLEET = /^[a-z0-9][a-z0-9-]{0,62}$/;

interface Fleet {
  /** By id, how many lines it has: two for a moment, when it dials again. */
  readonly hosts: Map<string, number>;
  tunnels: number;
  passedBytes: number;
  /** Q2: below 0, what was passed ahead of time. */
  spareBytes: number;
  atMs: number;
}

export class Quotas {
  readonly #path: string | null;
  readonly #nowMs: () => number;
  readonly #set: Map<string, Partial<FleetLimits>>;
  readonly #fleets = new Map<string, Fleet>();
  /** How long tunnels have waited for their fleet's share, all together. */
  waitedMs = 0;
  #fleetsHere = 0;

  private constructor(path: string | null, set: Map<string, Partial<FleetLimits>>, nowMs: () => number) {
    this.#path = path;
    this.#set = set;
    this.#nowMs = nowMs;
  }

  /** Null: in memory only. Throws `internal` for a file that can't be read. */
  static open(path: string | null, nowMs: () => number = () => performance.now()): Quotas {
    if (path === null || !existsSync(path)) return new Quotas(path, new Map(), nowMs);
    try {
      return new Quotas(path, new Map(Object.entries(JSON.parse(readFileSync(path, "utf8")) as object)), nowMs);
    } catch (cause) {
      const why = `${path} can't be read (${(cause as Error).message}); put it right, or take it away`;
      throw new HoldError("internal", why, {}, { cause });
    }
  }

  limitsOf(fleet: string): FleetLimits {
    return { ...USUAL_LIMITS, ...this.#set.get(fleet) };
  }

  /** Of what is given. Nothing given: as usual again. Throws `bad_request` for what is no fleet's name. */
  set(fleet: string, limits: Partial<FleetLimits>): FleetLimits {
    if (!FLEET.test(fleet))
      throw new HoldError("bad_request", `fleet name ${JSON.stringify(fleet.slice(0, 64))}: as in hold relay invite --fleet`);
    if (Object.keys(limits).length === 0) this.#set.delete(fleet);
    else this.#set.set(fleet, { ...this.#set.get(fleet), ...limits });
    if (this.#path !== null) {
      writeFileSync(`${this.#path}.new`, JSON.stringify(Object.fromEntries(this.#set), null, 1), { mode: 0o600, flush: true });
      renameSync(`${this.#path}.new`, this.#path);
    }
    return this.limitsOf(fleet);
  }

  /** Fleets that bounds were set for, or that are here. */
  get fleets(): readonly string[] {
    return [...new Set([...this.#set.keys(), ...this.#fleets.keys()])].toSorted();
  }

  usedBy(fleet: string): { readonly hosts: number; readonly tunnels: number; readonly passedBytes: number } {
    const { hosts, tunnels, passedBytes } = this.#fleets.get(fleet) ?? { hosts: new Map(), tunnels: 0, passedBytes: 0 };
    return { hosts: hosts.size, tunnels, passedBytes };
  }

  /** How near the fleet is to its bounds that is nearest: 1 is there. */
  get fullest(): number {
    const shares = [...this.#fleets].flatMap(([fleet, { hosts, tunnels }]) => {
      const most = this.limitsOf(fleet);
      return [hosts.size / Math.max(1, most.hosts), tunnels / Math.max(1, most.tunnels)];
    });
    return Math.max(0, ...shares);
  }

  /** Q1. Throws `too_many`. What is returned is called when its line is over. */
  host(fleet: string, id: string): () => void {
    const { hosts } = this.#of(fleet);
    const most = this.limitsOf(fleet).hosts;
    if (!hosts.has(id) && hosts.size >= most)
      throw new HoldError("too_many", `${hosts.size} hosts of the fleet ${fleet} are here, the most that it may have at once`);
    if (hosts.size === 0) this.#fleetsHere++;
    hosts.set(id, (hosts.get(id) ?? 0) + 1);
    return once(() => {
      const left = hosts.get(id)! - 1;
      if (left > 0) return void hosts.set(id, left);
      hosts.delete(id);
      if (hosts.size === 0) this.#fleetsHere--;
    });
  }

  /** Throws `too_many`. What is returned is called when it is over. */
  tunnel(fleet: string): () => void {
    const of = this.#of(fleet);
    if (of.tunnels >= this.limitsOf(fleet).tunnels)
      throw new HoldError(
        "too_many",
        `${of.tunnels} tunnels lead to hosts of the fleet ${fleet}, the most that it may have at once`,
      );
    of.tunnels++;
    return once(() => of.tunnels--);
  }

  /** Q2. These were passed on: how long until the next may be, milliseconds; 0: now. */
  passed(fleet: string, bytes: number): number {
    const of = this.#of(fleet);
    of.passedBytes += bytes;
    const rate = this.#rateOf(fleet);
    if (rate === 0) return 0;
    const now = this.#nowMs();
    of.spareBytes = Math.min(rate * BURST_S, of.spareBytes + ((now - of.atMs) / 1000) * rate) - bytes;
    of.atMs = now;
    const waitMs = of.spareBytes >= 0 ? 0 : Math.ceil((-of.spareBytes / rate) * 1000);
    this.waitedMs += waitMs;
    return waitMs;
  }

  #rateOf(fleet: string): number {
    const set = this.#set.get(fleet)?.bytesPerSecond;
    return set ?? (this.#fleetsHere > 1 ? USUAL_LIMITS.bytesPerSecond : 0);
  }

  #of(fleet: string): Fleet {
    let of = this.#fleets.get(fleet);
    if (!of) {
      of = { hosts: new Map(), tunnels: 0, passedBytes: 0, spareBytes: 0, atMs: Number.NEGATIVE_INFINITY };
      this.#fleets.set(fleet, of);
    }
    return of;
  }
}

function once(run: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    run();
  };
}
