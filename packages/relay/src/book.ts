/**
 * What a relay writes down: fleets, the tokens that hosts join them with, the hosts that did, and what was revoked. One small file that is replaced
 * whole. Of sessions, operators and what passes through nothing is written.
 *
 *   B1  A host is its key. It needs a token once; its name is its own within its fleet for as long as it is in the book, and no other host's id.
 *   B2  A token is good once, for one host of one fleet, within its time; the book keeps its SHA-256.
 *   B3  What was revoked, a host or a key, stays out until that is undone.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { HoldError } from "@holdfast/protocol";

export interface BookedHost {
  /** First half of its key's SHA-256, hex. */
  readonly id: string;
  readonly name: string;
  readonly fleet: string;
  readonly joinedUnixMs: number;
  readonly isRevoked: boolean;
}

export interface BookedToken {
  readonly hash: string;
  readonly fleet: string;
  /** The name that its host gets; empty: as it wishes. */
  readonly name: string;
  readonly untilUnixMs: number;
}

interface Book {
  readonly hosts: readonly BookedHost[];
  readonly tokens: readonly BookedToken[];
  /** Ids of keys, hex. */
  readonly revokedKeys: readonly string[];
}

const EMPTY: Book = { hosts: [], tokens: [], revokedKeys: [] };
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const ID = /^[0-9a-f]{32}$/;
/** Open at once: each is a door. */
export const MAX_TOKENS = 1_024;
/** Of one fleet. */
const MAX_HOSTS = 100_000;

export interface Revoked {
  readonly kind: "host" | "key";
  readonly id: string;
}

export interface HostWish {
  readonly name: string;
  readonly token: Uint8Array;
}

/** A relay's own, in a file, or the one of its group (nats/book.ts). */
export interface RelayBook {
  readonly hosts: Iterable<BookedHost> | Promise<Iterable<BookedHost>>;
  host(id: string): BookedHost | null | Promise<BookedHost | null>;
  /** No host has joined yet. */
  readonly isEmpty: boolean | Promise<boolean>;
  readonly revokedKeys: readonly string[];
  isRevokedKey(keyId: string): boolean;
  isRevokedHost(id: string): boolean;
  /** Throws `too_many`, or `bad_request` for a name that can't be one. */
  invite(token: Uint8Array, of: Omit<BookedToken, "hash">, nowUnixMs: number): void | Promise<void>;
  /** B1, B2. The host as it is known from now on; throws `revoked`, `invitation_unknown` or `name_taken`. */
  register(id: string, wished: HostWish, nowUnixMs: number): BookedHost | Promise<BookedHost>;
  /** B3. `what`: a host's id, `FLEET/NAME` or unique name, or a key's id; throws `bad_request` for what is neither here. */
  revoke(what: string, undo: boolean): Revoked | Promise<Revoked>;
}

export class FileBook implements RelayBook {
  readonly #path: string | null;
  #book: Book;
  #byId: Map<string, BookedHost>;

  private constructor(path: string | null, book: Book) {
    this.#path = path;
    this.#book = book;
    this.#byId = new Map(book.hosts.map((host) => [host.id, host]));
  }

  /** Null: in memory only. Throws `internal` for a file that can't be read. */
  static open(path: string | null): FileBook {
    if (path === null || !existsSync(path)) return new FileBook(path, EMPTY);
    try {
      const book = JSON.parse(readFileSync(path, "utf8")) as Book;
      if (![book.hosts, book.tokens, book.revokedKeys].every(Array.isArray)) throw new Error("it is no relay's book");
      return new FileBook(path, book);
    } catch (cause) {
      throw new HoldError(
        "internal",
        `${path} can't be read (${(cause as Error).message}); put it right from a copy`,
        {},
        { cause },
      );
    }
  }

  get hosts(): Iterable<BookedHost> {
    return this.#byId.values();
  }

  get isEmpty(): boolean {
    return this.#byId.size === 0;
  }

  host(id: string): BookedHost | null {
    return this.#byId.get(id) ?? null;
  }

  get revokedKeys(): readonly string[] {
    return this.#book.revokedKeys;
  }

  isRevokedKey(keyId: string): boolean {
    return this.#book.revokedKeys.includes(keyId);
  }

  isRevokedHost(id: string): boolean {
    return this.#byId.get(id)?.isRevoked ?? false;
  }

  invite(token: Uint8Array, of: Omit<BookedToken, "hash">, nowUnixMs: number): void {
    checkInvite(of);
    const open = this.#book.tokens.filter((t) => t.untilUnixMs > nowUnixMs);
    if (open.length >= MAX_TOKENS) throw tooManyTokens();
    this.#save({ ...this.#book, tokens: [...open, { ...of, hash: hashOf(token) }] });
  }

