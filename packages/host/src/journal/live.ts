/** The journal of a running host. What each promise means stands in journal.ts; this file is its order of steps. */
import { createHash } from "node:crypto";
import type { Range, SessionState } from "./catalogue.ts";
import type { Disk } from "./disk.ts";
import { errorCode, JournalError } from "./fault.ts";
import { FoldStore } from "./fold.ts";
import {
  encodeRecord, HAS_STREAM, INLINE, INLINE_HEAD, INLINE_MAX, MAX_ACTOR, MAX_FRAME, MAX_META, MAX_PAYLOAD, MAX_SESSION, MAX_VIA, OWN,
  restamp, SALT_BYTES, SEGMENT_AFTER_FAULT, SEGMENT_REWRITE, sha256, ZERO_CHAIN,
} from "./format.ts";
import type { Entry, EntryDraft, Gap, Journal, JournalFault, JournalOptions, SessionTail } from "./journal.ts";
import { Ledger, type Signer } from "./ledger.ts";
import { encodeOwn, OWN_ACTOR, OWN_KIND, OWN_SESSION, OWN_VIA, type OwnEvent } from "./own.ts";
import { type PayloadFile, PayloadStore } from "./payload-store.ts";
import { type Found, Reader } from "./reader.ts";
import type { Recovered } from "./recover.ts";
import { rebuildRange } from "./rebuild.ts";
import { saveQuietly } from "./recover.ts";
import type { Reserve } from "./reserve.ts";
import { pruneRecords } from "./retention.ts";
import { GroupSync } from "./sync.ts";
import { Tail } from "./tail.ts";

export const DEFAULT_SEGMENT_BYTES = 16 * 1024 * 1024;
export const DEFAULT_PAYLOAD_BYTES = 64 * 1024 * 1024;
export const PAYLOAD_FILE_BYTES = 4 * 1024 * 1024;
const SEAL_EVERY_NS = 60_000_000_000n;
/** Past this much unsynced the journal syncs by itself, whoever forgot to ask. */
const SYNC_UNASKED_BYTES = 8 * 1024 * 1024;
const TAIL_MAX_BYTES = 64 * 1024 * 1024;
/** Salts are drawn 256 at a time. */
const SALT_POOL = 256 * SALT_BYTES;
const DAY_MS = 86_400_000;
const NOTHING = new Uint8Array(0);

export class LiveJournal implements Journal {
  readonly recovery: readonly string[];
  frozen: JournalFault | null = null;
  durableLsn: number;
  readonly #disk: Disk;
  readonly #o: JournalOptions;
  readonly #signer: Signer;
  readonly #catalogue;
  readonly #ledger: Ledger;
  readonly #payloads: PayloadStore;
  readonly #reader: Reader;
  readonly #folds: FoldStore;
  readonly #reserve: Reserve;
  readonly #sync: GroupSync;
  readonly #tail: Tail;
  readonly #frame = Buffer.alloc(MAX_FRAME);
  readonly #salted = Buffer.alloc(SALT_BYTES + INLINE_MAX);
  #salts: Buffer = Buffer.alloc(0);
  #saltAt = 0;
  #sealDueNs: bigint | null = null;
  /** A sync failed and its answer failed too: nothing is durable until the tail is written again. */
  #mustRewrite = false;
  /** What is done to the disk only once the record that says so is durable: erasures and removals (J4). */
  #deferred: { lsn: number; run: () => void }[] = [];
  /** Sessions and seqs whose erasure is recorded and not yet done: they read as redacted. */
  readonly #erasing = new Map<string, Set<number>>();
  #signedHead: { lsn: number; signature: Uint8Array } | null = null;
  /** A seal was asked for while a sync was in flight: that sync's error must not be taken by another call on the same file. */
  #rotateAsked = false;
  #closed = false;

