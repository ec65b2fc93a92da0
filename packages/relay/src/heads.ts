/**
 * A relay as a witness: it keeps the newest heads of each host's audit chain, and has the host show that its chain goes on from them. A record of
 * hashes and numbers: nothing of a session follows from it.
 *
 *   H1  A head is kept if the key of the line's host has signed it, and only there.
 *   H2  It goes forward alone. A host that goes back, forks, or shows nothing contradicts what it has signed itself: a conflict, which is kept with
 *       what was there before. From then on nothing newer is kept, until who runs the relay accepts what the host says.
 *   H3  What a line says whose place another has taken is of before, and not held against the host.
 *   H4  So many of one host, whatever it sends: the oldest go. So many words in a while: what is more is passed over.
 */
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import {
  type Alarm,
  type Head,
  headFrom,
  type HeadProof,
  type Heads,
  headWords,
  hexOf,
  type HeadsResponse,
  type Init,
  isAlarm,
  pointOf,
  type SignedHead,
  standing,
} from "@holdfast/protocol";
import type { HeadStore, HostHeads, KeptConflict, KeptHead } from "./head-store.ts";

/** H4. One a minute while something happens: the last hour of it. */
export const MAX_HEADS = 64;
const MAX_CONFLICTS = 8;
const MAX_HEADS_A_WORD = 8;
/** Words at once, and one more each second. */
const WORDS_AT_ONCE = 16;
/** How long a host may take to show what its chain is at the head that it was told at its registration. */
export const SHOW_MS = 30_000;

const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** What is known of a host without reading its file. */
export interface HeadSummary {
  readonly lsn: number;
  readonly atUnixMs: number;
  readonly conflicts: number;
}

/** A host's line, as far as heads are concerned. */
export interface Teller {
  /** The host's. */
  readonly id: string;
  /** Raw public key. */
  readonly key: Uint8Array;
  /** H3. */
  isReplaced(): boolean;
}

export interface HeadTableParts {
  readonly store: HeadStore;
  readonly wallMs: () => number;
  readonly log: (event: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class HeadTable {
  readonly #parts: HeadTableParts;
  /** One after the other for each host: it is read, judged and replaced. */
  readonly #turns = new Map<string, Promise<unknown>>();
  /** Conflicts that were found since this relay runs. */
  conflicts = 0;

  constructor(parts: HeadTableParts) {
    this.#parts = parts;
  }

  of(host: string): Promise<HostHeads | null> {
    return this.#parts.store.get(host);
  }

  async latest(host: string): Promise<SignedHead | null> {
    const kept = (await this.of(host))?.heads.at(-1);
    return kept ? signed(kept) : null;
  }

  async summary(host: string): Promise<HeadSummary | null> {
    const kept = await this.of(host);
    const last = kept?.heads.at(-1);
    return kept && last ? { lsn: last.lsn, atUnixMs: last.atUnixMs, conflicts: kept.conflicts.length } : null;
  }

  /** `asked`: the head that the host is to show its chain at; null: it has done so, or there was none. */
  told(by: Teller, word: Heads, asked: SignedHead | null): Promise<void> {
    return this.#change(by, (kept) => {
      const key = publicKeyOf(by.key);
      const heads = word.heads.slice(0, MAX_HEADS_A_WORD).flatMap((head) => readSigned(key, by.key, "head", head) ?? []);
      return witnessed(kept, {
        heads,
        shown: asked && shownBy(asked, word.proof, (head) => readSigned(key, by.key, "pruning", head)),
        nowUnixMs: this.#parts.wallMs(),
      });
    });
  }

  /** It has not shown anything in time. */
  silent(by: Teller, asked: SignedHead): Promise<void> {
    return this.#change(by, (kept) =>
      witnessed(kept, { heads: [], shown: { of: asked, found: "unshown" }, nowUnixMs: this.#parts.wallMs() }),
    );
  }

  /** H2. The next head that the host says is the newest then. Returns how many conflicts are over by it. */
  async accept(host: string): Promise<number> {
    let over = 0;
    await this.#turn(host, () =>
      this.#parts.store.change(host, (kept) => {
        over = kept?.conflicts.length ?? 0;
        return kept && over > 0 ? { ...kept, heads: [], conflicts: [] } : null;
      }),
    );
    this.#parts.log("heads_accepted", { host, conflicts: over });
    return over;
  }

  #change(by: Teller, next: (kept: HostHeads) => HostHeads): Promise<void> {
    const { id: host, key } = by;
    return this.#turn(host, async () => {
      let found: readonly KeptConflict[] = [];
      try {
        await this.#parts.store.change(host, (had) => {
          found = [];
          if (by.isReplaced()) return null;
          const kept = had ?? { hostKey: hexOf(key), heads: [], conflicts: [] };
          const then = next(kept);
          found = then.conflicts.slice(kept.conflicts.length);
          return then === kept ? null : then;
        });
      } finally {
        // Told also where it could not be kept.
        for (const conflict of found) this.#tell(host, conflict);
      }
    });
  }

  #tell(host: string, { found, had, told }: KeptConflict): void {
    this.conflicts++;
    this.#parts.log("head_conflict", { host, found, hadLsn: had.lsn, hadChain: had.chain, toldLsn: told?.lsn ?? null });
  }

  async #turn(host: string, run: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(host) ?? Promise.resolve()).then(run);
    const settled = turn.catch(() => {});
    this.#turns.set(host, settled);
    try {
      await turn;
    } finally {
      if (this.#turns.get(host) === settled) this.#turns.delete(host);
    }
  }
}

