/**
 * The screen of one session: feeds its terminal model from the journal, off the byte path, and takes snapshots and checkpoints.
 *
 *   C1  The model is a reader of the journal with a cursor of its own; a snapshot names the seq that it is exact for.
 *   C2  No model is kept for a session that nobody watches: it is rebuilt from the last checkpoint and the journal after it.
 *   C3  Bytes are fed `live` (their queries may be answered) only if they are younger than 1 s and after the last answered query.
 *   C4  At most {@link FEED_BYTES} are under way to the worker for one session.
 *   C5  Parsing waits while output pours: it is done for a snapshot or a query, in a quiet moment, or {@link LAZY_BYTES} behind;
 *       with a reader that lives on snapshots, because it can't follow, {@link CLOSE_BYTES} behind.
 *   C6  What was redacted is in no screen that is given from then on, in no model and in no checkpoint: these are made anew from the journal.
 */
import { MonotonicMs } from "@holdfast/core";
import type { Body } from "./record.ts";
import type { SessionPorts } from "./ports.ts";
import type { Entry, Gap } from "../journal/journal.ts";
import type { ScreenText, Snapshot } from "../terminal/model.ts";

const FEED_BYTES = 512 * 1024;
const READ_BYTES = 256 * 1024;
/** A checkpoint at least this often, counted in output bytes. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
/** C5: how far a model may be behind while nobody needs it, and how long output must have been quiet for it to catch up. */
const LAZY_BYTES = 16 * 1024 * 1024;
const CLOSE_BYTES = 1024 * 1024;
const QUIET_MS = 40;
/** How long a model outlives the last interest in it. */
const IDLE_MS = 10_000;
/** C3. */
const QUERY_AGE_NS = 1_000_000_000n;

export interface ScreenSource {
  readonly id: string;
  readonly head: { readonly seq: number; readonly position: number };
  readonly size: { readonly cols: number; readonly rows: number };
  /** End offset of the last answered query. */
  readonly repliedOffset: number;
  readonly watched: boolean;
  /** Somebody attached can't follow and is shown snapshots instead. */
  readonly hasSlowReader: boolean;
  read(afterSeq: number, maxBytes: number): readonly ({ readonly entry: Entry; readonly body: Body | null } | Gap)[];
}

interface Want {
  readonly seq: number;
  serve(at: { readonly seq: number; readonly position: number }): void;
  fail(reason: unknown): void;
}

export class Screen {
  readonly #source: ScreenSource;
  readonly #ports: SessionPorts;
  #open = false;
  #cursor = 0;
  #position = 0;
  /** What the model has been fed of stream 0. */
  #offset = 0;
  #checkpointAt = 0;
  #wants: Want[] = [];
  #idle: (() => void) | null = null;
  #saving = false;
  /** C6. Counts redactions: what was taken before one is not given after it. */
  #redactions = 0;
  /** Asked of the model and not answered yet. */
  #taking = 0;

