/**
 * Who has which host's line, and whom each host lets in, in a bucket of the group: what an operator's relay reads to find a host that is elsewhere.
 *
 *   R1  A host is where it registered last. That is one record, and its revision is the fence: a relay that finds another revision there has lost the
 *       line. It takes nothing back: it writes the record again only where there is none.
 *   R2  A door is of one line: it stands with that line's fence, one that stands with another opens nothing, and a later one is never overwritten.
 *   R3  All that is looked up for one knock is looked up by its whole key, and for a name that nobody has as much as for one that somebody has.
 *   R4  The record says who may know; the relay that has the line knows, and is asked again when somebody comes (lines.ts).
 */
import type { Doors, Init } from "@holdfast/protocol";
import type { Away, Claim, Claimed } from "../group.ts";
import type { Caller } from "../caller.ts";
import type { Bucket, Kept } from "./keys.ts";

type Line = Omit<Away, "id">;

interface Door {
  readonly fence: number;
  /** 0: for as long as it stands. */
  readonly untilUnixMs: number;
}

class OwnClaim implements Claim {
  readonly host: string;
  readonly line: Line;
  fence: number;
  isLost = false;
  wanted: ReadonlyMap<string, number> = new Map();
  /** What stands in the bucket, by its key: until when, and its revision. */
  readonly stands = new Map<string, { readonly untilUnixMs: number; readonly revision: number }>();
  /** What is read and written for it, one after the other: a record that one look writes is no other's to the next. */
  turn: Promise<void> = Promise.resolve();

  constructor(host: string, line: Line, fence: number) {
    this.host = host;
    this.line = line;
    this.fence = fence;
  }
}

export interface PresenceParts {
  readonly me: string;
  readonly keys: Bucket;
  /** Ids of hosts of that name. */
  readonly called: (name: string) => Promise<readonly string[]>;
  readonly wallMs: () => number;
  /** Said to the other relays: this host's line is here now. */
  readonly tell: (host: string, fence: number) => void;
  readonly lost: (claim: Claim) => void;
}

/** Writes under way at once. */
const TOGETHER = 64;
const HOST_ID = /^[0-9a-f]{32}$/;
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const NOBODY = "0".repeat(32);

export class Presence {
  readonly #parts: PresenceParts;
  readonly #claims = new Map<string, OwnClaim>();
  /** Hosts whose record is being written: how often, and the highest fence that was heard of meanwhile. */
  readonly #writing = new Map<string, { n: number; heard: number }>();
  /** Hosts whose record may have been written though nobody answered that it was. */
  readonly #doubted = new Set<string>();

  constructor(parts: PresenceParts) {
    this.#parts = parts;
  }

  async claim({ host, version, from }: Claimed): Promise<Claim> {
    const { keys, me, tell, wallMs } = this.#parts;
    const line = { name: host.name, fleet: host.fleet, version, from, relay: me, sinceUnixMs: wallMs() };
    const writing = this.#writing.get(host.id) ?? { n: 0, heard: 0 };
    this.#writing.set(host.id, writing);
    writing.n++;
    try {
      const fence = await keys.put(`host.${host.id}`, line);
      const claim = new OwnClaim(host.id, line, fence);
      const other = this.#claims.get(host.id);
      if (Math.max(writing.heard, other?.fence ?? 0) > fence) claim.isLost = true;
      else {
        if (other) other.isLost = true;
        this.#claims.set(host.id, claim);
        tell(host.id, fence);
      }
      return claim;
    } catch (fault) {
      this.#doubted.add(host.id);
      throw fault;
    } finally {
      if (--writing.n === 0) this.#writing.delete(host.id);
    }
  }

  /** All at once, or after those before. */
  doors(claim: Claim, doors: Init<Doors>): Promise<void> {
    const own = claim as OwnClaim;
    own.wanted = new Map([
      ...(doors.keyIds ?? []).map((id) => [`key.${hex(id)}`, 0] as const),
      ...(doors.invited ?? []).map((i) => [`knock.${hex(i.knockHash!)}`, Number(i.untilUnixMs ?? 0)] as const),
    ]);
    return this.#turn(own, () => this.#writeDoors(own));
  }

