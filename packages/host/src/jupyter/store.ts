/**
 * What the endpoint keeps over the host's lives, in one file: where it is, hashes of its tokens, and which documents its kernels are of.
 *
 *   T1  A token is its operator's, for an hour from its last use, and for this endpoint alone. Only its hash is kept; no log has it.
 *   T2  It is void with its operator, with the key that asked for it, and when the endpoint is closed.
 *   T3  A document is what a client says that a kernel is for: its path may be of no file.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { OperatorRegistry, RegisteredOperator } from "../operator/registry.ts";
import { storeDurably } from "../operator/store.ts";

/** T1. */
export const TOKEN_MS = 3_600_000;
/** A use this much later than the last one that was written is written. */
const RENEW_MS = 300_000;
/** Of one operator; the one that ends first goes. */
const MAX_TOKENS = 16;
const MAX_DOCUMENTS = 4_096;

interface Token {
  /** SHA-256, hex. */
  readonly hash: string;
  readonly operator: string;
  /** T2; hex, empty: it was not by a key. */
  readonly key: string;
  readonly untilUnixMs: number;
}

/** T3: Jupyter calls it a session. */
export interface Document {
  readonly id: string;
  readonly path: string;
  readonly name: string;
  readonly type: string;
  /** Id of the session with its kernel. */
  readonly session: string;
}

export interface Kept {
  readonly listen: string;
  /** Folder whose files are shown; empty: none. */
  readonly root: string;
  /** K=V: by which kernels are found. */
  readonly env: readonly string[];
  readonly tokens: readonly Token[];
  readonly documents: readonly Document[];
}

const NOTHING: Kept = { listen: "", root: "", env: [], tokens: [], documents: [] };

export class JupyterStore {
  readonly #path: string;
  readonly #now: () => number;
  #kept: Kept;

  constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
    this.#kept = read(path);
  }

  /** `listen` is empty where the endpoint is not open. */
  get kept(): Kept {
    return this.#kept;
  }

  change(change: Partial<Kept>): void {
    const kept = { ...this.#kept, ...change };
    storeDurably(this.#path, kept);
    this.#kept = kept;
  }

  /** T1. `key`: of the caller, hex. */
  mint(operator: string, key: string): { readonly token: string; readonly untilUnixMs: number } {
    const token = randomBytes(24).toString("hex");
    const untilUnixMs = this.#now() + TOKEN_MS;
    const alive = this.#kept.tokens.filter((one) => one.untilUnixMs > this.#now());
    const own = alive.filter((one) => one.operator === operator).sort((a, b) => a.untilUnixMs - b.untilUnixMs);
    const dropped = new Set(own.slice(0, Math.max(0, own.length - MAX_TOKENS + 1)));
    this.change({ tokens: [...alive.filter((one) => !dropped.has(one)), { hash: hashOf(token), operator, key, untilUnixMs }] });
    return { token, untilUnixMs };
  }

  /** Whose it is, and that it is in use; null: it is none, or no more. */
  use(token: string, registry: Pick<OperatorRegistry, "byName" | "byKeyId">): TokenUse | null {
    return this.useAgain(hashOf(token), registry);
  }

  /** The same of one that a connection was opened with. */
  useAgain(hash: string, registry: Pick<OperatorRegistry, "byName" | "byKeyId">): TokenUse | null {
    const found = this.#kept.tokens.find((one) => one.hash === hash);
    const now = this.#now();
    if (!found || found.untilUnixMs <= now) return null;
    const operator = registry.byName(found.operator);
    if (!operator || operator.revoked) return null;
    if (found.key !== "" && !registry.byKeyId(Buffer.from(found.key, "hex"))) return null;
    if (now + TOKEN_MS - found.untilUnixMs > RENEW_MS) this.#renew(found);
    return { operator, key: found.key, hash };
  }

  /** What can't be written now ends when it would have. */
  #renew(token: Token): void {
    const renewed = { ...token, untilUnixMs: this.#now() + TOKEN_MS };
    try {
      this.change({ tokens: this.#kept.tokens.map((one) => (one === token ? renewed : one)) });
    } catch {
      // A full disk keeps nobody out.
    }
  }

  /** T3: the last of a path is what counts; of those that are too many, the oldest goes. */
  keep(document: Document): void {
    const others = this.#kept.documents.filter(({ id }) => id !== document.id);
    this.change({ documents: [...others, document].slice(-MAX_DOCUMENTS) });
  }

  forget(isMeant: (document: Document) => boolean): void {
    const documents = this.#kept.documents.filter((one) => !isMeant(one));
    if (documents.length < this.#kept.documents.length) this.change({ documents });
  }
}

export interface TokenUse {
  readonly operator: RegisteredOperator;
  readonly key: string;
  readonly hash: string;
}

function read(path: string): Kept {
  if (!existsSync(path)) return NOTHING;
  return { ...NOTHING, ...(JSON.parse(readFileSync(path, "utf8")) as Partial<Kept>) };
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
