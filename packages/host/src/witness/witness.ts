/**
 * Heads of the chain, handed out to be kept by others, and what others have kept compared with the chain (docs/journal.md, Witnesses).
 *
 *   W1  A head is told when it is durable and no sooner: no power cut makes a liar of this host.
 *   W2  It is told to who asks; to those who stay, and to relays, once a minute while something is recorded, and when a session has ended.
 *   W3  What is brought is looked at only if this host's key has signed it: nobody can make an alarm up.
 *   W4  An alarm is recorded and shown, and stops nothing: what runs must stay in reach of its people.
 */
import { type KeyObject, sign, verify } from "node:crypto";
import {
  create,
  EventBody_HeadContradictedSchema,
  EventBody_WitnessAcceptedSchema,
  type HeadProof,
  headOnWire,
  headWords,
  HoldError,
  type Init,
  isAlarm,
  pointOf,
  type SignedHead,
  standing,
} from "@holdfast/protocol";
import type { Journal } from "../journal/journal.ts";
import { publicKeyFromRaw } from "../operator/key.ts";
import type { Actor } from "../session/book.ts";
import { isJournalFault } from "../session/journal-fault.ts";
import type { Clock } from "../session/ports.ts";
import type { Body } from "../session/record.ts";
import type { Alarms, HeadAlarm } from "./alarms.ts";

export interface WitnessParts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly identity: { readonly key: KeyObject; readonly publicKey: Uint8Array };
  readonly alarms: Alarms;
  readonly record: (by: Actor, body: Body) => void;
  readonly log: (text: string) => void;
}

type Told = (head: SignedHead) => void;

/** W2. */
const EVERY_MS = 60_000;
/** Values of the chain that were signed or looked up lately: who comes back brings one of them, and needs no segment read. */
const MAX_REMEMBERED = 1_024;

export class HostWitness {
  readonly #parts: WitnessParts;
  readonly #publicKey: KeyObject;
  readonly #told = new Set<Told>();
  readonly #remembered = new Map<number, Uint8Array>();
  #last: SignedHead | null = null;
  #toldLsn = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  /** W2: what a session's end was recorded by. */
  #soonLsn: number | null = null;

  constructor(parts: WitnessParts) {
    this.#parts = parts;
    this.#publicKey = publicKeyFromRaw(parts.identity.publicKey);
  }

  get alarms(): readonly HeadAlarm[] {
    return this.#parts.alarms.all;
  }

