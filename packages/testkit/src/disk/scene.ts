/** A journal on a simulated disk: seeded randomness, a clock that moves a millisecond a call, drafts with little to say. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import {
  type Disk,
  type Entry,
  type EntryDraft,
  type Gap,
  type Journal,
  type JournalOptions,
  openJournal,
  type VerifyReport,
  verifyJournal,
  type Witness,
} from "@holdfast/host/journal";
import { seededRandom } from "./crash.ts";

/** A fixed key: tests must not depend on which key signs. */
const PKCS8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 7)]);
export const auditKey: Uint8Array = PKCS8;
export const auditPublicKey: Uint8Array = createPublicKey(createPrivateKey({ key: PKCS8, format: "der", type: "pkcs8" })).export({
  type: "spki",
  format: "der",
});

export class Clock {
  wallMs = Date.UTC(2026, 0, 1);
  monoNs = 0n;
  readonly now = (): { wallMs: number; monoNs: bigint } => {
    this.advance(1);
    return { wallMs: this.wallMs, monoNs: this.monoNs };
  };
  advance(ms: number): void {
    this.wallMs += ms;
    this.monoNs += BigInt(ms) * 1_000_000n;
  }
}

export const FOLDER = "/journal";

export function journalOptions(clock: Clock, seed: number, more: Partial<JournalOptions> = {}): JournalOptions {
  const random = seededRandom(seed);
  return {
    folder: FOLDER,
    now: clock.now,
    auditKey,
    segmentBytes: 4096,
    payloadFileBytes: 4096,
    payloadBytes: 16 * 1024,
    reserveBytes: 0,
    randomBytes: (n) => Uint8Array.from({ length: n }, () => 1 + Math.floor(random() * 255)),
    ...more,
  };
}

export function draft(clock: Clock, session: string, payload?: string | Uint8Array, more: Partial<EntryDraft> = {}): EntryDraft {
  return {
    session,
    kind: 1,
    actor: "ana",
    via: "cli",
    meta: Buffer.from("{}"),
    ...clock.now(),
    ...(payload === undefined ? {} : { payload: typeof payload === "string" ? Buffer.from(payload) : payload }),
    ...more,
  };
}

/** What an entry says, for comparing: everything but where it lies. */
export interface Said {
  readonly session: string;
  readonly seq: number;
  readonly lsn: number;
  readonly text: string;
}
export const said = (e: Entry): Said => ({
  session: e.session,
  seq: e.seq,
  lsn: e.lsn,
  text: `${e.kind} ${e.actor} ${e.via} ${e.stream}@${e.offset} ${e.wallMs} ${Buffer.from(e.meta).toString("latin1")}|${e.payloadBytes}|${Buffer.from(e.payload).toString("latin1")}`,
});

export const isGap = (e: Entry | Gap): e is Gap => "gap" in e;

/** Every session's record, read in small bites as a slow client would. */
export function readAll(journal: Journal, session: string, bite = 700): (Entry | Gap)[] {
  const all: (Entry | Gap)[] = [];
  for (let after = 0; ; ) {
    const some = journal.read(session, after, bite);
    const last = some.at(-1);
    if (last === undefined) return all;
    all.push(...some);
    after = isGap(last) ? last.toSeq : last.seq;
  }
}

export const open = (disk: Disk, options: JournalOptions): Journal => openJournal(disk, options);
export const verify = (disk: Disk, witnesses: readonly Witness[] = []): VerifyReport =>
  verifyJournal(disk, FOLDER, auditPublicKey, undefined, witnesses);
