/**
 * The one who writes: appends, group sync, rotation, and what happens when the disk refuses. Owns the ledger's newest end and the
 * tail that is not durable yet; the order of its steps is what J2, J5 and J6 rest on.
 */
import type { Catalogue, Segment } from "./catalogue.ts";
import type { Disk } from "./disk.ts";
import { checkDraft } from "./draft.ts";
import { errorCode, JournalError } from "./fault.ts";
import {
  encodeRecord,
  HAS_STREAM,
  INLINE,
  INLINE_HEAD,
  INLINE_MAX,
  MAX_ACTOR,
  MAX_SESSION,
  MAX_VIA,
  OWN,
  RECORD_FIXED,
  readU64,
  restamp,
  SALT_BYTES,
  SEGMENT_AFTER_FAULT,
  SEGMENT_REWRITE,
  sha256,
  ZERO_CHAIN,
} from "./format.ts";
import type { Entry, EntryDraft, JournalFault, JournalOptions } from "./journal.ts";
import type { Ledger } from "./ledger.ts";
import { encodeOwn, OWN_ACTOR, OWN_KIND, OWN_SESSION, OWN_VIA, type OwnEvent } from "./own.ts";
import { FRAME_HEAD } from "./payload-format.ts";
import type { PayloadStore } from "./payload-store.ts";
import { type Recovered, saveQuietly } from "./recover.ts";
import type { Reserve } from "./reserve.ts";
import type { Suspects } from "./suspect.ts";
import { GroupSync } from "./sync.ts";
import { Tail, type TailEntry } from "./tail.ts";

const DEFAULT_SEGMENT_BYTES = 16 * 1024 * 1024;
const SEAL_EVERY_NS = 60_000_000_000n;
/** Past this much unsynced the journal syncs by itself, whoever forgot to ask. */
const SYNC_UNASKED_BYTES = 8 * 1024 * 1024;
const TAIL_MAX_BYTES = 64 * 1024 * 1024;
/** Salts are drawn 256 at a time. */
const SALT_POOL = 256 * SALT_BYTES;
const MAX_NAMES = MAX_SESSION + MAX_ACTOR + MAX_VIA;
const NOTHING = new Uint8Array(0);
const NOWHERE = { no: 0, position: 0 };
const CLOSED = new JournalError("journal_unwritable", "the journal is closed");

export class Writer {
  frozen: JournalFault | null = null;
  durableLsn: number;
  readonly tail: Tail;
  readonly #disk: Disk;
  readonly #o: JournalOptions;
  readonly #catalogue: Catalogue;
  readonly #ledger: Ledger;
  readonly #payloads: PayloadStore;
  readonly #reserve: Reserve;
  readonly #suspects: Suspects;
  readonly #sync: GroupSync;
  readonly #salted = Buffer.alloc(SALT_BYTES + INLINE_MAX);
  #salts: Buffer = Buffer.alloc(0);
  #saltAt = 0;
  #sealDueNs: bigint | null = null;
  /** A sync failed and its answer failed too: nothing is durable until the tail is written again. */
  #mustRewrite = false;
  /** What is done to the disk only once the record that says so is durable: erasures and removals. */
  #deferred: { readonly lsn: number; readonly run: () => boolean }[] = [];
  /** Sealed segments whose sidecars wait until nothing that they tell of is left to do. */
  readonly #unsaved: { readonly segment: Segment; readonly fileBytes: number }[] = [];
  /** A seal was asked for while a sync was in flight: that sync's error must not be taken by another call on the same file. */
  #rotateAsked = false;
  /** The last seal is written, or given up: nothing may stand behind it, of ours neither. */
  #isClosing = false;

  constructor(
    disk: Disk,
    options: JournalOptions,
    recovered: Recovered,
    ledger: Ledger,
    payloads: PayloadStore,
    reserve: Reserve,
    suspects: Suspects,
  ) {
    this.#disk = disk;
    this.#o = options;
    this.#catalogue = recovered.catalogue;
    this.#ledger = ledger;
    this.#payloads = payloads;
    this.#reserve = reserve;
    this.#suspects = suspects;
    this.durableLsn = recovered.durableLsn;
    this.tail = new Tail(TAIL_MAX_BYTES, recovered.lastLsn, recovered.head);
    this.#sync = new GroupSync(this);
    this.#catalogue.segments.push(ledger.segment);
  }