  constructor(disk: Disk, options: JournalOptions, signer: Signer, recovered: Recovered, ledger: Ledger, payloads: PayloadStore, reserve: Reserve) {
    this.#disk = disk;
    this.#o = options;
    this.#signer = signer;
    this.#catalogue = recovered.catalogue;
    this.#ledger = ledger;
    this.#payloads = payloads;
    this.#reserve = reserve;
    this.recovery = recovered.notes;
    this.durableLsn = recovered.durableLsn;
    this.#folds = new FoldStore(disk, `${options.folder}/fold`);
    this.#reader = new Reader(disk, `${options.folder}/ledger`, this.#catalogue, payloads, (range) => this.#rebuild(range), this.#erasing);
    this.#tail = new Tail(TAIL_MAX_BYTES, recovered.lastLsn, recovered.head);
    this.#sync = new GroupSync(this);
    this.#catalogue.segments.push(ledger.segment);
  }

  tails(): SessionTail[] {
    return [...this.#catalogue.sessions.values()].filter((s) => !s.removed && s.nextSeq > 1).map((s) => this.#tailOf(s));
  }

  tail(session: string): SessionTail | null {
    const s = this.#catalogue.sessions.get(session);
    return s === undefined || s.removed || s.nextSeq === 1 ? null : this.#tailOf(s);
  }

  #tailOf(s: SessionState): SessionTail {
    const inline = s.ranges.reduce((sum, r) => sum + r.inlineBytes, 0);
    return {
      session: s.id, firstSeq: s.ranges[0]?.firstSeq ?? s.nextSeq, lastSeq: s.nextSeq - 1, streams: this.#catalogue.streams(s),
      payloadBytes: inline + this.#payloads.bytes(s.id),
    };
  }

