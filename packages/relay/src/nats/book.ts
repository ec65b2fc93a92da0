/**
 * The book of a group of relays, in a bucket that all of them read and write (book.ts has what it promises). No relay holds it whole.
 *
 *   K1  A token is bound to the host that shows it first, by one write that only one of several can make; then it is good for no other.
 *   K2  A name is bound in one record for all fleets, by writes that are refused where another came between. It is its host's once that is in the book;
 *       before, for as long as the host's token is.
 *   K3  Whoever begins to join and does not end may do it again, and ends where it would have: each step finds what it made before.
 *   K4  What was revoked is known to every relay, and looked up again where it counts.
 *   K5  No host is told that it is unknown, or that a name is free, by a node of NATS that does not know all (keys.ts, S1).
 */
import {
  type BookedHost,
  type BookedToken,
  checkInvite,
  hashOf,
  type HostWish,
  isKeyId,
  MAX_TOKENS,
  nameFor,
  nameTaken,
  noToken,
  onlyOf,
  type RelayBook,
  type Revoked,
  revokedHost,
  tooManyTokens,
} from "../book.ts";
import type { Bucket, Kept } from "./keys.ts";

/** Under the host's id. */
type HostRecord = Pick<BookedHost, "name" | "fleet" | "joinedUnixMs">;
/** Under the token's hash. `host`: that it is bound to; empty: none yet. */
type TokenRecord = Omit<BookedToken, "hash"> & { readonly host: string };
/** Under the name: who has it, by fleet. */
type NameRecord = Readonly<Record<string, { readonly host: string; readonly token: string }>>;

/** Of one record that several write at once: each turn one of them is through. */
const MAX_TURNS = 64;

export class NatsBook implements RelayBook {
  readonly #keys: Bucket;
  readonly #tell: () => void;
  #revoked: ReadonlySet<string> = new Set();

  /** `tell`: called when the other relays should look what was revoked. */
  constructor(keys: Bucket, tell: () => void) {
    this.#keys = keys;
    this.#tell = tell;
  }

