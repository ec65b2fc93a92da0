/** The journal of a running host: reading, erasing, retention and folds over what the {@link Writer} writes. */
import { createHash } from "node:crypto";
import { chainAt } from "./chain-at.ts";
import type { Catalogue, Range, Segment, SessionState } from "./catalogue.ts";
import type { Disk } from "./disk.ts";
import { FoldStore } from "./fold.ts";
import { INLINE, INLINE_HEAD } from "./format.ts";
import type {
  Entry,
  EntryDraft,
  Gap,
  Journal,
  JournalFault,
  JournalMark,
  JournalOptions,
  Overdue,
  SessionTail,
} from "./journal.ts";
import type { Ledger, Signer } from "./ledger.ts";
import { ERASED_SEQS, OWN_SESSION } from "./own.ts";
import type { PayloadFile, PayloadStore } from "./payload-store.ts";
import { type Found, Reader } from "./reader.ts";
import { rebuildRange } from "./rebuild.ts";
import type { Recovered } from "./recover.ts";
import { due, holders, type RecordBounds, removeSegments } from "./retention.ts";
import type { Writer } from "./writer.ts";

const DEFAULT_PAYLOAD_BYTES = 64 * 1024 * 1024;
/** 90 days of one person's typing are 0.6 GiB; a program that repaints ten times a second fills this in 12 days. */
const DEFAULT_RECORD_BYTES = 2 * 1024 * 1024 * 1024;
const DAY_MS = 86_400_000;

export class LiveJournal implements Journal {
  readonly recovery: readonly string[];
  readonly #disk: Disk;
  readonly #o: JournalOptions;
  readonly #signer: Signer;
  readonly #catalogue: Catalogue;
  readonly #ledger: Ledger;
  readonly #payloads: PayloadStore;
  readonly #writer: Writer;
  readonly #reader: Reader;
  readonly #folds: FoldStore;
  /** Sessions and seqs whose erasure is recorded and not yet done: they read as redacted. */
  readonly #erasing = new Map<string, Set<number>>();
  /** {@link JournalMark}. */
  #told = 0;
  #done = 0;
  #signedHead: { lsn: number; signature: Uint8Array } | null = null;
  #closed = false;