  append(draft: EntryDraft): Entry {
    if (this.frozen !== null) throw this.#refusal();
    checkDraft(draft);
    if (this.#sealDueNs !== null && draft.monoNs >= this.#sealDueNs) this.tick();
    if (this.#isFull && !this.#sync.isRunning) this.#rotate();
    const entry = this.#append(draft, 0);
    if (this.#tail.bytes > SYNC_UNASKED_BYTES && !this.#sync.isRunning) this.#sync.start();
    return entry;
  }

  get #isFull(): boolean { return this.#rotateAsked || this.#ledger.position >= (this.#o.segmentBytes ?? DEFAULT_SEGMENT_BYTES); }

  #refusal(): JournalError {
    return new JournalError("journal_frozen", `nothing is recorded since: ${this.frozen!.message}; free space or repair the disk, the host goes on by itself`, this.frozen);
  }

  #append(draft: EntryDraft, ownFlag: number): Entry {
    const s = this.#catalogue.session(draft.session);
    const seq = s.nextSeq;
    const lsn = this.#ledger.lastLsn + 1;
    const payload = draft.payload !== undefined && draft.payload.length > 0 ? draft.payload : null;
    const inline = payload !== null && payload.length <= INLINE_MAX;
    const flags = ownFlag | (draft.stream === undefined ? 0 : HAS_STREAM) | (inline ? INLINE : 0);
    let salt: Buffer | null = null;
    let commitment: Buffer = ZERO_CHAIN;
    let place = { no: 0, position: 0 };
    if (payload !== null) {
      salt = this.#salt();
      if (inline) {
        salt.copy(this.#salted);
        this.#salted.set(payload, SALT_BYTES);
        commitment = sha256(this.#salted.subarray(0, SALT_BYTES + payload.length));
      } else {
        try {
          place = this.#payloads.append(draft.session, seq, salt, payload, (salted) => { commitment = sha256(salted); });
        } catch (error) {
          throw this.#writeFailed(error, `payload of ${draft.session} ${seq}`);
        }
      }
    }
    const stream = draft.stream ?? 0;
    const offset = draft.offset ?? 0;
    const length = encodeRecord(this.#frame, {
      flags, kind: draft.kind, session: draft.session, actor: draft.actor, via: draft.via, stream, lsn, seq, wallMs: draft.wallMs,
      monoNs: draft.monoNs, offset, meta: draft.meta, payload, salt, commitment, fileNo: place.no, filePosition: place.position,
    }, this.#ledger.chain, this.#ledger.segment.seed);
    const frame = this.#frame.subarray(0, length);
    let at: number;
    try {
      at = this.#ledger.record(frame, lsn, draft.wallMs);
    } catch (error) {
      if (payload !== null && !inline) this.#payloads.undo(draft.session, place.position);
      throw this.#writeFailed(error, `record ${lsn} (${draft.session} ${seq})`);
    }
    const payloadBytes = payload?.length ?? 0;
    this.#catalogue.note(s, this.#ledger.segment, at, { flags, lsn, seq, stream, offset, payloadBytes });
    // Copied: the caller's bytes may lie in a socket's read buffer, which is used again before the next sync.
    const held = payload === null || inline ? null : Buffer.from(payload);
    this.#tail.push({ lsn, seq, session: s.id, wallMs: draft.wallMs, frame: Buffer.from(frame), salt: held === null ? null : Buffer.from(salt!), payload: held });
    this.#sealDueNs ??= draft.monoNs + SEAL_EVERY_NS;
    return {
      session: s.id, seq, lsn, kind: draft.kind, actor: draft.actor, via: draft.via, stream, offset, meta: draft.meta, payloadBytes,
      payloadState: payload === null ? "none" : "present", payload: payload ?? NOTHING, wallMs: draft.wallMs, monoNs: draft.monoNs,
    };
  }

  /** Records what the journal itself did. */
  note(event: OwnEvent): void {
    this.#append({ session: OWN_SESSION, kind: OWN_KIND, actor: OWN_ACTOR, via: OWN_VIA, meta: encodeOwn(event), ...this.#o.now() }, OWN);
  }

  #salt(): Buffer {
    if (this.#saltAt >= this.#salts.length) {
      this.#salts = Buffer.from(this.#o.randomBytes(SALT_POOL));
      this.#saltAt = 0;
    }
    return this.#salts.subarray(this.#saltAt, (this.#saltAt += SALT_BYTES));
  }

  /** A write that could not be completed: freezes. On a full disk the reserve is given up for the last words. */
  #writeFailed(error: unknown, what: string): JournalFault {
    const full = errorCode(error) === "ENOSPC" || errorCode(error) === "EDQUOT";
    const fault = new JournalError(full ? "disk_full" : "journal_unwritable", `${what} could not be written to ${this.#o.folder}: ${String((error as Error).message)}`, error);
    if (this.frozen !== null) return fault;
    this.frozen = fault;
    if (full && !this.#ledger.isBroken) {
      this.#reserve.release();
      try {
        this.note({ type: "frozen", code: fault.code, why: fault.message });
        this.#ledger.seal(this.#o.now().wallMs, false);
      } catch { /* not even that fits: the error stands */ }
    }
    return fault;
  }

  get unsyncedBytes(): number { return this.#tail.bytes; }

  durable(lsn: number): Promise<void> {
    if (lsn <= this.durableLsn) return Promise.resolve();
    if (this.#mustRewrite) return Promise.reject(this.#refusal());
    return this.#sync.wait(Math.min(lsn, this.#ledger.lastLsn));
  }

  /** For {@link GroupSync}. */
  async syncOnce(): Promise<void> {
    if (this.#mustRewrite) throw this.#refusal();
    if (this.#isFull && this.frozen === null) this.#rotate();
    const lsn = this.#ledger.lastLsn;
    const chain = Buffer.from(this.#ledger.chain);
    try {
      if (this.#payloads.needsSync) await this.#payloads.sync();
      await this.#ledger.sync();
    } catch (error) {
      await this.#failOver(error);
      return;
    } finally {
      this.#ledger.closeRetired();
    }
    this.#advance(lsn, chain);
  }

  #advance(lsn: number, chain: Buffer): void {
    this.#tail.advance(lsn, chain);
    if (lsn > this.durableLsn) this.durableLsn = lsn;
    if (this.#deferred.length === 0) return;
    const due = this.#deferred.filter((d) => d.lsn <= this.durableLsn);
    this.#deferred = this.#deferred.filter((d) => d.lsn > this.durableLsn);
    for (const d of due) d.run();
  }

  /** Runs `run` when everything recorded so far is durable, and sees to it that it becomes so. */
  #whenDurable(run: () => void): void {
    this.#deferred.push({ lsn: this.#ledger.lastLsn, run });
    this.#sync.start();
  }

  /** J5: what was not synced is written again, to new files, and those are synced. */
  async #failOver(cause: unknown): Promise<void> {
    try {
      this.#rewriteTail(cause);
      const lsn = this.#ledger.lastLsn;
      const chain = Buffer.from(this.#ledger.chain);
      await this.#payloads.sync();
      await this.#ledger.sync();
      this.#advance(lsn, chain);
    } catch (error) {
      this.#mustRewrite = true;
      this.frozen ??= new JournalError("journal_unwritable", `a sync of ${this.#o.folder} failed (${String((cause as Error).message)}), and so did writing the tail again (${String((error as Error).message)})`, error);
      throw this.frozen;
    }
  }

  #rewriteTail(cause: unknown): void {
    if (!this.#tail.isWhole) throw cause;
    const entries = this.#tail.entries;
    const old = this.#ledger.segment;
    const now = this.#o.now();
    this.#payloads.abandon();
    const flags = SEGMENT_AFTER_FAULT | (entries.length > 0 ? SEGMENT_REWRITE : 0);
    this.#ledger.start({ flags, firstLsn: this.#tail.baseLsn + 1, head: this.#tail.baseChain, ...now });
    const rewound = new Set<string>();
    for (const e of entries) {
      if (rewound.has(e.session)) continue;
      rewound.add(e.session);
      this.#catalogue.rewind(this.#catalogue.session(e.session), e.seq);
    }
    old.lastLsn = this.#tail.baseLsn;
    old.head = Buffer.from(this.#tail.baseChain);
    this.#catalogue.segments.push(this.#ledger.segment);
    for (const e of entries) this.#rewriteEntry(e);
    this.note({ type: "rewritten", index: old.index, fromLsn: this.#tail.baseLsn + 1, toLsn: entries.at(-1)?.lsn ?? this.#tail.baseLsn, why: String((cause as Error)?.message ?? cause) });
  }

  #rewriteEntry(e: ReturnType<Tail["find"]> & object): void {
    const { frame } = e;
    let place = { no: frame.readUInt32LE(8), position: frame.readUInt32LE(12) };
    if (e.payload !== null) place = this.#payloads.append(e.session, e.seq, e.salt!, e.payload, null);
    restamp(frame, place.no, place.position, this.#ledger.segment.seed);
    const at = this.#ledger.record(frame, e.lsn, e.wallMs);
    const number = (position: number): number => frame.readUInt32LE(position) + frame.readUInt32LE(position + 4) * 0x1_0000_0000;
    this.#catalogue.note(this.#catalogue.session(e.session), this.#ledger.segment, at, {
      flags: frame[49]!, lsn: e.lsn, seq: e.seq, stream: frame.readUInt16LE(54), offset: number(88), payloadBytes: frame.readUInt32LE(96),
    });
  }

  /** Seals the segment, makes it durable and begins the next one. */
  #rotate(): void {
    const { wallMs } = this.#o.now();
    this.#rotateAsked = false;
    try {
      this.#ledger.seal(wallMs, true);
    } catch (error) {
      throw this.#writeFailed(error, "the seal");
    }
    const old = this.#ledger.segment;
    const fileBytes = this.#ledger.position;
    try {
      this.#payloads.syncNow();
      this.#ledger.syncNow();
      this.#advance(this.#ledger.lastLsn, this.#ledger.chain);
      // A sidecar ends the redoing of erasures: they are done and synced before it is written.
      this.#ledger.syncNow();
      this.syncErasures();
    } catch (cause) {
      this.#rewriteOrFreeze(cause);
      return;
    }
    try {
      this.#ledger.start({ flags: 0, firstLsn: this.#ledger.lastLsn + 1, head: Buffer.from(this.#ledger.chain), ...this.#o.now() });
    } catch (error) {
      this.#ledger.isBroken = true;
      throw this.#writeFailed(error, "a new ledger segment");
    }
    this.#catalogue.segments.push(this.#ledger.segment);
    saveQuietly(this.#disk, `${this.#o.folder}/ledger`, this.#catalogue, old, fileBytes);
    this.#sealDueNs = null;
    if (!this.#sync.isRunning) this.#ledger.closeRetired();
    this.#sync.settle();
  }

  #rewriteOrFreeze(cause: unknown): void {
    try {
      this.#rewriteTail(cause);
      this.#payloads.syncNow();
      this.#ledger.syncNow();
      this.#advance(this.#ledger.lastLsn, this.#ledger.chain);
      this.#mustRewrite = false;
    } catch (error) {
      this.#mustRewrite = true;
      throw this.#writeFailed(error, "the unsynced tail");
    }
  }

  seal(): void {
    if (this.frozen !== null) throw this.#refusal();
    if (this.#ledger.isEmpty) return;
    if (!this.#sync.isRunning) return this.#rotate();
    this.tick();
    this.#rotateAsked = true;
  }

  get nextWakeNs(): bigint | null { return this.frozen === null && this.#ledger.hasUnsealed ? this.#sealDueNs : null; }

  tick(): void {
    this.#sealDueNs = null;
    if (this.frozen !== null || !this.#ledger.hasUnsealed) return;
    try {
      this.#ledger.seal(this.#o.now().wallMs, false);
    } catch (error) {
      throw this.#writeFailed(error, "a seal");
    }
  }

  head(): { lsn: number; chain: Uint8Array; signature: Uint8Array } {
    const lsn = this.#ledger.lastLsn;
    const chain = Buffer.from(this.#ledger.chain);
    if (this.#signedHead?.lsn !== lsn) this.#signedHead = { lsn, signature: this.#signer.head("head", lsn, chain) };
    return { lsn, chain, signature: this.#signedHead.signature };
  }

  read(session: string, afterSeq: number, maxBytes: number): (Entry | Gap)[] {
    const s = this.#catalogue.sessions.get(session);
    return s === undefined || s.removed ? [] : this.#reader.read(s, afterSeq, maxBytes);
  }

  seqAtOffset(session: string, stream: number, offset: number): number | null {
    const s = this.#catalogue.sessions.get(session);
    return s === undefined || s.removed ? null : this.#reader.seqAtOffset(s, stream, offset);
  }

  #rebuild(range: Range): void { rebuildRange(this.#disk, `${this.#o.folder}/ledger`, this.#catalogue, range.segment); this.#reader.forget(range.segment.index); }

  erase(session: string, seqs: readonly number[]): number {
    const s = this.#catalogue.sessions.get(session);
    if (s === undefined || s.removed) return 0;
    if (this.frozen !== null) throw this.#refusal();
    const present = seqs.filter((seq) => this.#found(s, seq, (entry) => entry.payloadState === "present") === true);
    if (present.length === 0) return 0;
    this.note({ type: "erased", session, seqs: present });
    let erasing = this.#erasing.get(session);
    if (erasing === undefined) this.#erasing.set(session, (erasing = new Set()));
    for (const seq of present) erasing.add(seq);
    this.#whenDurable(() => {
      for (const seq of present) erasing.delete(seq);
      if (erasing.size === 0 && this.#erasing.get(session) === erasing) this.#erasing.delete(session);
      this.redo(s, present);
    });
    return present.length;
  }

  #found<T>(s: SessionState, seq: number, use: (entry: Entry, found: Found, range: Range) => T): T | null {
    const range = s.ranges[this.#catalogue.rangeFrom(s, seq)];
    if (range === undefined || seq < range.firstSeq) return null;
    const found = this.#reader.find(s, range, seq - range.firstSeq);
    if (found === null) return null;
    const entry = this.#reader.entry(range, found, 0);
    this.#payloads.dropWindow();
    return use(entry, found, range);
  }

  /** The erasure itself, for what the ledger already says; also of what an earlier life left half erased. */
  redo(s: SessionState, seqs: readonly number[]): void {
    for (const seq of seqs) {
      try {
        this.#found(s, seq, (entry, found, range) => this.#eraseOne(s, entry, found, range));
      } catch (error) {
        // A promise not kept yet: the journal stops, and tries again after the next sync.
        this.#writeFailed(error, `erasure of ${s.id} ${seq}`);
        this.#deferred.push({ lsn: this.durableLsn, run: () => this.redo(s, [seq]) });
      }
    }
  }

  #eraseOne(s: SessionState, entry: Entry, { record }: Found, range: Range): void {
    if (entry.payloadState !== "present" && entry.payloadState !== "damaged") return;
    const held = this.#tail.find(record.lsn);
    if ((record.flags & INLINE) !== 0) {
      this.#ledger.erase(range.segment, this.#reader.positionOf(range, record.seq - range.firstSeq) + record.inlineAt, INLINE_HEAD + record.payloadBytes);
      held?.frame.fill(0, record.inlineAt);
    } else {
      this.#payloads.erase(s.id, record.fileNo, record.filePosition, record.seq, record.payloadBytes);
      if (held !== undefined) held.payload = held.salt = null;
    }
    this.#reader.forget(range.segment.index);
  }

  prune(session: string, keepFromSeq: number): Gap[] {
    const s = this.#catalogue.sessions.get(session);
    if (s === undefined || s.removed) return [];
    s.keepFromSeq = keepFromSeq;
    if (this.frozen !== null) return [];
    const gaps: Gap[] = [];
    const gone = this.#payloads.prunable(session, this.#o.payloadBytes ?? DEFAULT_PAYLOAD_BYTES, keepFromSeq);
    if (gone.length > 0) {
      const next = this.#payloads.files(session)[gone.length]!;
      const fromSeq = gone[0]!.firstSeq;
      this.note({ type: "pruned-payload", session, throughFile: gone.at(-1)!.no, fromSeq, toSeq: next.firstSeq - 1 });
      this.#payloads.unlist(session, gone);
      this.#whenDurable(() => this.#payloads.drop(gone));
      gaps.push({ gap: true, fromSeq, toSeq: next.firstSeq - 1, reason: "pruned" });
    }
    const now = this.#o.now();
    const horizonMs = now.wallMs - (this.#o.recordDays ?? 90) * DAY_MS;
    const before = s.ranges[0]?.firstSeq ?? s.nextSeq;
    for (const index of pruneRecords(this.#disk, this.#o.folder, this.#catalogue, this.#ledger.segment, horizonMs, this.#signer, now.wallMs, (event) => this.note(event))) this.#reader.forget(index);
    const after = s.ranges[0]?.firstSeq ?? s.nextSeq;
    if (after > before) gaps.unshift({ gap: true, fromSeq: before, toSeq: after - 1, reason: "pruned" });
    return gaps;
  }

  remove(session: string): void {
    const s = this.#catalogue.sessions.get(session);
    if (s === undefined || s.removed || session === OWN_SESSION) return;
    if (this.frozen !== null) throw this.#refusal();
    const files = [...this.#payloads.files(session)];
    this.note({ type: "removed", session, throughFile: files.at(-1)?.no ?? 0, nextSeq: s.nextSeq });
    const { ranges } = s;
    this.#ledger.segment.removed.push([session, s.nextSeq]);
    this.#catalogue.forget(session, s.nextSeq);
    this.#payloads.unlist(session, files);
    this.#folds.remove(session);
    this.#whenDurable(() => this.wipe({ ...s, ranges }, files));
  }

  /** Takes a removed session's payloads off the disk. */
  wipe(s: SessionState, files: readonly PayloadFile[]): void {
    for (const r of s.ranges) if (r.inlineBytes > 0) this.redo(s, Array.from({ length: r.count }, (_, i) => r.firstSeq + i));
    this.#payloads.drop(files);
  }

  /** What was erased is off the device when this returns. */
  syncErasures(): void {
    this.#payloads.syncNow();
    this.#ledger.syncErasedNow();
  }

  saveFold(session: string, seq: number, blob: Uint8Array): void {
    const mark = this.#foldMark(session, seq);
    if (mark !== null) this.#folds.save(session, seq, mark, blob);
  }

  loadFold(session: string): { seq: number; blob: Uint8Array } | null {
    const fold = this.#folds.load(session);
    if (fold === null) return null;
    const mark = this.#foldMark(session, fold.seq);
    return mark !== null && mark.equals(fold.mark) ? { seq: fold.seq, blob: fold.blob } : null;
  }

  /** What ties a fold to its record: after a power cut another record may have that seq. */
  #foldMark(session: string, seq: number): Buffer | null {
    const s = this.#catalogue.sessions.get(session);
    if (s === undefined || s.removed || seq >= s.nextSeq || seq < 0) return null;
    if (seq === 0) return Buffer.alloc(32);
    const range = s.ranges[this.#catalogue.rangeFrom(s, seq)];
    if (range === undefined || seq < range.firstSeq) return createHash("sha256").update(`${session} ${seq}`).digest();
    return Buffer.from(this.#reader.find(s, range, seq - range.firstSeq)?.record.chain ?? Buffer.alloc(32, 0xff));
  }

  thaw(): boolean {
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

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#sync.idle();
    try {
      if (this.frozen === null) {
        this.#ledger.seal(this.#o.now().wallMs, true);
        const old = this.#ledger.segment;
        await this.syncOnce();
        // Erasures that waited for this sync are work of their own.
        await this.syncOnce();
        if (old === this.#ledger.segment) saveQuietly(this.#disk, `${this.#o.folder}/ledger`, this.#catalogue, old, this.#ledger.position);
      }
    } finally {
      const fault = new JournalError("journal_unwritable", "the journal is closed");
      this.frozen ??= fault;
      this.#sync.rejectAll(fault);
      this.#reader.close();
      this.#payloads.close();
      this.#ledger.close();
    }
  }
}

function checkDraft(d: EntryDraft): void {
  const bounded = (text: string, max: number, what: string, min = 0): void => {
    if (text.length * 3 > max && Buffer.byteLength(text) > max || text.length < min) throw new RangeError(`journal: ${what} is ${min} to ${max} bytes of UTF-8`);
  };
  bounded(d.session, MAX_SESSION, "session", 1);
  bounded(d.actor, MAX_ACTOR, "actor", 1);
  bounded(d.via, MAX_VIA, "via");
  if (d.meta.length > MAX_META) throw new RangeError(`journal: meta is at most ${MAX_META} bytes, not ${d.meta.length}`);
  if ((d.payload?.length ?? 0) > MAX_PAYLOAD) throw new RangeError(`journal: payload is at most ${MAX_PAYLOAD} bytes, not ${d.payload!.length}`);
  if (!(d.kind >= 0 && d.kind <= 255) || !((d.stream ?? 0) >= 0 && (d.stream ?? 0) <= 0xffff)) throw new RangeError("journal: kind is 0 to 255, stream 0 to 65535");
}
