/**
 * Which records a session has and where: the in-memory index, a fold over the ledger that the sidecar files (`*.idx`) shorten.
 *   C1  It is a cache of the ledger: losing every sidecar costs a scan and nothing else.
 *   C2  Sealed segments keep only ranges in memory; positions, 4 bytes a record, stay in the sidecar.
 *   C3  What is missing between ranges of a session is a gap, and its seqs are never given out again.
 */
import { HAS_STREAM, INLINE, type LedgerRecord, OWN } from "./format.ts";
import { OWN_SESSION } from "./own.ts";

export interface Damage {
  readonly fromByte: number;
  readonly toByte: number;
  readonly fromLsn: number;
  readonly toLsn: number;
  /** Of what a recovery wrote of itself (recover.ts R4): no session's record was lost in it. */
  readonly isOwn?: true;
}

export interface Segment {
  readonly index: number;
  readonly life: number;
  readonly firstLsn: number;
  /** CRC seed: the CRC of its salt. */
  readonly seed: number;
  readonly salt: Buffer;
  lastLsn: number;
  head: Buffer;
  /** Bytes up to the end of the last sound frame. */
  validBytes: number;
  sealed: boolean;
  lastWallMs: number;
  damage: Damage[];
  /** Sessions that `remove` forgot here, with the seq they go on from. */
  removed: [string, number][];
  skips: Skip[];
}

/** Damage that a life found and recorded. */
export interface Skip {
  readonly regions: readonly string[];
  readonly count: number;
  readonly beforeLsn: number;
}
export const regionKey = (file: string, fromByte: number): string => `${file}:${fromByte}`;

export interface StreamSpan {
  readonly stream: number;
  readonly firstOffset: number;
  endOffset: number;
}

/** A run of contiguous seqs of one session in one segment. */
export interface Range {
  readonly segment: Segment;
  readonly firstSeq: number;
  count: number;
  lastLsn: number;
  inlineBytes: number;
  spans: StreamSpan[];
  /** In memory while the segment is active or just scanned, else null and in the sidecar from byte `at`. */
  positions: number[] | null;
  at: number;
}

export interface SessionState {
  readonly id: string;
  ranges: Range[];
  nextSeq: number;
  lastLsn: number;
  removed: boolean;
  /** Nothing from here on may be pruned, as told by the last `prune`; 0 when it was not told in this life: then nothing may. */
  keepFromSeq: number;
}

const NO_SPANS: StreamSpan[] = [];

export class Catalogue {
  readonly sessions = new Map<string, SessionState>();
  readonly segments: Segment[] = [];
  /** Regions of damage that some life has recorded, as {@link regionKey}. */
  readonly announced = new Set<string>();
  /** Records up to here were dropped by retention. */
  prunedLsn = 0;
  /** The chain there. */
  prunedHead: Buffer = Buffer.alloc(32);

  session(id: string): SessionState {
    let s = this.sessions.get(id);
    if (s === undefined) this.sessions.set(id, (s = { id, ranges: [], nextSeq: 1, lastLsn: 0, removed: false, keepFromSeq: 0 }));
    return s;
  }

  /** Takes a record in; ignores one whose seq the session already has (a copied segment, a rewritten tail). */
  note(
    s: SessionState,
    segment: Segment,
    position: number,
    r: Pick<LedgerRecord, "flags" | "lsn" | "seq" | "stream" | "offset" | "payloadBytes">,
  ): void {
    if (r.seq < s.nextSeq) return;
    let range = s.ranges.at(-1);
    if (range === undefined || range.segment !== segment || range.firstSeq + range.count !== r.seq || range.positions === null) {
      range = { segment, firstSeq: r.seq, count: 0, lastLsn: 0, inlineBytes: 0, spans: NO_SPANS, positions: [], at: 0 };
      s.ranges.push(range);
    }
    range.positions!.push(position);
    range.count++;
    range.lastLsn = r.lsn;
    if ((r.flags & INLINE) !== 0) range.inlineBytes += r.payloadBytes;
    if ((r.flags & HAS_STREAM) !== 0) noteSpan(range, r.stream, r.offset, r.offset + r.payloadBytes);
    s.nextSeq = r.seq + 1;
    s.lastLsn = r.lsn;
    s.removed = false;
  }