  append(draft: EntryDraft): Entry {
    if (this.refuses) throw this.refusal();
    checkDraft(draft);
    if (this.#sealDueNs !== null && draft.monoNs >= this.#sealDueNs) this.tick();
    if (this.#isFull && !this.#sync.isRunning) this.#rotate();
    const entry = this.#append(draft, 0);
    if (this.tail.bytes > SYNC_UNASKED_BYTES && !this.#sync.isRunning) this.#sync.start();
    return entry;
  }

  get #isFull(): boolean {
    return this.#rotateAsked || (!this.#isClosing && this.#ledger.position >= (this.#o.segmentBytes ?? DEFAULT_SEGMENT_BYTES));
  }

  /** Nothing may be recorded: {@link refusal} says why. */
  get refuses(): boolean {
    return this.frozen !== null || this.#isClosing;
  }

  refusal(): JournalError {
    const since = this.frozen ?? CLOSED;
    return new JournalError(
      "journal_frozen",
      `nothing is recorded since: ${since.message}; free space or repair the disk, the host goes on by itself`,
      since,
    );
  }

  #append(draft: EntryDraft, ownFlag: number): Entry {
    const s = this.#catalogue.session(draft.session);
    const seq = s.nextSeq;
    const lsn = this.#ledger.lastLsn + 1;
    const payload = draft.payload !== undefined && draft.payload.length > 0 ? draft.payload : null;
    const inline = payload !== null && payload.length <= INLINE_MAX;
    const flags = ownFlag | (draft.stream === undefined ? 0 : HAS_STREAM) | (inline ? INLINE : 0);
    // Payload frame, if it has one, and record are built where the tail keeps them.
    const bulkBytes = payload === null || inline ? 0 : FRAME_HEAD + payload.length;
    const room = this.tail.room(bulkBytes + RECORD_FIXED + MAX_NAMES + draft.meta.length + INLINE_HEAD + INLINE_MAX);
    const bulk = bulkBytes === 0 ? null : room.subarray(0, bulkBytes);
    let salt: Buffer | null = null;
    let commitment: Buffer = ZERO_CHAIN;
    let place = NOWHERE;
    if (payload !== null) {
      salt = this.#salt();
      if (inline) {
        salt.copy(this.#salted);
        this.#salted.set(payload, SALT_BYTES);
        commitment = sha256(this.#salted.subarray(0, SALT_BYTES + payload.length));
      } else {
        try {
          place = this.#payloads.append(draft.session, seq, salt, payload, bulk!);
          commitment = sha256(bulk!.subarray(FRAME_HEAD - SALT_BYTES));
        } catch (error) {
          throw this.writeFailed(error, `payload of ${draft.session} ${seq}`);
        }
      }
    }
    const stream = draft.stream ?? 0;
    const offset = draft.offset ?? 0;
    const record = room.subarray(bulkBytes);
    const length = encodeRecord(
      record,
      {
        flags,
        kind: draft.kind,
        session: draft.session,
        actor: draft.actor,
        via: draft.via,
        stream,
        lsn,
        seq,
        wallMs: draft.wallMs,
        monoNs: draft.monoNs,
        offset,
        meta: draft.meta,
        payload,
        salt,
        commitment,
        fileNo: place.no,
        filePosition: place.position,
      },
      this.#ledger.chain,
      this.#ledger.segment.seed,
    );
    const frame = record.subarray(0, length);
    let at: number;
    try {
      at = this.#ledger.record(frame, lsn, draft.wallMs);
    } catch (error) {
      if (payload !== null && !inline) this.#payloads.undo(draft.session, place.position);
      throw this.writeFailed(error, `record ${lsn} (${draft.session} ${seq})`);
    }
    const payloadBytes = payload?.length ?? 0;
    this.#catalogue.note(s, this.#ledger.segment, at, { flags, lsn, seq, stream, offset, payloadBytes });
    this.tail.push(
      {
        lsn,
        seq,
        session: s.id,
        wallMs: draft.wallMs,
        frame,
        salt: bulk === null ? null : bulk.subarray(FRAME_HEAD - SALT_BYTES, FRAME_HEAD),
        payload: bulk === null ? null : bulk.subarray(FRAME_HEAD),
      },
      bulkBytes + length,
    );
    this.#sealDueNs ??= draft.monoNs + SEAL_EVERY_NS;
    return {
      session: s.id,
      seq,
      lsn,
      kind: draft.kind,
      actor: draft.actor,
      via: draft.via,
      stream,
      offset,
      meta: draft.meta,
      payloadBytes,
      payloadState: payload === null ? "none" : "present",
      payload: payload ?? NOTHING,
      wallMs: draft.wallMs,
      monoNs: draft.monoNs,
    };
  }

  /** Records what the journal itself did. An event is as long as a draft's `meta` at most: what may be longer is told in several. */
  note(event: OwnEvent): void {
    const meta = encodeOwn(event);
    const draft = { session: OWN_SESSION, kind: OWN_KIND, actor: OWN_ACTOR, via: OWN_VIA, meta, ...this.#o.now() };
    checkDraft(draft);
    this.#append(draft, OWN);
  }

  #salt(): Buffer {
    if (this.#saltAt >= this.#salts.length) {
      this.#salts = Buffer.from(this.#o.randomBytes(SALT_POOL));
      this.#saltAt = 0;
    }
    return this.#salts.subarray(this.#saltAt, (this.#saltAt += SALT_BYTES));
  }

  /** A write that could not be completed: freezes. On a full disk the reserve is given up for the last words. */
  writeFailed(error: unknown, what: string): JournalFault {
    const full = errorCode(error) === "ENOSPC" || errorCode(error) === "EDQUOT";
    const fault = new JournalError(
      full ? "disk_full" : "journal_unwritable",
      `${what} could not be written to ${this.#o.folder}: ${String((error as Error).message)}`,
      error,
    );
    if (this.frozen !== null) return fault;
    this.frozen = fault;
    if (full && !this.#ledger.isBroken && !this.#isClosing) {
      this.#reserve.release();
      try {
        this.note({ type: "frozen", code: fault.code, why: fault.message });
        this.#ledger.seal(this.#o.now().wallMs, false);
      } catch {
        /* not even that fits: the error stands */
      }
    }
    return fault;
  }

  durable(lsn: number): Promise<void> {
    if (lsn <= this.durableLsn) return Promise.resolve();
    if (this.#mustRewrite) return Promise.reject(this.refusal());
    return this.#sync.wait(Math.min(lsn, this.#ledger.lastLsn));
  }

  /** For {@link GroupSync}. */
  async syncOnce(): Promise<void> {
    if (this.#mustRewrite) throw this.refusal();
    if (this.#isFull && this.frozen === null) this.#rotate();
    const lsn = this.#ledger.lastLsn;
    const chain = Buffer.from(this.#ledger.chain);
    this.#suspectSyncs();
    try {
      if (this.#payloads.needsSync) await this.#payloads.sync();
      await this.#ledger.sync();
    } catch (error) {
      await this.#failOver(error);
      return;
    } finally {
      this.#ledger.closeRetired();
    }
    this.#suspects.end();
    this.#advance(lsn, chain);
  }

  #suspectSyncs(): void {
    this.#suspects.begin([...this.#payloads.dirtyNames, ...this.#ledger.dirtyNames]);
  }

  /** True if something deferred was done. */
  #advance(lsn: number, chain: Buffer): boolean {
    this.tail.advance(lsn, chain);
    if (lsn > this.durableLsn) this.durableLsn = lsn;
    if (this.#deferred.length === 0) return false;
    const due = this.#deferred.filter((d) => d.lsn <= this.durableLsn);
    this.#deferred = this.#deferred.filter((d) => d.lsn > this.durableLsn);
    for (const { run } of due) if (!run()) this.later(run);
    return due.length > 0;
  }

  /** Runs `run` when everything recorded so far is durable, sees to it that it becomes so, and runs it again after later syncs until it is true. */
  whenDurable(run: () => boolean): void {
    const lsn = this.#ledger.lastLsn;
    this.#deferred.push({ lsn, run });
    // One in flight may have begun before it. A sync that fails is told to whom it concerns.
    this.#sync.wait(lsn).catch(() => undefined);
  }

  /** Runs `run` after each sync until it is true; no sidecar is written before. */
  later(run: () => boolean): void {
    this.#deferred.push({ lsn: this.durableLsn, run });
  }

  /** J5: what was not synced is written again, to new files, and those are synced. */
  async #failOver(cause: unknown): Promise<void> {
    try {
      this.#rewriteTail(cause);
      const lsn = this.#ledger.lastLsn;
      const chain = Buffer.from(this.#ledger.chain);
      this.#suspectSyncs();
      await this.#payloads.sync();
      await this.#ledger.sync();
      this.#suspects.end();
      this.#advance(lsn, chain);
    } catch (error) {
      this.#mustRewrite = true;
      this.frozen ??= new JournalError(
        "journal_unwritable",
        `a sync of ${this.#o.folder} failed (${String((cause as Error).message)}), and so did writing the tail again (${String((error as Error).message)})`,
        error,
      );
      throw this.frozen;
    }
  }

  #rewriteTail(cause: unknown): void {
    if (!this.tail.isWhole) throw cause;
    const entries = this.tail.entries;
    const old = this.#ledger.segment;
    const now = this.#o.now();
    this.#payloads.abandon();
    const flags = SEGMENT_AFTER_FAULT | (entries.length > 0 ? SEGMENT_REWRITE : 0);
    this.#ledger.start({ flags, firstLsn: this.tail.baseLsn + 1, head: this.tail.baseChain, ...now });
    const rewound = new Set<string>();
    for (const e of entries) {
      if (rewound.has(e.session)) continue;
      rewound.add(e.session);
      this.#catalogue.rewind(this.#catalogue.session(e.session), e.seq);
    }
    old.lastLsn = this.tail.baseLsn;
    old.head = Buffer.from(this.tail.baseChain);
    this.#catalogue.segments.push(this.#ledger.segment);
    for (const e of entries) this.#rewriteEntry(e);
    this.note({
      type: "rewritten",
      index: old.index,
      fromLsn: this.tail.baseLsn + 1,
      toLsn: entries.at(-1)?.lsn ?? this.tail.baseLsn,
      why: String((cause as Error)?.message ?? cause),
    });
    this.#payloads.eraseAgain();
    this.#ledger.eraseAgain();
  }

  #rewriteEntry(e: TailEntry): void {
    const { frame } = e;
    let place = { no: frame.readUInt32LE(8), position: frame.readUInt32LE(12) };
    if (e.payload !== null)
      place = this.#payloads.append(e.session, e.seq, e.salt!, e.payload, Buffer.allocUnsafe(FRAME_HEAD + e.payload.length));
    restamp(frame, place.no, place.position, this.#ledger.segment.seed);
    const at = this.#ledger.record(frame, e.lsn, e.wallMs);
    this.#catalogue.note(this.#catalogue.session(e.session), this.#ledger.segment, at, {
      flags: frame[49]!,
      lsn: e.lsn,
      seq: e.seq,
      stream: frame.readUInt16LE(54),
      offset: readU64(frame, 88),
      payloadBytes: frame.readUInt32LE(96),
    });
  }

  /** Seals the segment, makes it durable and begins the next one. */
  #rotate(): void {
    const { wallMs } = this.#o.now();
    this.#rotateAsked = false;
    try {
      this.#ledger.seal(wallMs, true);
    } catch (error) {
      throw this.writeFailed(error, "the seal");
    }
    const old = this.#ledger.segment;
    const fileBytes = this.#ledger.position;
    try {
      this.#suspectSyncs();
      this.#payloads.syncNow();
      this.#ledger.syncNow();
      this.#ledger.syncErasedNow();
      // A sidecar ends the redoing of erasures: they are done and synced before it is written.
      if (this.#advance(this.#ledger.lastLsn, this.#ledger.chain)) {
        this.#suspectSyncs();
        this.#ledger.syncNow();
        this.syncErasures();
      }
      this.#suspects.end();
    } catch (cause) {
      this.#rewriteOrFreeze(cause);
      return;
    }
    try {
      this.#ledger.start({
        flags: 0,
        firstLsn: this.#ledger.lastLsn + 1,
        head: Buffer.from(this.#ledger.chain),
        ...this.#o.now(),
      });
    } catch (error) {
      this.#ledger.isBroken = true;
      throw this.writeFailed(error, "a new ledger segment");
    }
    this.#catalogue.segments.push(this.#ledger.segment);
    this.saveSidecar(old, fileBytes);
    this.#sealDueNs = null;
    if (!this.#sync.isRunning) this.#ledger.closeRetired();
    this.#sync.settle();
  }

  /** Of a segment that is written to no more and synced, with its erasures: at once, or when what failed of those is done. */
  saveSidecar(segment: Segment, fileBytes: number): void {
    this.#unsaved.push({ segment, fileBytes });
    if (this.#deferred.length > 0) return;
    for (const of of this.#unsaved.splice(0))
      if (this.#catalogue.segments.includes(of.segment))
        saveQuietly(this.#disk, `${this.#o.folder}/ledger`, this.#catalogue, of.segment, of.fileBytes);
  }

  #rewriteOrFreeze(cause: unknown): void {
    try {
      this.#rewriteTail(cause);
      this.#suspectSyncs();
      this.#payloads.syncNow();
      this.#ledger.syncNow();
      this.#ledger.syncErasedNow();
      this.#suspects.end();
      this.#advance(this.#ledger.lastLsn, this.#ledger.chain);
      this.#mustRewrite = false;
    } catch (error) {
      this.#mustRewrite = true;
      throw this.writeFailed(error, "the unsynced tail");
    }
  }

  seal(): void {
    if (this.refuses) throw this.refusal();
    if (this.#ledger.isEmpty) return;
    if (!this.#sync.isRunning) return this.#rotate();
    this.tick();
    this.#rotateAsked = true;
  }

  get nextWakeNs(): bigint | null {
    return this.frozen === null && this.#ledger.hasUnsealed ? this.#sealDueNs : null;
  }

  tick(): void {
    this.#sealDueNs = null;
    if (this.frozen !== null || !this.#ledger.hasUnsealed) return;
    try {
      this.#ledger.seal(this.#o.now().wallMs, false);
    } catch (error) {
      throw this.writeFailed(error, "a seal");
    }
  }

  /** What was erased is off the device when this returns. */
  syncErasures(): void {
    this.#suspectSyncs();
    this.#payloads.syncNow();
    this.#ledger.syncErasedNow();
  }

  thaw(): boolean {
    if (this.#isClosing) return false;
    if (this.frozen === null) return true;
    try {
      this.#reserve.hold();
      if (this.#mustRewrite || this.#ledger.isBroken) this.#rewriteOrFreeze(this.frozen);
      this.note({ type: "thawed" });
    } catch {
      return false;
    }
    this.frozen = null;
    return true;
  }

  /** Seals and syncs what can be, then refuses everything. */
  async close(): Promise<void> {
    await this.#sync.idle();
    this.#isClosing = true;
    try {
      if (this.frozen !== null) return;
      this.#ledger.seal(this.#o.now().wallMs, true);
      const old = this.#ledger.segment;
      this.#rotateAsked = false;
      await this.syncOnce();
      // Erasures that waited for this sync are work of their own, and so is what fails of them and is done after the next.
      const waited = this.#deferred.length;
      await this.syncOnce();
      if (waited > 0 && this.#deferred.length === 0) await this.syncOnce();
      if (old === this.#ledger.segment) this.saveSidecar(old, this.#ledger.position);
    } finally {
      this.frozen ??= CLOSED;
      this.#sync.rejectAll(CLOSED);
      this.#suspects.close();
    }
  }
}
