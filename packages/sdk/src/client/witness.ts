/**
 * A client as a witness: it keeps the newest head of each host that it speaks to, and has the host show that its record goes on from it.
 *
 *   W1  A head is believed by the signature of the key that this link's host has proven, and kept if it is newer than what is kept.
 *   W2  On each new link the host is shown what is kept, and answers with the chain's value there. Whoever answers something else, or nothing, is
 *       told of: a host whose record was changed may well be silent.
 *   W3  While an alarm stands nothing newer is kept: the evidence stays, and the alarm comes again, until somebody accepts it.
 *   W4  Of heads that come unasked, one in a while is looked at: a host tells one a second at most, and a signature costs more to check than to send.
 *   W5  An alarm ends nothing: the session is live, and its people must reach it.
 */
import {
  type Code,
  create,
  type Head,
  headFrom,
  headOnWire,
  headWords,
  type HeadProof,
  HeadSchema,
  hexOf,
  HoldError,
  isAlarm,
  pointOf,
  type SignedHead,
  type Standing,
  standing,
} from "@holdfast/protocol";
import type { HostWitnessing, WitnessStore } from "../api/witness.ts";
import type { Connection } from "./connection.ts";
import type { Redial } from "./redial.ts";

/** Whether the holder of this raw Ed25519 public key signed `words`. */
export type CheckSignature = (key: Uint8Array, words: Uint8Array, signature: Uint8Array) => boolean | Promise<boolean>;

export interface WitnessParts {
  /** Null: what is seen is known for as long as the client is there. */
  readonly store: WitnessStore | null;
  readonly isSigned: CheckSignature;
  /** Of a host's raw public key. What a host calls itself is a claim. */
  readonly hostIdOf: (key: Uint8Array) => string | Promise<string>;
  /** Monotonic. */
  readonly nowMs: () => number;
}

/** W4. */
const HEAD_EVERY_MS = 250;

/** The link, or what it led to, is gone: who comes after it is asked again. */
const NO_ANSWER: ReadonlySet<Code> = new Set<Code>([
  "unreachable",
  "cancelled",
  "draining",
  "timed_out",
  "revoked",
  "key_revoked",
]);

const says = {
  truncated: "its record ends before it: the newest records were cut off, or the home was put back to an older copy",
  forked:
    "its record has another chain there: records were changed or written anew, or the home was put back to an older copy and went on from there",
  unshown: "it does not show what its record is there",
} as const;

export class Witness {
  readonly #parts: WitnessParts;
  /** By host, what this very client has seen: its store may have been put back with everything else. */
  readonly #own = new Map<string, SignedHead>();
  readonly #tell = new Set<(alarm: HoldError) => void>();
  #alarm: HoldError | null = null;
  #checked: Promise<void> = Promise.resolve();

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  /** W2, on every link that is had from now on. */
  over(redial: Redial): Redial {
    return {
      now: () => redial.now(),
      wallMs: () => redial.wallMs(),
      wait: (...asked) => redial.wait(...asked),
      newId: () => redial.newId(),
      connect: async (resume) => {
        const connection = await redial.connect(resume);
        this.begin(connection);
        return connection;
      },
    };
  }

