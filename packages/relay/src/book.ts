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

interface BookedToken {
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
const MAX_TOKENS = 1_024;
/** Of one fleet. */
const MAX_HOSTS = 100_000;

export class RelayBook {
  readonly #path: string | null;
  #book: Book;
  #byId: Map<string, BookedHost>;

  private constructor(path: string | null, book: Book) {
    this.#path = path;
    this.#book = book;
    this.#byId = new Map(book.hosts.map((host) => [host.id, host]));
  }

  /** Null: in memory only. Throws `internal` for a file that can't be read. */
  static open(path: string | null): RelayBook {
    if (path === null || !existsSync(path)) return new RelayBook(path, EMPTY);
    try {
      const book = JSON.parse(readFileSync(path, "utf8")) as Book;
      if (![book.hosts, book.tokens, book.revokedKeys].every(Array.isArray)) throw new Error("it is no relay's book");
      return new RelayBook(path, book);
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

  host(id: string): BookedHost | null {
    return this.#byId.get(id) ?? null;
  }

  get revokedKeys(): readonly string[] {
    return this.#book.revokedKeys;
  }

  isRevokedKey(keyId: string): boolean {
    return this.#book.revokedKeys.includes(keyId);
  }

  invite(token: Uint8Array, of: Omit<BookedToken, "hash">, nowUnixMs: number): void {
    checkName("fleet", of.fleet);
    if (of.name !== "") checkName("host", of.name);
    const open = this.#book.tokens.filter((t) => t.untilUnixMs > nowUnixMs);
    if (open.length >= MAX_TOKENS)
      throw new HoldError("too_many", `${MAX_TOKENS} tokens are open; use one, or wait until one is over`);
    this.#save({ ...this.#book, tokens: [...open, { ...of, hash: hashOf(token) }] });
  }

  /** B1, B2. The host as it is known from now on; throws `revoked`, `invitation_unknown` or `name_taken`. */
  register(id: string, wished: { readonly name: string; readonly token: Uint8Array }, nowUnixMs: number): BookedHost {
    const known = this.#byId.get(id);
    if (known?.isRevoked)
      throw new HoldError("revoked", `host ${known.name} (${id}) was revoked at this relay; who runs it may undo that`, {
        host: id,
      });
    if (known) return known;
    const hash = hashOf(wished.token);
    const token = this.#book.tokens.find((t) => t.hash === hash && t.untilUnixMs > nowUnixMs);
    if (!token)
      throw new HoldError(
        "invitation_unknown",
        `host ${id} is not known here, and its token is none, was used, or is over; who runs the relay makes another with: hold relay invite`,
        { host: id },
      );
    const name = token.name || wished.name || id;
    checkName("host", name);
    if (ID.test(name) && name !== id)
      throw new HoldError("name_taken", `${name} has the form of a host's id, and is not this one's; join with another --name`);
    const inFleet = this.#book.hosts.filter((h) => h.fleet === token.fleet);
    const other = inFleet.find((h) => h.name === name);
    if (other)
      throw new HoldError(
        "name_taken",
        `another host of the fleet ${token.fleet} is called ${name} (${other.id}); join with another --name`,
        {
          host: other.id,
        },
      );
    if (inFleet.length >= MAX_HOSTS) throw new HoldError("too_many", `the fleet ${token.fleet} has ${MAX_HOSTS} hosts`);
    const host: BookedHost = { id, name, fleet: token.fleet, joinedUnixMs: nowUnixMs, isRevoked: false };
    this.#save({ ...this.#book, hosts: [...this.#book.hosts, host], tokens: this.#book.tokens.filter((t) => t !== token) });
    return host;
  }

  /** B3. `what`: a host's id, `FLEET/NAME` or unique name, or a key's id; throws `bad_request` for what is neither here. */
  revoke(what: string, undo: boolean): { readonly kind: "host" | "key"; readonly id: string } {
    if (/^[0-9a-f]{64}$/.test(what)) {
      const others = this.#book.revokedKeys.filter((key) => key !== what);
      this.#save({ ...this.#book, revokedKeys: undo ? others : [...others, what] });
      return { kind: "key", id: what };
    }
    const found = [...this.hosts].filter((h) => h.id === what || h.name === what || `${h.fleet}/${h.name}` === what);
    if (found.length !== 1)
      throw new HoldError(
        "bad_request",
        found.length === 0
          ? `${JSON.stringify(what)} is no host of this relay and no key's id; hold relay hosts and hold relay operators show them`
          : `${what} may be ${found.map((h) => `${h.fleet}/${h.name}`).join(" or ")}; say which`,
      );
    const { id } = found[0]!;
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

function checkName(of: string, name: string): void {
  if (!NAME.test(name))
    throw new HoldError(
      "bad_request",
      `${of} name ${JSON.stringify(name.slice(0, 64))}: lower-case letters, digits and dashes, 63 at most, a letter or digit first`,
    );
}
