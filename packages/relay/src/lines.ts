/**
 * Who is here now: hosts by their lines, whom each lets to its door, and who waits at one. In memory alone: a relay that was killed has it again when
 * the hosts have dialled again.
 *
 *   D1  A host has one line; the newest is it, and the one before is told that it is not. Which is newer its claim says (group.ts).
 *   D2  Nobody learns of a host that it does not admit: not there, not admitted and not connected are one answer.
 *   D3  An offer is taken once, by the host that it was made to, within its time.
 *   D4  Who is not admitted any more is let in no more at once. Tunnels that lead there already have a moment: by them the host tells why.
 *   D5  Who is at the door while the host dials again stays there. A host that was here lately, and admitted them then, is waited for a while; whom it
 *       did not admit learns no more by it than before (D2).
 */
import { randomBytes } from "node:crypto";
import { type Doors, type Error as WireError, HoldError, type Init, type Offer, type RelayWord } from "@holdfast/protocol";
import type { BookedHost } from "./book.ts";
import { type Caller, nameOf } from "./caller.ts";
import type { Claim } from "./group.ts";
import { Roll } from "./roll.ts";

export interface Tunnel {
  readonly caller: Caller;
  /** Where it came from, without its port. */
  readonly from: string;
  /** Whether its host has come to the door. */
  readonly isJoined?: () => boolean;
  end(why: HoldError): void;
}

export interface Line {
  readonly host: BookedHost;
  readonly version: string;
  readonly from: string;
  readonly claim: Claim;
  send(word: NonNullable<Init<RelayWord>["body"]>): void;
  /** Ends it; the host is told why. */
  refuse(why: HoldError): void;
}

interface Entry {
  readonly line: Line;
  readonly sinceUnixMs: number;
  keyIds: ReadonlySet<string>;
  knocks: ReadonlyMap<string, number>;
}

interface Waiting<T> {
  readonly host: string;
  readonly offer: Init<Offer>;
  readonly taken: (by: T) => void;
  readonly refused: (why: HoldError) => void;
}

/** Tunnels of one host at once. */
const MAX_TUNNELS = 4_096;
/** Of one caller at one host. */
const MAX_TUNNELS_EACH = 64;
/** D4. */
const FAREWELL_MS = 500;
/** How long a host may take to come to its door, or to come back. */
const OFFER_MS = 10_000;
/** D5: how long, and how many of them, hosts that have left are remembered; and how many of one caller may wait. */
const LATELY_MS = 10 * 60_000;
const MAX_LATELY = 65_536;
const MAX_AWAITING_EACH = 64;

/** `T`: what takes up an offer. */
export class Lines<T> {
  readonly #entries = new Roll<Entry>();
  /** By host: they are calls of their own, and live as long as those, whatever becomes of the line. */
  readonly #tunnels = new Map<string, Set<Tunnel>>();
  readonly #waiting = new Map<string, Waiting<T>>();
  /** D5. As it was when its line ended. */
  readonly #lately = new Roll<Entry & { readonly untilUnixMs: number }>();
  readonly #awaiting = new Map<string, number>();
  /** By what those who wait call the host: a crowd that waits for others is not woken by this one. */
  readonly #changed = new Map<string, Set<() => void>>();
  readonly #nowUnixMs: () => number;

  constructor(nowUnixMs: () => number) {
    this.#nowUnixMs = nowUnixMs;
  }

  get online(): number {
    return this.#entries.size;
  }