  begin(connection: Connection): void {
    connection.onHead((head) => this.#told(connection, head));
    this.#checked = this.#check(connection).catch(() => {});
  }

  /** W4. */
  #told(connection: Connection, head: Head): void {
    const now = this.#parts.nowMs();
    if (now - this.#toldMs < HEAD_EVERY_MS) return;
    this.#toldMs = now;
    this.#keep(connection, head).catch(() => {});
  }
  #toldMs = Number.NEGATIVE_INFINITY;

  async checked(): Promise<HoldError | null> {
    await this.#checked;
    return this.#alarm;
  }

  onAlarm(told: (alarm: HoldError) => void): () => void {
    this.#tell.add(told);
    const alarm = this.#alarm;
    if (alarm) queueMicrotask(() => this.#tell.has(told) && told(alarm));
    return () => this.#tell.delete(told);
  }

  async head(connection: Connection): Promise<SignedHead> {
    const { head } = (await connection.callFor("witness", { case: "witness", value: { fresh: true } })).value;
    const signed = await this.#read(connection, head);
    if (!signed) throw new HoldError("bad_request", `what host ${connection.hostId} says is its newest head is not signed by it`);
    await this.#keep(connection, head);
    return signed;
  }

  async compare(connection: Connection, head: SignedHead): Promise<Standing> {
    const value = { seen: headOnWire(head) };
    const { proof } = (await connection.callFor("witness", { case: "witness", value })).value;
    return this.#judge(connection, head, proof);
  }

  async accept(connection: Connection): Promise<{ readonly atHost: boolean }> {
    const atHost = await connection.callFor("done", { case: "witnessAccept", value: {} }).then(
      () => true,
      (fault: unknown) => {
        if (fault instanceof HoldError && (fault.code === "not_permitted" || fault.code === "unsupported")) return false;
        throw fault;
      },
    );
    const { head } = (await connection.callFor("witness", { case: "witness", value: { fresh: true } })).value;
    const signed = await this.#read(connection, head);
    if (!signed) throw new HoldError("bad_request", `what host ${connection.hostId} says is its newest head is not signed by it`);
    this.#alarm = null;
    const id = await this.#parts.hostIdOf(connection.hostKey);
    this.#own.set(id, signed);
    await this.#parts.store?.put(id, signed);
    return { atHost };
  }

  /** W1. */
  async #read({ hostKey }: Connection, head: Head | undefined): Promise<SignedHead | null> {
    const read = headFrom(head);
    return read && (await this.#parts.isSigned(hostKey, headWords("head", hostKey, read), read.signature)) ? read : null;
  }

  /** The newest that this client or another of its store has seen. */
  async #seen({ hostKey }: Connection): Promise<SignedHead | null> {
    const id = await this.#parts.hostIdOf(hostKey);
    const own = this.#own.get(id) ?? null;
    const stored = (await this.#parts.store?.get(id)) ?? null;
    return own && stored ? (own.lsn >= stored.lsn ? own : stored) : (own ?? stored);
  }

  async #check(connection: Connection): Promise<void> {
    const kept = await this.#seen(connection);
    // A file that was damaged, or is another's, is no evidence.
    const seen = kept && (await this.#read(connection, create(HeadSchema, headOnWire(kept)))) ? kept : null;
    let answer: { readonly head?: Head | undefined; readonly proof?: HeadProof | undefined };
    try {
      const value = seen ? { seen: headOnWire(seen) } : {};
      answer = (await connection.callFor("witness", { case: "witness", value })).value;
    } catch (fault) {
      if (!(fault instanceof HoldError) || NO_ANSWER.has(fault.code)) return;
      // An older host, or a grant that is good for less: nothing was promised by it.
      if (seen) this.#raise(connection, seen, "unshown", `: it answers [${fault.code}] ${fault.message}`);
      return;
    }
    const found = seen && (await this.#judge(connection, seen, answer.proof));
    if (seen && found && isAlarm(found)) {
      this.#own.set(await this.#parts.hostIdOf(connection.hostKey), seen);
      return this.#raise(connection, seen, found);
    }
    await this.#keep(connection, answer.head);
  }

  async #judge({ hostKey }: Connection, seen: SignedHead, proof: HeadProof | undefined): Promise<Standing> {
    if (!proof || Number(proof.lsn) !== seen.lsn) return "unshown";
    const claimed = headFrom(proof.pruned);
    const isSigned = claimed && (await this.#parts.isSigned(hostKey, headWords("pruning", hostKey, claimed), claimed.signature));
    return standing(pointOf(seen), {
      lastLsn: Number(proof.lastLsn),
      chain: proof.chain.length === 32 ? hexOf(proof.chain) : null,
      pruned: claimed && isSigned ? pointOf(claimed) : null,
    });
  }

  /** W1, W3. */
  async #keep(connection: Connection, head: Head | undefined): Promise<void> {
    const read = await this.#read(connection, head);
    if (!read || this.#alarm) return;
    const id = await this.#parts.hostIdOf(connection.hostKey);
    if ((this.#own.get(id)?.lsn ?? 0) >= read.lsn) return;
    this.#own.set(id, read);
    await this.#parts.store?.put(id, read);
  }

  #raise({ hostId }: Connection, seen: SignedHead, found: keyof typeof says, more = ""): void {
    const at = new Date(seen.atUnixMs).toISOString();
    this.#alarm = new HoldError(
      "witness_contradicted",
      `the record of host ${hostId} is not the one that was seen here: head ${hexOf(seen.chain).slice(0, 16)} of record ${seen.lsn}, signed ${at}, and ${says[found]}${more}. What runs there goes on, and is reached as ever. Keep a copy of the host's home, look with \`hold audit verify\` there; if a copy was put back on purpose: hold audit accept`,
      { host: hostId, found, lsn: String(seen.lsn), chain: hexOf(seen.chain), signedAt: at },
    );
    for (const told of [...this.#tell]) told(this.#alarm);
  }
}

/** For the client's {@link HostWitnessing}. */
export function witnessingOf(witness: Witness, standing: () => Promise<Connection>): HostWitnessing {
  return {
    checked: () => witness.checked(),
    onAlarm: (told) => witness.onAlarm(told),
    head: async () => witness.head(await standing()),
    compare: async (head) => witness.compare(await standing(), head),
    accept: async () => witness.accept(await standing()),
  };
}