  /** Takes back everything after `lsn`, for a tail that is written again elsewhere. */
  rewind(s: SessionState, fromSeq: number): void {
    let range = s.ranges.at(-1);
    while (range !== undefined && range.firstSeq + range.count > fromSeq) {
      if (range.firstSeq >= fromSeq) s.ranges.pop();
      else {
        range.count = fromSeq - range.firstSeq;
        range.positions!.length = range.count;
      }
      range = s.ranges.at(-1);
    }
    s.nextSeq = fromSeq;
  }

  forget(id: string, nextSeq: number): void {
    const s = this.session(id);
    s.ranges = [];
    s.nextSeq = Math.max(s.nextSeq, nextSeq);
    s.removed = true;
  }

  /** Records that damage hid: how many of those missing in `regions` no session's later records account for. */
  unaccounted(regions: readonly Damage[]): number {
    let missing = 0;
    for (const d of regions) missing += Math.max(0, d.toLsn - d.fromLsn + 1);
    for (const s of this.sessions.values()) {
      let lsn = 0;
      let next = 1;
      for (const range of s.ranges) {
        const hides =
          range.firstSeq > next &&
          (lsn > 0 || this.prunedLsn === 0) &&
          regions.some((d) => d.fromLsn > lsn && d.toLsn < range.lastLsn);
        if (hides) missing -= range.firstSeq - next;
        next = range.firstSeq + range.count;
        lsn = range.lastLsn;
      }
    }
    return Math.max(0, missing);
  }

  /** What is missing may be the newest of any session without later records: those seqs are not given out again (C3). */
  applySkip(skip: Skip): void {
    for (const key of skip.regions) this.announced.add(key);
    for (const s of this.sessions.values()) if (s.lastLsn < skip.beforeLsn && s.id !== OWN_SESSION) s.nextSeq += skip.count;
  }

  /** The range that holds `seq`, or the first one after it; -1 if there is none. */
  rangeFrom(s: SessionState, seq: number): number {
    let low = 0;
    let high = s.ranges.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      const r = s.ranges[mid]!;
      if (r.firstSeq + r.count <= seq) low = mid + 1;
      else high = mid;
    }
    return low < s.ranges.length ? low : -1;
  }

  streams(s: SessionState): Map<number, number> {
    const ends = new Map<number, number>();
    for (const r of s.ranges)
      for (const span of r.spans) ends.set(span.stream, Math.max(ends.get(span.stream) ?? 0, span.endOffset));
    return ends;
  }

  rangesIn(segment: Segment): { session: string; range: Range }[] {
    const found: { session: string; range: Range }[] = [];
    for (const s of this.sessions.values()) {
      for (let i = s.ranges.length - 1; i >= 0; i--) {
        const range = s.ranges[i]!;
        if (range.segment === segment) found.unshift({ session: s.id, range });
        else if (range.segment.index < segment.index) break;
      }
    }
    return found;
  }

  /** Drops whole segments, oldest first. */
  dropSegment(segment: Segment): void {
    this.segments.splice(this.segments.indexOf(segment), 1);
    for (const s of [...this.sessions.values()]) {
      if (s.ranges[0]?.segment !== segment) continue;
      s.ranges = s.ranges.filter((r) => r.segment !== segment);
    }
  }
}

export function noteSpan(range: Range, stream: number, from: number, end: number): void {
  for (const span of range.spans) {
    if (span.stream !== stream) continue;
    if (end > span.endOffset) span.endOffset = end;
    return;
  }
  range.spans = [...range.spans, { stream, firstOffset: from, endOffset: end }];
}

export const isOwn = (r: { flags: number }): boolean => (r.flags & OWN) !== 0;