  get tunnels(): number {
    let sum = 0;
    for (const tunnels of this.#tunnels.values()) sum += tunnels.size;
    return sum;
  }

  get entries(): Iterable<Readonly<Entry>> {
    return this.#entries.entries;
  }

  /** By host: also of one that has no line now (D1). */
  get tunnelsByHost(): Iterable<readonly [host: string, tunnels: ReadonlySet<Tunnel>]> {
    return this.#tunnels;
  }

  tunnelsOf(id: string): ReadonlySet<Tunnel> {
    return this.#tunnels.get(id) ?? new Set();
  }

  entry(id: string): Readonly<Entry> | null {
    return this.#entries.get(id) ?? null;
  }

  /** D1. Tunnels of the line before stay, unless the host says that they `stalled`. Throws `fenced` for one that is the older already. */
  open(line: Line, stalled = false): void {
    const { id } = line.host;
    const before = this.#entries.get(id);
    if (line.claim.isLost || (before && before.line.claim.fence > line.claim.fence)) throw fenced(id);
    const lost = stalled ? [...this.tunnelsOf(id)].filter((tunnel) => tunnel.isJoined?.()) : [];
    const { keyIds = new Set<string>(), knocks = new Map<string, number>() } = before ?? {};
    this.#entries.set({ line, sinceUnixMs: this.#nowUnixMs(), keyIds, knocks });
    before?.line.refuse(fenced(id));
    for (const tunnel of lost) tunnel.end(new HoldError("unreachable", `host ${id} has dialled again by another way`));
    for (const { host, offer } of this.#waiting.values()) if (host === id) line.send({ case: "offer", value: offer });
    this.#tellChanged(line.host);
  }

  over(line: Line): void {
    const { id } = line.host;
    const entry = this.#entries.get(id);
    if (entry?.line !== line) return;
    this.#entries.delete(id);
    this.#lately.set({ ...entry, untilUnixMs: this.#nowUnixMs() + LATELY_MS });
    for (const oldest of this.#lately.entries) {
      if (this.#lately.size <= MAX_LATELY) break;
      this.forget(oldest.line.host.id);
    }
    for (const { host, refused } of [...this.#waiting.values()]) if (host === id) refused(notHere(line.host.name));
  }

  /** Nobody waits for a host that is out for good. */
  forget(id: string): void {
    const host = this.#lately.get(id)?.line.host;
    this.#lately.delete(id);
    if (host) this.#tellChanged(host);
  }

  /** D4. */
  setDoors(line: Line, doors: Doors): void {
    const entry = this.#entries.get(line.host.id);
    if (entry?.line !== line) return;
    this.#lately.delete(line.host.id);
    entry.keyIds = new Set(doors.keyIds.map(hex));
    entry.knocks = new Map(doors.invited.map(({ knockHash, untilUnixMs }) => [hex(knockHash), Number(untilUnixMs)]));
    this.#tellChanged(line.host);
    if (this.#outsiders(line.host.id).length === 0) return;
    setTimeout(() => {
      for (const tunnel of this.#outsiders(line.host.id)) tunnel.end(notHere(line.host.name));
    }, FAREWELL_MS).unref();
  }

  /** D4. */
  #outsiders(id: string): Tunnel[] {
    const keyIds = this.#entries.get(id)?.keyIds;
    return [...this.tunnelsOf(id)].filter(({ caller }) => keyIds && "keyId" in caller && !keyIds.has(caller.keyId));
  }

  /** Hosts that admit this caller, here now. */
  admitting(caller: Caller): Line[] {
    return [...this.#entries.entries].filter((entry) => this.#admits(entry, caller)).map(({ line }) => line);
  }

  /** Of those the ones that this id or name means. */
  called(caller: Caller, host: string): Line[] {
    return this.#entries
      .called(host)
      .filter((entry) => this.#admits(entry, caller))
      .map(({ line }) => line);
  }

  #admits({ keyIds, knocks }: Entry, caller: Caller): boolean {
    return "keyId" in caller ? keyIds.has(caller.keyId) : (knocks.get(caller.knockHash) ?? 0) > this.#nowUnixMs();
  }

  /** D2. By id or name; throws `unreachable`, or `bad_request` for a name of several. */
  find(caller: Caller, host: string): Line {
    const found = this.called(caller, host);
    if (found.length === 1) return found[0]!;
    if (found.length === 0) throw notHere(host);
    throw several(
      host,
      found.map((line) => line.host),
    );
  }

  /** D5. As {@link find}, once a host that was here lately, or that may be about to come (within `comingMs`), is here; rejects as it does. */
  async findSoon(
    caller: Caller,
    host: string,
    { gone, comingMs }: { readonly gone: AbortSignal; readonly comingMs: number },
  ): Promise<Line> {
    const name = nameOf(caller);
    const n = this.#awaiting.get(name) ?? 0;
    const until = performance.now() + (this.#wasLately(caller, host) ? OFFER_MS : comingMs);
    if (n >= MAX_AWAITING_EACH) return this.find(caller, host);
    this.#awaiting.set(name, n + 1);
    try {
      for (;;) {
        try {
          return this.find(caller, host);
        } catch (why) {
          const leftMs = until - performance.now();
          const mayCome = (why as HoldError).code === "unreachable" && leftMs > 0 && !gone.aborted;
          if (!mayCome || (comingMs <= 0 && !this.#wasLately(caller, host))) throw why;
          await this.#change(host, leftMs, gone);
        }
      }
    } finally {
      const left = this.#awaiting.get(name)! - 1;
      if (left === 0) this.#awaiting.delete(name);
      else this.#awaiting.set(name, left);
    }
  }

  #wasLately(caller: Caller, host: string): boolean {
    const now = this.#nowUnixMs();
    return this.#lately.called(host).some((entry) => entry.untilUnixMs > now && this.#admits(entry, caller));
  }

  /** Resolves when a host that is called so has come or gone, or lets others in, or else after so long. */
  #change(host: string, mostMs: number, gone: AbortSignal): Promise<void> {
    const waiting = this.#changed.get(host) ?? new Set();
    this.#changed.set(host, waiting);
    return new Promise((resolve) => {
      const over = (): void => {
        clearTimeout(late);
        gone.removeEventListener("abort", over);
        waiting.delete(over);
        if (waiting.size === 0 && this.#changed.get(host) === waiting) this.#changed.delete(host);
        resolve();
      };
      const late = setTimeout(over, mostMs);
      gone.addEventListener("abort", over, { once: true });
      waiting.add(over);
    });
  }

  #tellChanged({ id, name }: BookedHost): void {
    for (const called of [id, name]) for (const told of [...(this.#changed.get(called) ?? [])]) told();
  }

  /** Asks the host to its door. Resolves with what took the offer up; `gone` gives up, with its reason where that is ours. */
  offer(
    line: Line,
    of: { readonly from: string; readonly carrier: string; readonly plain: boolean; readonly gone: AbortSignal },
  ): Promise<T> {
    const id = randomBytes(16);
    const key = hex(id);
    const offer = { id, from: of.from, carrier: of.carrier, plain: of.plain };
    return new Promise<T>((resolve, reject) => {
      const late = setTimeout(
        () => over(new HoldError("timed_out", `host ${line.host.name} did not come to its door in ${OFFER_MS / 1000} s`)),
        OFFER_MS,
      );
      const over = (why: HoldError): void => {
        this.#waiting.delete(key);
        clearTimeout(late);
        reject(why);
      };
      const leave = (): void =>
        over(of.gone.reason instanceof HoldError ? of.gone.reason : new HoldError("cancelled", "who knocked has left"));
      of.gone.addEventListener("abort", leave, { once: true });
      this.#waiting.set(key, {
        host: line.host.id,
        offer,
        taken: (by) => {
          of.gone.removeEventListener("abort", leave);
          this.#waiting.delete(key);
          clearTimeout(late);
          resolve(by);
        },
        refused: over,
      });
      line.send({ case: "offer", value: offer });
    });
  }

  /** D3. Throws `bad_request` where nobody waits for it. */
  take(offer: Uint8Array, by: T): void {
    const waiting = this.#waiting.get(hex(offer));
    if (!waiting) throw new HoldError("bad_request", "nobody is at that door any more");
    waiting.taken(by);
  }

  decline(line: Line, offer: Uint8Array, error: WireError | undefined): void {
    const waiting = this.#waiting.get(hex(offer));
    if (waiting?.host !== line.host.id) return;
    // A host that is too full may be less so in a moment; it says nothing else that its operator's client would act on.
    const code = error?.code === "too_many" ? "too_many" : "not_permitted";
    waiting.refused(new HoldError(code, error?.message || `host ${line.host.name} does not open`, error?.details ?? {}));
  }

  /** Throws `too_many`. What is returned is called when it is over. */
  begin(line: Line, tunnel: Tunnel): () => void {
    const { id } = line.host;
    if (!this.#entries.get(id)) throw notHere(line.host.name);
    const tunnels = this.#tunnels.get(id) ?? new Set<Tunnel>();
    const own = [...tunnels].filter((t) => nameOf(t.caller) === nameOf(tunnel.caller)).length;
    if (tunnels.size >= MAX_TUNNELS || own >= MAX_TUNNELS_EACH)
      throw new HoldError(
        "too_many",
        `${own >= MAX_TUNNELS_EACH ? `${own} tunnels of this key` : `${tunnels.size} tunnels`} lead to ${line.host.name} already`,
      );
    this.#tunnels.set(id, tunnels.add(tunnel));
    return () => {
      tunnels.delete(tunnel);
      if (tunnels.size === 0 && this.#tunnels.get(id) === tunnels) this.#tunnels.delete(id);
    };
  }
}

/** D1. */
export function fenced(host: string): HoldError {
  return new HoldError("fenced", `host ${host} has dialled again: this line of it is over`, { host });
}

/** Of several that may be meant. */
export function several(asked: string, found: readonly { readonly id: string; readonly fleet: string }[]): HoldError {
  return new HoldError(
    "bad_request",
    `several hosts are called ${asked} (${found.map(({ id, fleet }) => `${id} of ${fleet}`).join(", ")}); say its id`,
    { candidates: found.map(({ id }) => id).join(",") },
  );
}

/** D2. */
export function notHere(host: string): HoldError {
  return new HoldError(
    "unreachable",
    `no host ${JSON.stringify(host.slice(0, 64))} that lets you in is connected to this relay now; hold hosts shows those that are`,
  );
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