  register(id: string, wished: HostWish, nowUnixMs: number): BookedHost {
    const known = this.#byId.get(id);
    if (known?.isRevoked) throw revokedHost(known);
    if (known) return known;
    const hash = hashOf(wished.token);
    const token = this.#book.tokens.find((t) => t.hash === hash && t.untilUnixMs > nowUnixMs);
    if (!token) throw noToken(id);
    const name = nameFor(id, wished, token);
    const inFleet = this.#book.hosts.filter((h) => h.fleet === token.fleet);
    const other = inFleet.find((h) => h.name === name);
    if (other) throw nameTaken(token.fleet, other);
    if (inFleet.length >= MAX_HOSTS) throw new HoldError("too_many", `the fleet ${token.fleet} has ${MAX_HOSTS} hosts`);
    const host: BookedHost = { id, name, fleet: token.fleet, joinedUnixMs: nowUnixMs, isRevoked: false };
    this.#save({ ...this.#book, hosts: [...this.#book.hosts, host], tokens: this.#book.tokens.filter((t) => t !== token) });
    return host;
  }

  revoke(what: string, undo: boolean): Revoked {
    if (isKeyId(what)) {
      const others = this.#book.revokedKeys.filter((key) => key !== what);
      this.#save({ ...this.#book, revokedKeys: undo ? others : [...others, what] });
      return { kind: "key", id: what };
    }
    const found = [...this.hosts].filter((h) => h.id === what || h.name === what || `${h.fleet}/${h.name}` === what);
    const { id } = onlyOf(what, found);
    this.#save({ ...this.#book, hosts: this.#book.hosts.map((h) => (h.id === id ? { ...h, isRevoked: !undo } : h)) });
    return { kind: "host", id };
  }

  #save(book: Book): void {
    if (this.#path !== null) {
      writeFileSync(`${this.#path}.new`, JSON.stringify(book, null, 1), { mode: 0o600, flush: true });
      renameSync(`${this.#path}.new`, this.#path);
    }
    this.#book = book;
    this.#byId = new Map(book.hosts.map((host) => [host.id, host]));
  }
}

export function hashOf(secret: Uint8Array): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Throws `bad_request`. */
export function checkInvite({ fleet, name }: Pick<BookedToken, "fleet" | "name">): void {
  checkName("fleet", fleet);
  if (name !== "") checkName("host", name);
}

/** What a host of this token is called; throws `bad_request`, or `name_taken` for what has the form of another's id. */
export function nameFor(id: string, wished: HostWish, token: Pick<BookedToken, "name">): string {
  const name = token.name || wished.name || id;
  checkName("host", name);
  if (ID.test(name) && name !== id)
    throw new HoldError("name_taken", `${name} has the form of a host's id, and is not this one's; join with another --name`);
  return name;
}

export const isKeyId = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** Throws `bad_request` for none and for several. */
export function onlyOf<H extends Pick<BookedHost, "fleet" | "name">>(what: string, found: readonly H[]): H {
  if (found.length === 1) return found[0]!;
  throw new HoldError(
    "bad_request",
    found.length === 0
      ? `${JSON.stringify(what)} is no host of this relay and no key's id; hold relay hosts and hold relay operators show them`
      : `${what} may be ${found.map((h) => `${h.fleet}/${h.name}`).join(" or ")}; say which`,
  );
}

export function tooManyTokens(): HoldError {
  return new HoldError("too_many", `${MAX_TOKENS} tokens are open; use one, or wait until one is over`);
}

export function revokedHost({ id, name }: Pick<BookedHost, "id" | "name">): HoldError {
  return new HoldError("revoked", `host ${name} (${id}) was revoked at this relay; who runs it may undo that`, { host: id });
}

export function noToken(id: string): HoldError {
  return new HoldError(
    "invitation_unknown",
    `host ${id} is not known here, and its token is none, was used, or is over; who runs the relay makes another with: hold relay invite`,
    { host: id },
  );
}

export function nameTaken(fleet: string, other: Pick<BookedHost, "id" | "name">): HoldError {
  return new HoldError(
    "name_taken",
    `another host of the fleet ${fleet} is called ${other.name} (${other.id}); join with another --name`,
    { host: other.id },
  );
}

function checkName(of: string, name: string): void {
  if (!NAME.test(name))
    throw new HoldError(
      "bad_request",
      `${of} name ${JSON.stringify(name.slice(0, 64))}: lower-case letters, digits and dashes, 63 at most, a letter or digit first`,
    );
}
