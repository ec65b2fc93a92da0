/**
 * Reads a session out of the interleaved ledger: positions from the catalogue (memory or sidecar), records in windows of up to
 * 64 KiB, payload frames in windows of up to 256 KiB. Every record is checked against its CRC, session and seq before it is shown.
 */
import type { Catalogue, Range, SessionState } from "./catalogue.ts";
import type { Disk } from "./disk.ts";
import {
  checkFrame,
  decodeRecord,
  HAS_STREAM,
  INLINE,
  indexName,
  inlinePayload,
  type LedgerRecord,
  MAX_FRAME,
  segmentName,
  TYPE_RECORD,
} from "./format.ts";
import { Handles } from "./handles.ts";
import type { Entry, Gap, PayloadState } from "./journal.ts";
import type { PayloadStore } from "./payload-store.ts";
import { readWhole } from "./transfer.ts";

const WINDOW = 64 * 1024;
/** Read past the last known position, as its length is not known: most records are shorter. */
const TAIL_GUESS = 1024;
const POSITIONS = 1024;
/** What an entry costs a reader beside its payload, so that a run of empty ones ends too. */
const ENTRY_COST = 64;
const NOTHING = new Uint8Array(0);
const ERASED = { state: "redacted", payload: NOTHING } as const;

export interface Found {
  readonly bytes: Buffer;
  readonly at: number;
  readonly record: LedgerRecord;
}

export class Reader {
  readonly #folder: string;
  readonly #catalogue: Catalogue;
  readonly #payloads: PayloadStore;
  readonly #segments: Handles;
  readonly #sidecars: Handles;
  readonly #rebuild: (range: Range) => void;
  readonly #erasing: ReadonlyMap<string, ReadonlySet<number>>;
  #positions: { range: Range | null; from: number; values: Uint32Array } = { range: null, from: 0, values: new Uint32Array(0) };
  #window: { range: Range | null; from: number; bytes: Buffer } = { range: null, from: 0, bytes: Buffer.alloc(0) };

  constructor(
    disk: Disk,
    folder: string,
    catalogue: Catalogue,
    payloads: PayloadStore,
    rebuild: (range: Range) => void,
    erasing: ReadonlyMap<string, ReadonlySet<number>>,
  ) {
    this.#folder = folder;
    this.#catalogue = catalogue;
    this.#payloads = payloads;
    this.#segments = new Handles(disk, 16);
    this.#sidecars = new Handles(disk, 16);
    this.#rebuild = rebuild;
    this.#erasing = erasing;
  }

  /** The sidecar or segment was written again or removed. */
  forget(index: number): void {
    this.#segments.drop(`${this.#folder}/${segmentName(index)}`);
    this.#sidecars.drop(`${this.#folder}/${indexName(index)}`);
    this.#reset();
  }