  /** W1. Null until this life's first sync. */
  current(): SignedHead | null {
    const { journal, clock } = this.#parts;
    const durable = journal.durableHead;
    if (durable === null) return null;
    if (this.#last?.lsn === durable.lsn) return this.#last;
    this.#remember(durable.lsn, durable.chain);
    return (this.#last = this.#signed("head", { ...durable, atUnixMs: Math.trunc(clock.wallMs()) }));
  }

  /** The head of all that is recorded by now. Rejects with the journal's fault where it can't be made durable. */
  async fresh(): Promise<SignedHead> {
    const { journal } = this.#parts;
    await journal.durable(journal.lastLsn);
    return this.current()!;
  }

  #signed(of: "head" | "pruning", point: Omit<SignedHead, "signature">): SignedHead {
    const { key, publicKey } = this.#parts.identity;
    return { ...point, signature: sign(null, headWords(of, publicKey, point), key) };
  }

  /** Until what is returned is called. */
  onHead(told: Told): () => void {
    this.#told.add(told);
    return () => this.#told.delete(told);
  }

  /** W2. Called about each second. */
  look(): void {
    const { journal, clock } = this.#parts;
    const durableLsn = journal.durableHead?.lsn ?? 0;
    const isSoon = this.#soonLsn !== null && durableLsn >= this.#soonLsn;
    if (durableLsn <= this.#toldLsn || (!isSoon && clock.monoMs() - this.#toldMs < EVERY_MS)) return;
    if (isSoon) this.#soonLsn = null;
    this.#toldLsn = durableLsn;
    this.#toldMs = clock.monoMs();
    const head = this.current()!;
    for (const told of [...this.#told]) told(head);
  }

  /** W2: what was recorded just now is not left for the next minute; it is put under a seal too. */
  soon(): void {
    const { journal, log } = this.#parts;
    this.#soonLsn = journal.lastLsn;
    try {
      journal.tick();
    } catch (fault) {
      if (!isJournalFault(fault)) throw fault;
      log(`journal: ${fault.message}`);
    }
  }

  /** W3, W4. What the chain is there now; throws `bad_request` for a head that this host has not signed. */
  present(head: SignedHead, by: string): Init<HeadProof> {
    const { journal, identity, clock } = this.#parts;
    if (!verify(null, headWords("head", identity.publicKey, head), this.#publicKey, head.signature))
      throw new HoldError(
        "bad_request",
        `the head of record ${head.lsn} is not signed by this host; it is another's, or was changed`,
      );
    const { lastLsn, pruned } = journal;
    const chain = this.#chainAt(head.lsn);
    const found = standing(pointOf(head), {
      lastLsn,
      chain: chain && pointOf({ lsn: head.lsn, chain }).chain,
      pruned: pruned && pointOf(pruned),
    });
    if (isAlarm(found) && this.#parts.alarms.isNews(head))
      this.#raise({
        ...{ found, ...pointOf(head), headUnixMs: head.atUnixMs, lastLsn, by },
        atUnixMs: Math.trunc(clock.wallMs()),
      });
    return {
      ...{ lsn: BigInt(head.lsn), lastLsn: BigInt(lastLsn), chain: chain ?? new Uint8Array(0) },
      ...(found === "pruned" && pruned
        ? { pruned: headOnWire(this.#signed("pruning", { ...pruned, atUnixMs: Math.trunc(clock.wallMs()) })) }
        : {}),
    };
  }

  #chainAt(lsn: number): Uint8Array | null {
    const { journal } = this.#parts;
    const known = this.#remembered.get(lsn);
    if (known) return known;
    const chain = lsn > journal.lastLsn ? null : journal.chainAt(lsn);
    if (chain) this.#remember(lsn, chain);
    return chain;
  }

  #remember(lsn: number, chain: Uint8Array): void {
    this.#remembered.set(lsn, chain);
    if (this.#remembered.size > MAX_REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value!);
  }

  #raise(alarm: HeadAlarm): void {
    const { log } = this.#parts;
    log(`witness: ${alarmText(alarm)}`);
    try {
      this.#parts.alarms.add(alarm);
    } catch (fault) {
      log(`witness: the alarm can't be kept: ${String(fault)}`);
    }
    this.#record(
      { id: "system:host", via: "host" },
      {
        case: "headContradicted",
        value: create(EventBody_HeadContradictedSchema, {
          ...{ found: alarm.found, by: alarm.by, lsn: BigInt(alarm.lsn), chain: Buffer.from(alarm.chain, "hex") },
          ...{ headUnixMs: BigInt(alarm.headUnixMs), lastLsn: BigInt(alarm.lastLsn) },
        }),
      },
    );
  }

  /** W4: also where the journal is frozen. */
  #record(by: Actor, body: Body): void {
    try {
      this.#parts.record(by, body);
    } catch (fault) {
      if (!isJournalFault(fault)) throw fault;
    }
  }

  /** Returns how many alarms are over by it. */
  accept(by: Actor): number {
    const { alarms, clock, record } = this.#parts;
    record(by, {
      case: "witnessAccepted",
      value: create(EventBody_WitnessAcceptedSchema, { alarms: alarms.all.length }),
    });
    return alarms.accept(Math.trunc(clock.wallMs()));
  }
}

export function alarmText({ found, lsn, chain, headUnixMs, lastLsn, by }: HeadAlarm): string {
  const head = `head ${chain.slice(0, 16)} of record ${lsn}, signed ${new Date(headUnixMs).toISOString()} and kept by ${by}`;
  const says = {
    truncated: `the record ends at ${lastLsn}: what came after was cut off, or the home is an older copy`,
    forked:
      "the record has another chain there: records up to it are not what they were, or the home is an older copy that went on",
    unshown: "the record does not show what it was there",
  } as const;
  return `${found}: ${says[found]} (${head})`;
}