  #turn(claim: OwnClaim, run: () => Promise<void>): Promise<void> {
    claim.turn = claim.turn.catch(() => {}).then(run);
    return claim.turn;
  }

  async #writeDoors(claim: OwnClaim): Promise<void> {
    const { keys } = this.#parts;
    const { wanted, stands, fence, host } = claim;
    if (!this.#isCurrent(claim)) return;
    const more = [...wanted].filter(([key, until]) => stands.get(key)?.untilUnixMs !== until);
    await inTurn(more, async ([key, untilUnixMs]) => {
      const revision = await this.#writeDoor(`${key}.${host}`, { fence, untilUnixMs });
      if (revision !== null) stands.set(key, { untilUnixMs, revision });
    });
    const less = [...stands].filter(([key]) => !wanted.has(key));
    await inTurn(less, async ([key, { revision }]) => {
      await keys.remove(`${key}.${host}`, revision);
      stands.delete(key);
    });
  }

  /** R2. Null: a later line has written it. */
  async #writeDoor(key: string, door: Door): Promise<number | null> {
    const { keys } = this.#parts;
    for (;;) {
      const kept = await keys.get<Door>(key);
      if (kept && kept.value.fence > door.fence) return null;
      const revision = kept ? await keys.update(key, door, kept.revision) : await keys.create(key, door);
      if (revision !== null) return revision;
    }
  }

  release(claim: Claim): void {
    if (this.#claims.get(claim.host) === claim) this.#claims.delete(claim.host);
    // Where NATS is away, nobody finds it by a relay that does not answer for it.
    this.#remove(claim.host, claim.fence).catch(() => {});
  }

  async #remove(host: string, revision: number): Promise<void> {
    try {
      await this.#parts.keys.remove(`host.${host}`, revision);
    } catch (fault) {
      this.#doubted.add(host);
      throw fault;
    }
  }

  /** Another relay says that it has this host's line. */
  heard(host: string, fence: number): void {
    const writing = this.#writing.get(host);
    if (writing) writing.heard = Math.max(writing.heard, fence);
    const claim = this.#claims.get(host);
    if (claim && claim.fence < fence) this.#turn(claim, () => this.#check(claim)).catch(() => {});
  }

  /** R1: after what may have been missed. */
  async checkAll(): Promise<void> {
    await inTurn([...this.#claims.values()], (claim) => this.#turn(claim, () => this.#check(claim)));
    await inTurn([...this.#doubted], (host) => this.#settle(host));
  }

  /** R1. */
  async #check(claim: OwnClaim): Promise<void> {
    const kept = await this.#line(claim.host);
    if (!this.#isCurrent(claim)) return;
    if (kept && kept.revision !== claim.fence) {
      claim.isLost = true;
      this.#claims.delete(claim.host);
      return this.#parts.lost(claim);
    }
    if (!kept && !(await this.#writeAgain(claim))) return this.#check(claim);
    return this.#writeDoors(claim);
  }

  #isCurrent(claim: OwnClaim): boolean {
    return !claim.isLost && this.#claims.get(claim.host) === claim;
  }

  /** R1. False: there is one meanwhile. */
  async #writeAgain(claim: OwnClaim): Promise<boolean> {
    let fence: number | null;
    try {
      fence = await this.#parts.keys.create(`host.${claim.host}`, claim.line);
    } catch (fault) {
      this.#doubted.add(claim.host);
      throw fault;
    }
    if (fence === null) return false;
    // Let go meanwhile, by the revision that it had before.
    if (!this.#isCurrent(claim)) await this.#remove(claim.host, fence);
    else {
      claim.fence = fence;
      claim.stands.clear();
    }
    return true;
  }

  /** What nobody here has a line for is not said to be here. */
  async #settle(host: string): Promise<void> {
    // First: who can't be sure of it meanwhile says so anew.
    this.#doubted.delete(host);
    try {
      const kept = await this.#line(host);
      const own = this.#claims.get(host);
      // What is being written may be what was read, and a line's own record is its own to look at: the next look knows.
      if (this.#writing.has(host) || (own && own.fence !== kept?.revision)) this.#doubted.add(host);
      else if (!own && kept?.value.relay === this.#parts.me) await this.#remove(host, kept.revision);
    } catch (fault) {
      this.#doubted.add(host);
      throw fault;
    }
  }

  /** R3. */
  async find(caller: Caller, asked: string): Promise<Away[]> {
    const { called } = this.#parts;
    const isId = HOST_ID.test(asked);
    const named = await called(NAME.test(asked) && !isId ? asked : NOBODY);
    const ids = isId ? [asked] : named;
    const found = await Promise.all((ids.length > 0 ? ids : [NOBODY]).map((id) => this.#open(caller, id)));
    return found.flatMap((away) => (away && (away.name === asked || away.id === asked) ? [away] : []));
  }

  async admitting(caller: Caller): Promise<Away[]> {
    const door = doorOf(caller);
    const ids = (await this.#parts.keys.list(`${door}.*`)).map((key) => key.slice(door.length + 1));
    return (await Promise.all(ids.map((id) => this.#open(caller, id)))).flatMap((a) => a ?? []);
  }

  /** R2. Null: it is not there, is here, or does not let the caller in. */
  async #open(caller: Caller, id: string): Promise<Away | null> {
    const { keys, me, wallMs } = this.#parts;
    const [door, line] = await Promise.all([keys.get<Door>(`${doorOf(caller)}.${id}`), this.#line(id)]);
    if (!door || !line || line.value.relay === me || door.value.fence !== line.revision) return null;
    if (door.value.untilUnixMs !== 0 && door.value.untilUnixMs <= wallMs()) return null;
    return { id, ...line.value };
  }

  #line(id: string): Promise<Kept<Line> | null> {
    return this.#parts.keys.get<Line>(`host.${id}`);
  }

  async all(): Promise<Away[]> {
    const ids = (await this.#parts.keys.list("host.*")).map((key) => key.slice("host.".length));
    const lines = await Promise.all(ids.map(async (id) => ({ id, line: await this.#line(id) })));
    return lines.flatMap(({ id, line }) => (line && line.value.relay !== this.#parts.me ? [{ id, ...line.value }] : []));
  }
}

function doorOf(caller: Caller): string {
  return "keyId" in caller ? `key.${caller.keyId}` : `knock.${caller.knockHash}`;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** So many at once, and the first fault after all have ended. */
async function inTurn<T>(all: readonly T[], run: (one: T) => Promise<void>): Promise<void> {
  const faults: unknown[] = [];
  for (let at = 0; at < all.length; at += TOGETHER) {
    const settled = await Promise.allSettled(all.slice(at, at + TOGETHER).map(run));
    faults.push(...settled.flatMap((s) => (s.status === "rejected" ? [s.reason] : [])));
    if (faults.length > 0) throw faults[0];
  }
}