  #reset(): void {
    this.#positions = { range: null, from: 0, values: new Uint32Array(0) };
    this.#window = { range: null, from: 0, bytes: Buffer.alloc(0) };
  }

  /** Position of the i-th record of a range; 0 if unknown. */
  #position(range: Range, i: number): number {
    if (range.positions !== null) return range.positions[i] ?? 0;
    const p = this.#positions;
    if (p.range === range && i >= p.from && i < p.from + p.values.length) return p.values[i - p.from]!;
    const count = Math.min(POSITIONS, range.count - i);
    const bytes = Buffer.alloc(count * 4);
    try {
      readWhole(this.#sidecars.get(`${this.#folder}/${indexName(range.segment.index)}`), bytes, range.at + i * 4);
    } catch {
      return 0;
    }
    const values = Uint32Array.from({ length: count }, (_, k) => bytes.readUInt32LE(k * 4));
    this.#positions = { range, from: i, values };
    return values[0]!;
  }

  positionOf(range: Range, i: number): number {
    return this.#position(range, i);
  }

  /** The i-th record of a range, or null if it is damaged. `ahead`: about so many bytes are wanted from here on. */
  find(s: SessionState, range: Range, i: number, ahead = 0): Found | null {
    const found = this.#tryFind(s, range, i, ahead);
    if (found !== null || range.positions !== null) return found;
    this.#rebuild(range);
    this.#reset();
    return this.#tryFind(s, range, i, ahead);
  }

  #tryFind(s: SessionState, range: Range, i: number, ahead: number): Found | null {
    const position = this.#position(range, i);
    if (position === 0) return null;
    try {
      return this.#check(s, range, i, position, TAIL_GUESS, ahead) ?? this.#check(s, range, i, position, MAX_FRAME, ahead);
    } catch {
      return null;
    }
  }

  #check(s: SessionState, range: Range, i: number, position: number, guess: number, ahead: number): Found | null {
    const bytes = this.#load(range, i, position, guess, Math.min(WINDOW, ahead));
    const at = position - this.#window.from;
    const frame = checkFrame(bytes, at, bytes.length, range.segment.seed);
    if (!frame.ok || frame.type !== TYPE_RECORD) {
      this.#window.range = null;
      return null;
    }
    const record = decodeRecord(bytes, at);
    return record.session === s.id && record.seq === range.firstSeq + i ? { bytes, at, record } : null;
  }

  #load(range: Range, i: number, position: number, guess: number, window: number): Buffer {
    const w = this.#window;
    if (w.range === range && position >= w.from && position + guess <= w.from + w.bytes.length) return w.bytes;
    let end = position;
    for (let k = i + 1; k < range.count; k++) {
      const next = this.#position(range, k);
      if (next <= end || next - position > window) break;
      end = next;
    }
    const bytes = Buffer.allocUnsafe(end - position + guess);
    const file = this.#segments.get(`${this.#folder}/${segmentName(range.segment.index)}`);
    this.#window = { range, from: position, bytes: bytes.subarray(0, readWhole(file, bytes, position)) };
    return this.#window.bytes;
  }

  read(s: SessionState, afterSeq: number, maxBytes: number): (Entry | Gap)[] {
    const out: (Entry | Gap)[] = [];
    let seq = Math.max(0, Math.trunc(afterSeq)) + 1;
    let cost = 0;
    let entries = 0;
    const gap = (toSeq: number, reason: Gap["reason"]): void => {
      const last = out.at(-1);
      if (last !== undefined && "gap" in last && last.reason === reason && last.toSeq + 1 === seq)
        out[out.length - 1] = { ...last, toSeq };
      else out.push({ gap: true, fromSeq: seq, toSeq, reason });
      seq = toSeq + 1;
    };
    try {
      let r = this.#catalogue.rangeFrom(s, seq);
      for (; r >= 0 && r < s.ranges.length; r++) {
        const range = s.ranges[r]!;
        if (range.firstSeq > seq) gap(range.firstSeq - 1, r === 0 && this.#catalogue.prunedLsn > 0 ? "pruned" : "damaged");
        while (seq < range.firstSeq + range.count) {
          if (entries > 0 && cost >= maxBytes) return out;
          const found = this.find(s, range, seq - range.firstSeq, maxBytes - cost);
          if (found === null) {
            gap(seq, "damaged");
            continue;
          }
          const entry = this.entry(range, found, maxBytes - cost);
          out.push(entry);
          cost += entry.payload.length + entry.meta.length + ENTRY_COST;
          entries++;
          seq++;
        }
      }
      if (seq < s.nextSeq) gap(s.nextSeq - 1, s.ranges.length === 0 && this.#catalogue.prunedLsn > 0 ? "pruned" : "lost");
      return out;
    } finally {
      this.#window.range = null;
      this.#positions.range = null;
      this.#payloads.dropWindow();
    }
  }

  entry(range: Range, found: Found, ahead: number): Entry {
    const r = found.record;
    const isErased = this.#erasing.size > 0 && this.#erasing.get(r.session)?.has(r.seq) === true;
    const { state, payload } = isErased ? ERASED : this.#payload(range, found, ahead);
    return {
      session: r.session,
      seq: r.seq,
      lsn: r.lsn,
      kind: r.kind,
      actor: r.actor,
      via: r.via,
      stream: r.stream,
      offset: r.offset,
      meta: r.meta,
      payloadBytes: r.payloadBytes,
      payloadState: state,
      payload,
      wallMs: r.wallMs,
      monoNs: r.monoNs,
    };
  }

  #payload(range: Range, { bytes, at, record }: Found, ahead: number): { state: PayloadState; payload: Uint8Array } {
    if (record.payloadBytes === 0) return { state: "none", payload: NOTHING };
    const frame =
      (record.flags & INLINE) !== 0
        ? inlinePayload(bytes, at, record, range.segment.seed)
        : this.#payloads.read(record.session, record.fileNo, record.filePosition, record.seq, record.payloadBytes, ahead);
    return frame.state === "present" ? { state: "present", payload: frame.payload } : { state: frame.state, payload: NOTHING };
  }

  /** Seq of the last record of `stream` whose offset is ≤ `offset`. */
  seqAtOffset(s: SessionState, stream: number, offset: number): number | null {
    for (let r = s.ranges.length - 1; r >= 0; r--) {
      const range = s.ranges[r]!;
      const span = range.spans.find((x) => x.stream === stream);
      if (span === undefined || span.firstOffset > offset) continue;
      let low = 0;
      let high = range.count - 1;
      let best: number | null = null;
      while (low <= high) {
        const mid = (low + high) >> 1;
        let at = mid;
        let record: LedgerRecord | undefined;
        for (; at <= high; at++) {
          record = this.find(s, range, at)?.record;
          if (record !== undefined && record.stream === stream && (record.flags & HAS_STREAM) !== 0) break;
        }
        if (at > high || record === undefined || record.offset > offset) high = mid - 1;
        else {
          best = range.firstSeq + at;
          low = at + 1;
        }
      }
      this.#window.range = null;
      if (best !== null) return best;
    }
    return null;
  }

  close(): void {
    this.#segments.close();
    this.#sidecars.close();
  }
}
