/**
 * The book of one session: its records, and the facts that they fold into. Everything that is known about a session is here or
 * follows from it.
 *
 *   B1  A record's seq is given in the turn of the loop in which it is decided; nothing awaits between decision and record.
 *   B2  Who is told of a record is told in that turn, after it was folded, in one order.
 * Elsewhere: storage (journal/), what the facts are (core/session).
 */
import { session as sessionRoom, type SessionFacts } from "@holdfast/core";
import type { Entry, Gap } from "../journal/journal.ts";
import { isJournalFault } from "./journal-fault.ts";
import type { SessionPorts } from "./ports.ts";
import { decodeBody, encodeBody, folded, kindOf, OUTPUT_KIND, type Body } from "./record.ts";

const NOTHING = new Uint8Array(0);

/** Who did something, and through which interface. */
export interface Actor {
  readonly id: string;
  readonly via: string;
}

/** Told of every record, after it was folded. `payload`: valid during the call. */
export type Listener = (entry: Entry, body: Body | null, payload: Uint8Array) => void;

export type ReadItem = { readonly entry: Entry; readonly body: Body | null } | Gap;

export class Book {
  readonly id: string;
  readonly #ports: Pick<SessionPorts, "journal" | "clock" | "log">;
  readonly #first: Listener;
  readonly #listeners = new Set<Listener>();
  #facts: SessionFacts;
  #position: number;
  #lastLsn = 0;

  /** `first`: told of each record before any other listener. */
  constructor(id: string, ports: Pick<SessionPorts, "journal" | "clock" | "log">, facts: SessionFacts | null, first: Listener) {
    this.id = id;
    this.#ports = ports;
    this.#first = first;
    this.#facts = facts ?? sessionRoom.unopened(id);
    this.#position = this.#facts.ends[0] + this.#facts.ends[1] + this.#facts.ends[2];
  }

  get facts(): SessionFacts {
    return this.#facts;
  }

  /** Bytes of output, of all streams together. */
  get position(): number {
    return this.#position;
  }

  /** Of the last record; 0 before the first in this life of the host. */
  get lastLsn(): number {
    return this.#lastLsn;
  }

  get isOver(): boolean {
    return sessionRoom.isOver(this.#facts);
  }

  /** How people are told which session is meant. */
  get label(): string {
    return this.#facts.name ? `${this.#facts.name} (${this.id})` : this.id;
  }

  get streams(): readonly (0 | 1 | 2)[] {
    return this.#facts.kind === "pty" ? [0] : [1, 2];
  }

  /** What the journal has of each stream. */
  journalled(): { readonly stream: 0 | 1 | 2; readonly offset: bigint }[] {
    return this.streams.map((stream) => ({ stream, offset: BigInt(this.#facts.ends[stream]) }));
  }

  /** Appends one record, folds it and shows it to whoever is there. Throws the journal's fault; nothing has happened then. */
  record(actor: Actor, body: Body, payload?: Uint8Array, at?: { stream: number; offset: number; monoNs: bigint }): Entry {
    const { journal, clock } = this.#ports;
    const entry = journal.append({
      session: this.id,
      kind: kindOf(body),
      actor: actor.id,
      via: actor.via,
      meta: encodeBody(body),
      wallMs: clock.wallMs(),
      monoNs: at?.monoNs ?? clock.monoNs(),
      ...(payload ? { payload } : {}),
      ...(at ? { stream: at.stream, offset: at.offset } : {}),
    });
    this.#lastLsn = entry.lsn;
    this.#facts = sessionRoom.fold(this.#facts, folded(entry, body));
    if (body.case === "output") this.#position += entry.payloadBytes;
    this.#first(entry, body, payload ?? NOTHING);
    for (const listener of this.#listeners) listener(entry, body, payload ?? NOTHING);
    return entry;
  }

  /** A record that nothing depends on: a journal that can't be written is logged, and that is all. */
  tryRecord(actor: Actor, body: Body): void {
    try {
      this.record(actor, body);
    } catch (fault) {
      if (!isJournalFault(fault)) throw fault;
      this.#ports.log(`session ${this.id}: a ${body.case} is not recorded: ${String(fault)}`);
    }
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Records strictly after `afterSeq`, decoded. */
  read(afterSeq: number, maxBytes: number): ReadItem[] {
    return this.#ports.journal
      .read(this.id, afterSeq, maxBytes)
      .map((item) => ("gap" in item ? item : { entry: item, body: decodeBody(item.kind, item.meta) }));
  }

  /** The record at `seq`, alone, if it is still there. */
  readAt(seq: number): ReadItem[] {
    return this.read(seq - 1, 1);
  }

  /** Records from one seq up to and including another, gaps among them. */
  readRange(from: number, to: number): ReadItem[] {
    const found: ReadItem[] = [];
    for (let after = from - 1; after < to; ) {
      // What so many small records cost: large ones end a step early, and little is read past `to`.
      const items = this.read(after, Math.min((to - after) * 256, 256 * 1024));
      const last = items.at(-1);
      if (!last) break;
      for (const item of items) if (("gap" in item ? item.fromSeq : item.entry.seq) <= to) found.push(item);
      after = "gap" in last ? last.toSeq : last.entry.seq;
    }
    return found;
  }

  /** Total output bytes up to and including the record at `seq`: exact where the journal's offsets say so. */
  positionAt(seq: number): number {
    if (seq >= this.#facts.seq) return this.#position;
    if (seq === 0) return 0;
    let position = 0;
    for (const stream of this.streams) position += this.#endAt(stream, seq);
    return position;
  }

  /** End offset of a stream's output as of `seq`: the next output record's offset, or the end. */
  #endAt(stream: number, seq: number): number {
    for (let after = seq; after < this.#facts.seq; ) {
      const items = this.read(after, 64 * 1024);
      if (items.length === 0) break;
      for (const item of items) {
        if ("gap" in item) after = item.toSeq;
        else {
          if (item.entry.kind === OUTPUT_KIND && item.entry.stream === stream) return item.entry.offset;
          after = item.entry.seq;
        }
      }
    }
    return this.#facts.ends[stream as 0 | 1 | 2];
  }

  /** A seq with about `bytes` of output after it. */
  seqBefore(bytes: number): number {
    const stream = this.#facts.kind === "pty" ? 0 : 1;
    const seq = this.#ports.journal.seqAtOffset(this.id, stream, Math.max(0, this.#facts.ends[stream] - bytes));
    return seq === null ? 0 : Math.max(0, seq - 1);
  }
}