  constructor(source: ScreenSource, ports: SessionPorts) {
    this.#source = source;
    this.#ports = ports;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Output bytes that the model has not been fed, or, without a model, that came since the last checkpoint. */
  get unparsedBytes(): number {
    return (
      this.#source.head.position -
      (this.#open ? this.#position : this.#checkpointAt) +
      (this.#open ? this.#ports.models.backlog(this.#source.id) : 0)
    );
  }

  /** Retention may not go past this seq. */
  get checkpointSeq(): number {
    return this.#checkpointSeq;
  }
  #checkpointSeq = 0;

  /** After a restart: where the last checkpoint stands. */
  recall(): void {
    let saved = this.#ports.checkpoints.load(this.#source.id);
    if (saved && (saved.seq > this.#source.head.seq || saved.position > this.#source.head.position)) {
      // A power cut took the records that it was made from; others will have their seqs.
      this.#ports.checkpoints.remove(this.#source.id);
      saved = null;
    }
    this.#checkpointAt = saved?.position ?? 0;
    this.#checkpointSeq = saved?.seq ?? 0;
  }

  /** Something was appended. `mayQuery`: without a model, a program may be waiting for an answer. */
  appended(entry: Entry, body: Body | null, payload: Uint8Array, mayQuery: boolean): void {
    if (!this.#open) {
      if (mayQuery || this.unparsedBytes > CHECKPOINT_BYTES) this.wake();
      return;
    }
    this.#appendedAt = this.#ports.clock.monoMs();
    if (this.#wants.length === 0 && !mayQuery && !this.#isFarBehind) return this.#catchUpSoon();
    if (this.#cursor === entry.seq - 1 && this.#ports.models.backlog(this.#source.id) < FEED_BYTES) {
      this.#feed(entry, body, payload);
      this.#serve();
      this.#checkpointIfDue();
    } else {
      this.#pump();
    }
  }

  get #isFarBehind(): boolean {
    return this.#source.head.position - this.#position > (this.#source.hasSlowReader ? CLOSE_BYTES : LAZY_BYTES);
  }

  /** C5. One timer, however much is appended meanwhile. */
  #catchUpSoon(): void {
    if (this.#quiet) return;
    const look = (): void => {
      this.#quiet = null;
      const now = this.#ports.clock.monoMs();
      if (now - this.#appendedAt >= QUIET_MS) this.#pump();
      else this.#quiet = this.#ports.wakeAt(MonotonicMs(this.#appendedAt + QUIET_MS), look);
    };
    this.#quiet = this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + QUIET_MS), look);
  }
  #quiet: (() => void) | null = null;
  #appendedAt = 0;

  /** The worker has caught up somewhat: go on feeding. */
  parsed(): void {
    if (this.#wants.length > 0 || this.#isFarBehind || this.#ports.clock.monoMs() - this.#appendedAt >= QUIET_MS) this.#pump();
    else this.#catchUpSoon();
  }

  /** Opens the model if it is not, and keeps it for a while. */
  wake(): void {
    if (!this.#open) {
      const saved = this.#ports.checkpoints.load(this.#source.id);
      const { cols, rows } = this.#source.size;
      this.#open = true;
      this.#cursor = saved?.seq ?? 0;
      this.#position = saved?.position ?? 0;
      this.#offset = saved?.snapshot.offset ?? 0;
      this.#ports.models.open(this.#source.id, saved ? saved.snapshot : { offset: 0, cols, rows });
    }
    this.#keep();
    this.#pump();
  }

  /** As of the head when called, or a little later: the result says which seq. */
  snapshot(scrollback: number): Promise<{ readonly seq: number; readonly position: number; readonly snapshot: Snapshot }> {
    return this.#when((at) =>
      this.#ports.models.snapshot(this.#source.id, { scrollback }).then((snapshot) => ({ ...at, snapshot })),
    );
  }

  /** A checkpoint as of the head when called, or a little later, whether or not one is due. */
  async settle(): Promise<void> {
    await this.#when(() => Promise.resolve());
    await this.#checkpoint();
  }

  text(scrollback: number): Promise<{ readonly seq: number; readonly position: number; readonly text: ScreenText }> {
    return this.#when((at) => this.#ports.models.text(this.#source.id, { scrollback }).then((text) => ({ ...at, text })));
  }

  /** C6, before the payloads are erased: a crash in between must not leave the checkpoint. True if the screen was made from any of them. */
  forget(seqs: readonly number[]): boolean {
    const first = seqs.reduce((least, seq) => Math.min(least, seq), Number.POSITIVE_INFINITY);
    const isIn = first <= this.#cursor || first <= this.#checkpointSeq || this.#saving;
    if (isIn) this.#ports.checkpoints.remove(this.#source.id);
    return isIn;
  }

  /** C6, once they are erased. */
  remake(): void {
    this.#redactions++;
    if (this.#open) this.#ports.models.close(this.#source.id);
    this.#open = false;
    this.#checkpointAt = 0;
    this.#checkpointSeq = 0;
    this.wake();
  }

  /** The worker died: what was asked is asked again of a new model. */
  lost(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#wants.length > 0 || this.#source.watched) this.wake();
  }

  close(): void {
    this.#idle?.();
    this.#idle = null;
    this.#quiet?.();
    this.#quiet = null;
    if (this.#open) this.#ports.models.close(this.#source.id);
    this.#open = false;
    for (const want of this.#wants.splice(0)) want.fail(new Error("the session was closed"));
  }

  #when<T>(take: (at: { seq: number; position: number }) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const ask = (): void => {
        this.#wants.push({ seq: this.#source.head.seq, serve, fail: reject });
        this.wake();
        this.#serve();
      };
      const serve = (at: { seq: number; position: number }): void => {
        const before = this.#redactions;
        const settle = (give: () => void): void => {
          this.#taking--;
          if (this.#redactions === before) give();
          else ask();
        };
        this.#taking++;
        take(at).then(
          (value) => settle(() => resolve(value)),
          (fault) => settle(() => reject(fault)),
        );
      };
      ask();
    });
  }

  #serve(): void {
    while (this.#wants.length > 0 && this.#cursor >= this.#wants[0]!.seq)
      this.#wants.shift()!.serve({ seq: this.#cursor, position: this.#position });
  }

  #pump(): void {
    while (this.#open && this.#cursor < this.#source.head.seq && this.#ports.models.backlog(this.#source.id) < FEED_BYTES) {
      const read = this.#source.read(this.#cursor, READ_BYTES);
      if (read.length === 0) break;
      for (const item of read) {
        if ("gap" in item) {
          this.#cursor = item.toSeq;
        } else {
          this.#feed(item.entry, item.body, item.entry.payload);
        }
      }
    }
    this.#serve();
    this.#checkpointIfDue();
  }

  #feed(entry: Entry, body: Body | null, payload: Uint8Array): void {
    this.#cursor = entry.seq;
    if (body?.case === "output") {
      this.#position += entry.payloadBytes;
      if (entry.stream !== 0) return;
      if (entry.offset !== this.#offset) {
        // What is missing can't be parsed: the model starts anew after it, and C1 holds again from the next full repaint on.
        const { cols, rows } = this.#source.size;
        this.#ports.models.open(this.#source.id, { offset: entry.offset, cols, rows });
      }
      this.#offset = entry.offset + entry.payloadBytes;
      // Redacted or pruned bytes: as many NULs, which no terminal shows, keep the place.
      if (payload.length !== entry.payloadBytes) payload = new Uint8Array(entry.payloadBytes);
      const live = entry.offset >= this.#source.repliedOffset && this.#ports.clock.monoNs() - entry.monoNs < QUERY_AGE_NS;
      this.#ports.models.feed(this.#source.id, entry.offset, payload, live);
    } else if (body?.case === "resized" && body.value.size) {
      this.#ports.models.resize(this.#source.id, body.value.size.cols, body.value.size.rows);
    } else if (body?.case === "opened" && body.value.size) {
      this.#ports.models.resize(this.#source.id, body.value.size.cols, body.value.size.rows);
    }
  }

  #checkpointIfDue(): void {
    if (this.#open && this.#position - this.#checkpointAt > CHECKPOINT_BYTES) void this.#checkpoint();
  }

  async #checkpoint(): Promise<void> {
    if (this.#saving || !this.#open) return;
    this.#saving = true;
    const at = { seq: this.#cursor, position: this.#position };
    const before = this.#redactions;
    try {
      const snapshot = await this.#ports.models.snapshot(this.#source.id);
      await this.#ports.checkpoints.save(this.#source.id, { ...at, snapshot });
      if (this.#redactions !== before) return;
      this.#checkpointAt = at.position;
      this.#checkpointSeq = at.seq;
    } catch (fault) {
      if (this.#redactions !== before) return;
      this.#ports.log(`session ${this.#source.id}: no checkpoint: ${String(fault)}`);
    } finally {
      this.#saving = false;
    }
  }

  #keep(): void {
    this.#idle?.();
    this.#idle = this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + IDLE_MS), () => {
      this.#idle = null;
      if (this.#isWanted || this.#cursor < this.#source.head.seq) this.#keep();
      else void this.#retire();
    });
  }

  get #isWanted(): boolean {
    return this.#source.watched || this.#wants.length > 0 || this.#taking > 0;
  }

  /** Nobody looks any more: the state goes to the disk, the memory back. */
  async #retire(): Promise<void> {
    if (this.#position !== this.#checkpointAt) await this.#checkpoint();
    if (this.#open && !this.#isWanted && this.#position === this.#checkpointAt) {
      this.#ports.models.close(this.#source.id);
      this.#open = false;
    } else if (this.#open) {
      this.#keep();
    }
  }
}
