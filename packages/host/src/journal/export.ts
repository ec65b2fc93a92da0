/** Reads records out of a journal's files for the audit: oldest first, over all sessions and lives, past damage. */
import type { Disk } from "./disk.ts";
import { INLINE, inlinePayload, type LedgerRecord, OWN, saltSeed } from "./format.ts";
import type { Entry, Gap } from "./journal.ts";
import { PayloadStore } from "./payload-store.ts";
import { scanSegment } from "./scan.ts";
import { type ListedSegment, listSegments } from "./segment-list.ts";
import { readFile } from "./transfer.ts";

export interface ExportFilter {
  readonly actor?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly session?: string;
}
export interface ExportedRecord extends Entry {
  /** Written by the journal about itself; `meta` is JSON. */
  readonly isOwn: boolean;
  readonly file: string;
  readonly position: number;
  readonly chain: Uint8Array;
  readonly commitment: Uint8Array;
}
/** Lsns that are not there any more. */
export type ExportedGap = Gap & { readonly fromLsn: number; readonly toLsn: number };

const NOTHING = new Uint8Array(0);

export function* exportRecords(disk: Disk, folder: string, filter: ExportFilter = {}): Generator<ExportedRecord | ExportedGap> {
  const payloads = new PayloadStore(disk, `${folder}/payload`, 0, () => NOTHING, 0);
  let lsn = 0;
  try {
    for (const s of listSegments(disk, `${folder}/ledger`)) {
      if (s.header === null) continue;
      const segment = readSegment(disk, folder, s);
      for (const { at, r } of segment.found) {
        if (r.lsn > s.limitLsn || r.lsn <= lsn) continue;
        if (r.lsn > lsn + 1) yield gapOf(lsn + 1, r.lsn - 1, lsn === 0 ? "pruned" : "damaged");
        lsn = r.lsn;
        if (matches(r, filter)) yield exported(segment, at, r, payloads);
      }
    }
  } finally {
    payloads.close();
  }
}

/** Where a walk back has come to: `lsn` and all above it was looked at. */
export interface Reached {
  readonly lsn: number;
  readonly wallMs: number;
  /** Of the ledger, since the walk began. */
  readonly bytes: number;
}

/**
 * The same the other way, newest first, from below `before`; a segment that lies wholly above it is not read. `wants` is asked before a payload is
 * read. After each segment that was read it tells how far it is.
 */
export function* recordsBack(
  disk: Disk,
  folder: string,
  before: number,
  wants: (record: LedgerRecord) => boolean,
): Generator<ExportedRecord | ExportedGap | Reached> {
  const payloads = new PayloadStore(disk, `${folder}/payload`, 0, () => NOTHING, 0);
  let low = before;
  let bytes = 0;
  try {
    for (const s of listSegments(disk, `${folder}/ledger`).toReversed()) {
      if (s.header === null || s.header.firstLsn >= low) continue;
      const segment = readSegment(disk, folder, s);
      bytes += segment.bytes.length;
      let wallMs = 0;
      for (const { at, r } of rising(segment.found).toReversed()) {
        if (r.lsn > s.limitLsn || r.lsn >= low) continue;
        if (low < Number.MAX_SAFE_INTEGER && r.lsn < low - 1) yield gapOf(r.lsn + 1, low - 1, "damaged");
        low = r.lsn;
        wallMs = r.wallMs;
        if (wants(r)) yield exported(segment, at, r, payloads);
      }
      yield { lsn: low, wallMs, bytes };
    }
    if (low > 1 && low < Number.MAX_SAFE_INTEGER) yield gapOf(1, low - 1, "pruned");
  } finally {
    payloads.close();
  }
}

interface Segment {
  readonly file: string;
  readonly bytes: Buffer;
  readonly seed: number;
  readonly found: readonly { readonly at: number; readonly r: LedgerRecord }[];
}

function readSegment(disk: Disk, folder: string, s: ListedSegment): Segment {
  const file = `ledger/${s.name}`;
  const seed = saltSeed(s.header!.salt);
  const bytes = readFile(disk, `${folder}/${file}`);
  const found: { at: number; r: LedgerRecord }[] = [];
  scanSegment(bytes, seed, {
    record: (at, r) => {
      found.push({ at, r });
    },
    seal() {},
    damage() {},
    torn() {},
  });
  return { file, bytes, seed, found };
}

/** Of records that stand twice, or out of their order, the first. */
function rising(found: Segment["found"]): Segment["found"] {
  let lsn = 0;
  return found.filter(({ r }) => r.lsn > lsn && (lsn = r.lsn) > 0);
}

const gapOf = (fromLsn: number, toLsn: number, reason: Gap["reason"]): ExportedGap => ({
  gap: true,
  fromLsn,
  toLsn,
  fromSeq: 0,
  toSeq: 0,
  reason,
});

function exported({ file, bytes, seed }: Segment, at: number, r: LedgerRecord, payloads: PayloadStore): ExportedRecord {
  const payload =
    r.payloadBytes === 0
      ? null
      : (r.flags & INLINE) !== 0
        ? inlinePayload(bytes, at, r, seed)
        : payloads.read(r.session, r.fileNo, r.filePosition, r.seq, r.payloadBytes, 0);
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
    payloadState: payload?.state ?? "none",
    payload: payload?.state === "present" ? payload.payload : NOTHING,
    wallMs: r.wallMs,
    monoNs: r.monoNs,
    isOwn: (r.flags & OWN) !== 0,
    file,
    position: at,
    chain: r.chain,
    commitment: r.commitment,
  };
}

const matches = (r: LedgerRecord, f: ExportFilter): boolean =>
  (f.actor === undefined || r.actor === f.actor) &&
  (f.session === undefined || r.session === f.session) &&
  (f.sinceMs === undefined || r.wallMs >= f.sinceMs) &&
  (f.untilMs === undefined || r.wallMs < f.untilMs);