  constructor(
    disk: Disk,
    options: JournalOptions,
    signer: Signer,
    recovered: Recovered,
    ledger: Ledger,
    payloads: PayloadStore,
    writer: Writer,
  ) {
    this.#disk = disk;
    this.#o = options;
    this.#signer = signer;
    this.#catalogue = recovered.catalogue;
    this.#ledger = ledger;
    this.#payloads = payloads;
    this.#writer = writer;
    this.recovery = recovered.notes;
    this.#folds = new FoldStore(disk, `${options.folder}/fold`);
    this.#reader = new Reader(
      disk,
      `${options.folder}/ledger`,
      this.#catalogue,
      payloads,
      (range) => this.#rebuild(range),
      this.#erasing,
    );
  }

  tails(): SessionTail[] {
    return [...this.#catalogue.sessions.values()].filter((s) => !s.removed && s.nextSeq > 1).map((s) => this.#tailOf(s));
  }

  tail(session: string): SessionTail | null {
    const s = this.#catalogue.sessions.get(session);
    return s === undefined || s.removed || s.nextSeq === 1 ? null : this.#tailOf(s);
  }

  isRemoved(session: string): boolean {
    return this.#catalogue.sessions.get(session)?.removed ?? false;
  }

  #tailOf(s: SessionState): SessionTail {
    const inline = s.ranges.reduce((sum, r) => sum + r.inlineBytes, 0);
    return {
      session: s.id,
      firstSeq: s.ranges[0]?.firstSeq ?? s.nextSeq,
      lastSeq: s.nextSeq - 1,
      streams: this.#catalogue.streams(s),
      payloadBytes: inline + this.#payloads.bytes(s.id),
    };
  }

  append(draft: EntryDraft): Entry {
    return this.#writer.append(draft);
  }
  durable(lsn: number): Promise<void> {
    return this.#writer.durable(lsn);
  }
  seal(): void {
    this.#writer.seal();
  }
  tick(): void {
    this.#writer.tick();
  }
  thaw(): boolean {
    return this.#writer.thaw();
  }
  get frozen(): JournalFault | null {
    return this.#writer.frozen;
  }
  get durableLsn(): number {
    return this.#writer.durableLsn;
  }
  get unsyncedBytes(): number {
    return this.#writer.tail.bytes;
  }
  get nextWakeNs(): bigint | null {
    return this.#writer.nextWakeNs;
  }

  mark(): JournalMark {
    const { segment, position, lastLsn } = this.#ledger;
    return { segment: segment.index, bytes: position, lsn: lastLsn, told: this.#told, done: this.#done };
  }

  sessions(): string[] {
    return [...this.#catalogue.sessions.values()].filter((s) => !s.removed && s.nextSeq > 1).map((s) => s.id);
  }

  segmentsOf(session: string): number[] {
    const ranges = this.#catalogue.sessions.get(session)?.ranges ?? [];
    return [...new Set(ranges.map((r) => r.segment.index))];
  }

  head(): { lsn: number; chain: Uint8Array; signature: Uint8Array } {
    const lsn = this.#ledger.lastLsn;
    const chain = Buffer.from(this.#ledger.chain);
    if (this.#signedHead?.lsn !== lsn) this.#signedHead = { lsn, signature: this.#signer.head("head", lsn, chain) };
    return { lsn, chain, signature: this.#signedHead.signature };
  }

  get durableHead(): { lsn: number; chain: Uint8Array } | null {
    const { baseLsn, baseChain } = this.#writer.tail;
    // A life begins with what the one before appended: that is durable with the first sync.
    return baseLsn === 0 || this.#writer.durableLsn < baseLsn ? null : { lsn: baseLsn, chain: Buffer.from(baseChain) };
  }

  get lastLsn(): number {
    return this.#ledger.lastLsn;
  }

  chainAt(lsn: number): Uint8Array | null {
    if (lsn === this.#ledger.lastLsn) return Buffer.from(this.#ledger.chain);
    return chainAt(this.#disk, `${this.#o.folder}/ledger`, this.#catalogue.segments, lsn);
  }

  get pruned(): { lsn: number; chain: Uint8Array } | null {
    const { prunedLsn: lsn, prunedHead: chain } = this.#catalogue;
    return lsn === 0 ? null : { lsn, chain };
  }

  read(session: string, afterSeq: number, maxBytes: number): (Entry | Gap)[] {
    const s = this.#catalogue.sessions.get(session);
    return s === undefined || s.removed ? [] : this.#reader.read(s, afterSeq, maxBytes);
  }

  seqAtOffset(session: string, stream: number, offset: number): number | null {
    const s = this.#catalogue.sessions.get(session);
    return s === undefined || s.removed ? null : this.#reader.seqAtOffset(s, stream, offset);
  }

  #rebuild(range: Range): void {
    rebuildRange(this.#disk, `${this.#o.folder}/ledger`, this.#catalogue, range.segment);
    this.#reader.forget(range.segment.index);
  }

  erase(session: string, seqs: readonly number[]): readonly number[] {
    const s = this.#catalogue.sessions.get(session);
    if (s === undefined || s.removed) return [];
    if (this.#writer.refuses) throw this.#writer.refusal();
    const present = seqs.filter((seq) => this.#isPresent(s, seq));
    for (let from = 0; from < present.length; from += ERASED_SEQS) this.#eraseNoted(s, present.slice(from, from + ERASED_SEQS));
    return present;
  }

  #eraseNoted(s: SessionState, seqs: readonly number[]): void {
    this.#writer.note({ type: "erased", session: s.id, seqs });
    this.#told++;
    this.#writer.whenDurable(this.#counted(this.#erasure(s, seqs)));
  }

  /** From now on they read as redacted. What is returned erases them, and is true when none is left to do. */
  #erasure(s: SessionState, seqs: readonly number[]): () => boolean {
    let erasing = this.#erasing.get(s.id);
    if (erasing === undefined) this.#erasing.set(s.id, (erasing = new Set()));
    for (const seq of seqs) erasing.add(seq);
    let left = seqs;
    return () => {
      const failed = new Set(this.#eraseAll(s, left));
      for (const seq of left) if (!failed.has(seq)) erasing.delete(seq);
      if (erasing.size === 0 && this.#erasing.get(s.id) === erasing) this.#erasing.delete(s.id);
      left = [...failed];
      return left.length === 0;
    };
  }

  /** {@link JournalMark}: it is done when it is done wholly. */
  #counted(run: () => boolean): () => boolean {
    return () => {
      const isDone = run();
      if (isDone) this.#done++;
      return isDone;
    };
  }

  #found(s: SessionState, seq: number): { readonly range: Range; readonly found: Found } | null {
    const range = s.ranges[this.#catalogue.rangeFrom(s, seq)];
    if (range === undefined || seq < range.firstSeq) return null;
    const found = this.#reader.find(s, range, seq - range.firstSeq);
    return found === null ? null : { range, found };
  }

  #isPresent(s: SessionState, seq: number): boolean {
    const at = this.#found(s, seq);
    if (at === null) return false;
    const { payloadState } = this.#reader.entry(at.range, at.found, 0);
    this.#payloads.dropWindow();
    return payloadState === "present";
  }

  /** What the ledger of an earlier life says is erased: that may have been half done, or in memory only. */
  redo(s: SessionState, seqs: readonly number[]): void {
    this.#orLater(this.#erasure(s, seqs));
  }

  #orLater(run: () => boolean): void {
    if (run()) return;
    this.#told++;
    this.#writer.later(this.#counted(run));
  }

  /** The erasure itself, of what the ledger already says; whatever is there is erased, also again. Returns those that failed. */
  #eraseAll(s: SessionState, seqs: readonly number[]): number[] {
    const touched = new Set<Segment>();
    const failed = seqs.filter((seq) => {
      try {
        const at = this.#found(s, seq);
        if (at === null || at.found.record.payloadBytes === 0) return false;
        touched.add(at.range.segment);
        this.#eraseOne(s, at.found, at.range);
        return false;
      } catch (error) {
        // A promise not kept yet: the journal stops, and tries again after the next sync.
        this.#writer.writeFailed(error, `erasure of ${s.id} ${seq}`);
        return true;
      }
    });
    for (const { index } of touched) this.#reader.forget(index);
    return failed;
  }

  #eraseOne(s: SessionState, { record }: Found, range: Range): void {
    const held = this.#writer.tail.find(record.lsn);
    if ((record.flags & INLINE) !== 0) {
      this.#ledger.erase(
        range.segment,
        this.#reader.positionOf(range, record.seq - range.firstSeq) + record.inlineAt,
        INLINE_HEAD + record.payloadBytes,
      );
      held?.frame.fill(0, record.inlineAt);
    } else {
      this.#payloads.erase(s.id, record.fileNo, record.filePosition, record.seq, record.payloadBytes);
      if (held !== undefined) held.payload = held.salt = null;
    }
  }

  prune(session: string, keepFromSeq: number, recordsFromSeq = keepFromSeq): Gap[] {
    const s = this.#catalogue.sessions.get(session);
    if (s === undefined || s.removed) return [];
    s.keepFromSeq = recordsFromSeq;
    if (this.#writer.refuses) return [];
    const gaps: Gap[] = [];
    const gone = this.#payloads.prunable(session, this.#o.payloadBytes ?? DEFAULT_PAYLOAD_BYTES, keepFromSeq);
    if (gone.length > 0) gaps.push(this.#dropPayloads(session, gone));
    const before = s.ranges[0]?.firstSeq ?? s.nextSeq;
    this.pruneRecords();
    const after = s.ranges[0]?.firstSeq ?? s.nextSeq;
    if (after > before) gaps.unshift({ gap: true, fromSeq: before, toSeq: after - 1, reason: "pruned" });
    return gaps;
  }

  /** Takes files out of the listing now; they leave the disk when the record that says so is durable. */
  #dropPayloads(session: string, gone: readonly PayloadFile[]): Gap {
    const next = this.#payloads.files(session)[gone.length]!;
    const fromSeq = gone[0]!.firstSeq;
    const toSeq = next.firstSeq - 1;
    this.#writer.note({ type: "pruned-payload", session, throughFile: gone.at(-1)!.no, fromSeq, toSeq });
    this.#payloads.unlist(session, gone);
    this.#writer.whenDurable(() => this.#chore(() => this.#payloads.dropLater(gone)));
    return { gap: true, fromSeq, toSeq, reason: "pruned" };
  }

  #bounds(): RecordBounds {
    return {
      horizonMs: this.#o.now().wallMs - (this.#o.recordDays ?? 90) * DAY_MS,
      bytes: this.#o.recordBytes ?? DEFAULT_RECORD_BYTES,
    };
  }

  pruneRecords(): Overdue[] {
    if (this.#writer.refuses) return [];
    const segments = due(this.#catalogue, this.#ledger.segment, this.#bounds());
    if (segments.length === 0) return [];
    const held = holders(this.#catalogue, segments);
    this.#dropRecords(segments, new Set(held.values()));
    return Array.from(held.keys(), (session) => ({
      session,
      isWhole: segments.includes(this.#catalogue.session(session).ranges.at(-1)!.segment),
    }));
  }

  #dropRecords(segments: readonly Segment[], held: ReadonlySet<Segment>): void {
    const end = segments.findIndex((segment) => held.has(segment));
    const gone = end === -1 ? segments : segments.slice(0, end);
    const last = gone.at(-1);
    if (last === undefined) return;
    this.#writer.note({
      type: "pruned-records",
      throughIndex: last.index,
      throughLsn: last.lastLsn,
      head: last.head.toString("hex"),
    });
    const marker = {
      throughIndex: last.index,
      throughLsn: last.lastLsn,
      head: last.head,
      wallMs: this.#o.now().wallMs,
      signature: this.#signer.head("pruned", last.lastLsn, last.head),
    };
    for (const segment of gone) {
      this.#catalogue.dropSegment(segment);
      this.#reader.forget(segment.index);
    }
    this.#catalogue.prunedLsn = last.lastLsn;
    this.#catalogue.prunedHead = last.head;
    // Bytes whose records are gone can't be read any more.
    for (const s of this.#catalogue.sessions.values()) {
      const files = this.#payloads.before(s.id, s.ranges[0]?.firstSeq ?? 0);
      if (files.length > 0) this.#dropPayloads(s.id, files);
    }
    this.#told++;
    this.#writer.whenDurable(() =>
      this.#chore(() => removeSegments(this.#disk, `${this.#o.folder}/ledger`, gone, marker).finally(() => this.#done++)),
    );
  }

  /** Work for the disk that nobody waits for, one after the other; what fails is the next start's. */
  #chore(run: () => Promise<void>): true {
    this.#chores = this.#chores.then(run).catch(() => undefined);
    return true;
  }
  #chores: Promise<void> = Promise.resolve();

  remove(session: string): void {
    const gone = this.#forget(session);
    if (gone === null) return;
    this.#told++;
    this.#writer.whenDurable(this.#counted(this.#wiping(gone.state, gone.files)));
  }

  expire(session: string): void {
    const gone = this.#forget(session);
    if (gone === null) return;
    this.#told++;
    this.#writer.whenDurable(() => this.#chore(() => this.#payloads.dropLater(gone.files).finally(() => this.#done++)));
  }

  #forget(session: string): { state: SessionState; files: readonly PayloadFile[] } | null {
    const s = this.#catalogue.sessions.get(session);
    if (s === undefined || s.removed || session === OWN_SESSION) return null;
    if (this.#writer.refuses) throw this.#writer.refusal();
    const files = [...this.#payloads.files(session)];
    this.#writer.note({ type: "removed", session, throughFile: files.at(-1)?.no ?? 0, nextSeq: s.nextSeq });
    const { ranges } = s;
    this.#ledger.segment.removed.push([session, s.nextSeq]);
    this.#catalogue.forget(session, s.nextSeq);
    this.#payloads.unlist(session, files);
    this.#folds.remove(session);
    return { state: { ...s, ranges }, files };
  }

  /** What the ledger of an earlier life says is removed. */
  wipe(s: SessionState, files: readonly PayloadFile[]): void {
    this.#orLater(this.#wiping(s, files));
  }

  /** Takes a removed session's payloads off the disk, and is true when none is left. */
  #wiping(s: SessionState, files: readonly PayloadFile[]): () => boolean {
    let left = s.ranges
      .filter((r) => r.inlineBytes > 0)
      .flatMap((r) => Array.from({ length: r.count }, (_, i) => r.firstSeq + i));
    let kept = files;
    return () => {
      left = this.#eraseAll(s, left);
      kept = this.#payloads.drop(kept);
      return left.length + kept.length === 0;
    };
  }

  saveFold(session: string, seq: number, blob: Uint8Array): boolean {
    const mark = this.#foldMark(session, seq);
    return mark !== null && this.#folds.save(session, seq, mark, blob);
  }

  loadFold(session: string): { seq: number; blob: Uint8Array } | null {
    const fold = this.#folds.load(session);
    if (fold === null) return null;
    const mark = this.#foldMark(session, fold.seq);
    return mark?.equals(fold.mark) ? { seq: fold.seq, blob: fold.blob } : null;
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

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#writer.close();
      await this.#chores;
    } finally {
      this.#reader.close();
      this.#payloads.close();
      this.#ledger.close();
    }
  }
}