  /** K4. Resolves with what is newly revoked. */
  async look(): Promise<readonly Revoked[]> {
    const before = this.#revoked;
    this.#revoked = new Set((await this.#keys.list("revoked.*.*")).map((key) => key.slice("revoked.".length)));
    return [...this.#revoked].filter((of) => !before.has(of)).map(revokedOf);
  }

  get revokedKeys(): readonly string[] {
    return [...this.#revoked].map(revokedOf).flatMap(({ kind, id }) => (kind === "key" ? [id] : []));
  }

  isRevokedKey(keyId: string): boolean {
    return this.#revoked.has(`key.${keyId}`);
  }

  isRevokedHost(id: string): boolean {
    return this.#revoked.has(`host.${id}`);
  }

  get hosts(): Promise<Iterable<BookedHost>> {
    return this.#all();
  }

  get isEmpty(): Promise<boolean> {
    return this.#keys.list("host.*").then((keys) => keys.length === 0);
  }

  async #all(): Promise<BookedHost[]> {
    const ids = (await this.#keys.list("host.*")).map((key) => key.slice("host.".length));
    const hosts = await Promise.all(ids.map((id) => this.host(id)));
    return hosts.flatMap((host) => (host ? [host] : []));
  }

  async host(id: string): Promise<BookedHost | null> {
    const host = await this.#host(id);
    return host && { ...host, isRevoked: this.isRevokedHost(id) };
  }

  async #host(id: string): Promise<BookedHost | null> {
    const kept = await this.#keys.get<HostRecord>(`host.${id}`);
    return kept && { id, isRevoked: false, ...kept.value };
  }

  async invite(token: Uint8Array, of: Omit<BookedToken, "hash">, nowUnixMs: number): Promise<void> {
    checkInvite(of);
    if ((await this.#openTokens(nowUnixMs)) >= MAX_TOKENS) throw tooManyTokens();
    await this.#keys.create(`token.${hashOf(token)}`, { ...of, host: "" } satisfies TokenRecord);
  }

  /** How many there are; where there are too many, those that are over are let go first. */
  async #openTokens(nowUnixMs: number): Promise<number> {
    const keys = await this.#keys.list("token.*");
    if (keys.length < MAX_TOKENS) return keys.length;
    const all = await Promise.all(keys.map(async (key) => ({ key, kept: await this.#keys.get<TokenRecord>(key) })));
    const over = all.filter(({ kept }) => kept && kept.value.untilUnixMs <= nowUnixMs);
    await Promise.all(over.map(({ key, kept }) => this.#keys.remove(key, kept!.revision)));
    return keys.length - over.length;
  }

  async register(id: string, wished: HostWish, nowUnixMs: number): Promise<BookedHost> {
    const known = (await this.#known(id, wished)) ?? (await this.#surelyKnown(id, wished));
    if (known) return known;
    const hash = hashOf(wished.token);
    const token = await this.#bound(hash, id, nowUnixMs);
    if (!token) throw noToken(id);
    const name = nameFor(id, wished, token.value);
    await this.#nameTo(name, { fleet: token.value.fleet, host: id, token: hash }, nowUnixMs);
    const record: HostRecord = { name, fleet: token.value.fleet, joinedUnixMs: nowUnixMs };
    await this.#keys.create(`host.${id}`, record);
    await this.#keys.remove(`token.${hash}`, token.revision);
    return (await this.#host(id))!;
  }

  /** K4. */
  async #known(id: string, wished: HostWish): Promise<BookedHost | null> {
    const [known, revoked] = await Promise.all([this.#host(id), this.#keys.get(`revoked.host.${id}`)]);
    if (revoked) throw revokedHost(known ?? { id, name: wished.name });
    return known;
  }

  /** K5. */
  async #surelyKnown(id: string, wished: HostWish): Promise<BookedHost | null> {
    await this.#keys.settle();
    return this.#known(id, wished);
  }

  /** K1. Null: it is none, over, or another's. */
  async #bound(hash: string, host: string, nowUnixMs: number): Promise<Kept<TokenRecord> | null> {
    const kept = await this.#keys.get<TokenRecord>(`token.${hash}`);
    if (!kept || kept.value.untilUnixMs <= nowUnixMs) return null;
    if (kept.value.host !== "") return kept.value.host === host ? kept : null;
    const value: TokenRecord = { ...kept.value, host };
    const revision = await this.#keys.update(`token.${hash}`, value, kept.revision);
    return revision === null ? null : { value, revision };
  }

  /** K2. Throws `name_taken`. */
  async #nameTo(
    name: string,
    { fleet, host, token }: { readonly fleet: string; readonly host: string; readonly token: string },
    nowUnixMs: number,
  ): Promise<void> {
    const key = `name.${name}`;
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      const kept = await this.#keys.get<NameRecord>(key);
      const holder = kept?.value[fleet];
      if (holder?.host === host && holder.token === token) return;
      if (holder && holder.host !== host && (await this.#isHeld(holder, nowUnixMs)))
        throw nameTaken(fleet, { id: holder.host, name });
      const value: NameRecord = { ...kept?.value, [fleet]: { host, token } };
      const revision = kept ? await this.#keys.update(key, value, kept.revision) : await this.#keys.create(key, value);
      if (revision !== null) return;
    }
    throw nameTaken(fleet, { id: host, name });
  }

  /** K2: by a host that is in the book, or that may still come into it. */
  async #isHeld({ host, token }: NameRecord[string], nowUnixMs: number): Promise<boolean> {
    if (await this.#host(host)) return true;
    const kept = await this.#keys.get<TokenRecord>(`token.${token}`);
    // Once more: it may have come into the book, and its token gone, between the two looks.
    if (!kept) return (await this.#host(host)) !== null;
    return kept.value.host === host && kept.value.untilUnixMs > nowUnixMs;
  }

  async revoke(what: string, undo: boolean): Promise<Revoked> {
    const revoked: Revoked = isKeyId(what) ? { kind: "key", id: what } : { kind: "host", id: (await this.#meant(what)).id };
    const key = `revoked.${revoked.kind}.${revoked.id}`;
    const kept = await this.#keys.get(key);
    if (undo && kept) await this.#keys.remove(key, kept.revision);
    else if (!undo && !kept) await this.#keys.create(key, {});
    await this.look();
    this.#tell();
    return revoked;
  }

  async #meant(what: string): Promise<BookedHost> {
    const byId = /^[0-9a-f]{32}$/.test(what) ? await this.#host(what) : null;
    if (byId) return byId;
    const [, fleet, name = ""] = /^(?:([a-z0-9-]+)\/)?([a-z0-9-]+)$/.exec(what) ?? [];
    const hosts = await Promise.all((name === "" ? [] : await this.called(name)).map((id) => this.#host(id)));
    return onlyOf(
      what,
      hosts.flatMap((host) => (host && host.name === name && (fleet ?? host.fleet) === host.fleet ? [host] : [])),
    );
  }

  /** Ids of hosts of that name, or that are on their way to it: one of each fleet at most. */
  async called(name: string): Promise<readonly string[]> {
    const kept = await this.#keys.get<NameRecord>(`name.${name}`);
    return Object.values(kept?.value ?? {}).map(({ host }) => host);
  }
}

function revokedOf(text: string): Revoked {
  const [kind = "", id = ""] = text.split(".");
  return { kind: kind === "host" ? "host" : "key", id };
}