interface Said {
  readonly heads: readonly SignedHead[];
  /** Of what it was asked to show. */
  readonly shown: { readonly of: SignedHead; readonly found: Alarm | null } | null;
  readonly nowUnixMs: number;
}

/** H2, H4. `kept` itself where nothing is new. */
export function witnessed(kept: HostHeads, { heads, shown, nowUnixMs }: Said): HostHeads {
  let now = kept;
  if (shown?.found) now = contradicted(now, { found: shown.found, had: keep(shown.of), told: null, atUnixMs: nowUnixMs });
  for (const head of heads) now = withHead(now, keep(head), nowUnixMs);
  return now;
}

function withHead(kept: HostHeads, head: KeptHead, atUnixMs: number): HostHeads {
  const last = kept.heads.at(-1);
  if (last && head.lsn <= last.lsn) {
    const had = kept.heads.findLast((h) => h.lsn === head.lsn);
    if (had && had.chain !== head.chain) return contradicted(kept, { found: "forked", had, told: head, atUnixMs });
    return head.lsn === last.lsn ? kept : contradicted(kept, { found: "truncated", had: last, told: head, atUnixMs });
  }
  if (kept.conflicts.length > 0) return kept;
  return { ...kept, heads: [...kept.heads, head].slice(-MAX_HEADS) };
}

/** What was said of one head before is no news. */
function contradicted(kept: HostHeads, conflict: KeptConflict): HostHeads {
  const isKnown = kept.conflicts.some(
    ({ found, had }) => found === conflict.found && had.lsn === conflict.had.lsn && had.chain === conflict.had.chain,
  );
  if (isKnown || kept.conflicts.length >= MAX_CONFLICTS) return kept;
  return { ...kept, conflicts: [...kept.conflicts, conflict] };
}

function shownBy(
  asked: SignedHead,
  proof: HeadProof | undefined,
  readPruning: (head: Head) => SignedHead | null,
): { readonly of: SignedHead; readonly found: Alarm | null } {
  if (!proof || Number(proof.lsn) !== asked.lsn) return { of: asked, found: "unshown" };
  const pruned = proof.pruned ? readPruning(proof.pruned) : null;
  const found = standing(pointOf(asked), {
    lastLsn: Number(proof.lastLsn),
    chain: proof.chain.length === 32 ? hexOf(proof.chain) : null,
    pruned: pruned && pointOf(pruned),
  });
  return { of: asked, found: isAlarm(found) ? found : null };
}

/** H1. */
function readSigned(key: KeyObject, hostKey: Uint8Array, of: "head" | "pruning", wire: Head): SignedHead | null {
  const head = headFrom(wire);
  return head && verify(null, headWords(of, hostKey, head), key, head.signature) ? head : null;
}

function publicKeyOf(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" });
}

const keep = ({ lsn, chain, atUnixMs, signature }: SignedHead): KeptHead => ({
  ...{ lsn, atUnixMs },
  chain: hexOf(chain),
  signature: hexOf(signature),
});

const signed = ({ lsn, chain, atUnixMs, signature }: KeptHead): SignedHead => ({
  ...{ lsn, atUnixMs },
  chain: Buffer.from(chain, "hex"),
  signature: Buffer.from(signature, "hex"),
});

const onWire = (head: KeptHead): Init<Head> => ({
  lsn: BigInt(head.lsn),
  atUnixMs: BigInt(head.atUnixMs),
  chain: Buffer.from(head.chain, "hex"),
  signature: Buffer.from(head.signature, "hex"),
});

export function headsOnWire(host: string, kept: HostHeads | null): Init<HeadsResponse> {
  return {
    host,
    hostKey: Buffer.from(kept?.hostKey ?? "", "hex"),
    heads: (kept?.heads ?? []).map(onWire),
    conflicts: (kept?.conflicts ?? []).map(({ found, had, told, atUnixMs }) => ({
      ...{ found, had: onWire(had), atUnixMs: BigInt(atUnixMs) },
      ...(told ? { told: onWire(told) } : {}),
    })),
  };
}

/** H4, of one line. */
export class HeadWords {
  readonly #nowMs: () => number;
  #left = WORDS_AT_ONCE;
  #sinceMs: number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  mayCome(): boolean {
    const now = this.#nowMs();
    this.#left = Math.min(WORDS_AT_ONCE, this.#left + Math.max(0, now - this.#sinceMs) / 1000);
    this.#sinceMs = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
