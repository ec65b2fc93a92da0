/**
 * Opening a journal that an earlier life left. Reads headers, believes sidecars, scans what has none. Idempotent: everything
 * that changes the disk (copying and cutting a torn tail, setting a headless file aside) can be interrupted and done again.
 *   R1  Nothing is cut that was not copied and synced first, and recorded in the new life's first segment.
 *   R2  Damage with sound frames after it stays where it is; only its range is noted.
 *   R3  A scanned segment is synced before anything is appended after it: what it holds may be in the page cache only.
 *   R4  A life begins its segment with what it found, synced before anything else is appended to it. Damage in front of the last of these
 *       is of nothing but them: a recovery that was cut short adds no gap.
 */
import { createHash } from "node:crypto";
import { Catalogue, type Damage, isOwn, regionKey, type Segment, type SessionState, type Skip } from "./catalogue.ts";
import type { Disk } from "./disk.ts";
import {
  HEADER_BYTES,
  INLINE,
  MAX_FRAME,
  MIN_FRAME,
  RECORD_FIXED,
  SEGMENT_AFTER_FAULT,
  SEGMENT_REWRITE,
  type SegmentHeader,
  saltSeed,
  segmentName,
  TYPE_RECORD,
  TYPE_SEAL,
} from "./format.ts";
import { readMarker } from "./marker.ts";
import { DAMAGED_REGIONS, type DamagedRegion, decodeOwn, type OwnEvent } from "./own.ts";
import { scanSegment } from "./scan.ts";
import { type ListedSegment, limitSuperseded, listSegments } from "./segment-list.ts";
import { loadSidecar, saveSidecar } from "./sidecar.ts";
import type { Suspects } from "./suspect.ts";
import { readFile, writeWhole } from "./transfer.ts";

export interface Recovered {
  readonly catalogue: Catalogue;
  readonly head: Buffer;
  readonly lastLsn: number;
  /** Everything up to here was durable, payloads included, before this life began. */
  readonly durableLsn: number;
  readonly life: number;
  readonly nextIndex: number;
  readonly notes: string[];
  /** To be recorded in the new life's first segment, before {@link cuts} are made. */
  readonly events: OwnEvent[];
  readonly cuts: { readonly name: string; readonly bytes: number }[];
  /** Payload files that scanned records point to. */
  readonly inherited: { readonly session: string; readonly no: number }[];
  /** Erasures noted in scanned segments, to be done again. */
  readonly erasures: { readonly session: string; readonly seqs: readonly number[] }[];
  /** Sessions that scanned segments say were removed, as they were before, and their last payload file. */
  readonly removals: { readonly state: SessionState; readonly throughFile: number }[];
  /** Scanned segments, whose sidecars are written when the redoing above is done. */
  readonly scanned: { readonly segment: Segment; readonly fileBytes: number }[];
}

/** `isExcerpt`: segments are left out, and hold nothing that anybody reads here. */
export function recover(disk: Disk, folder: string, suspects: Suspects, isExcerpt = false): Recovered {
  const ledger = `${folder}/ledger`;
  const notes: string[] = [];
  const events: OwnEvent[] = [];
  const marker = readMarker(disk, ledger);
  const { candidates, headless, nextIndex, life } = headers(disk, folder, marker?.throughIndex ?? 0, notes, events);
  setAsideUnfinished(disk, folder, candidates, notes, events);
  const catalogue = new Catalogue();
  catalogue.prunedLsn = marker?.throughLsn ?? 0;
  if (marker !== null) catalogue.prunedHead = marker.head;
  let head: Buffer = marker?.head ?? Buffer.alloc(32);
  let lastLsn = marker?.throughLsn ?? 0;
  let durableLsn = lastLsn;
  const cuts: { name: string; bytes: number }[] = [];
  const inherited = new Map<string, { session: string; no: number }>();
  const erasures: { session: string; seqs: readonly number[] }[] = [];
  const removals: { state: SessionState; throughFile: number }[] = [];
  const scanned: { segment: Segment; fileBytes: number }[] = [];

  for (const c of candidates) {
    const name = `ledger/${segmentName(c.index)}`;
    const seed = saltSeed(c.header.salt);
    const loaded = loadSidecar(disk, ledger, c.index, seed, c.header.salt, c.fileBytes);
    let segment: Segment;
    if (loaded !== null && loaded.segment.lastLsn <= c.limitLsn) {
      segment = loaded.segment;
      catalogue.segments.push(segment);
      for (const skip of segment.skips) catalogue.applySkip(skip);
      for (const [id, nextSeq] of segment.removed) catalogue.forget(id, nextSeq);
      for (const { session, range } of loaded.rows) {
        const s = catalogue.session(session);
        if (range.firstSeq < s.nextSeq) continue;
        s.ranges.push(range);
        s.nextSeq = range.firstSeq + range.count;
        s.lastLsn = range.lastLsn;
        s.removed = false;
      }
    } else {
      const bytes = readFile(disk, `${folder}/${name}`);
      segment = scanInto(catalogue, c, bytes, lastLsn, {
        torn: (from, reason) => {
          const kept = keepTorn(disk, folder, c.index, from, bytes.subarray(from));
          notes.push(
            `torn tail of ${bytes.length - from} bytes in ${segmentName(c.index)} at byte ${from} (${reason}), kept as ${kept.name} and cut`,
          );
          events.push({
            type: "recovered",
            file: segmentName(c.index),
            fromByte: from,
            droppedBytes: bytes.length - from,
            sha256: kept.sha256,
            keptAs: kept.name,
          });
          cuts.push({ name, bytes: from });
        },
        payload: (session, no) => inherited.set(`${session}\n${no}`, { session, no }),
        erased: (session, seqs) => erasures.push({ session, seqs }),
        removed: (state, throughFile) => removals.push({ state, throughFile }),
      });
      catalogue.segments.push(segment);
      suspects.secure([name]);
      scanned.push({ segment, fileBytes: cuts.at(-1)?.name === name ? cuts.at(-1)!.bytes : c.fileBytes });
    }
    if (c.header.firstLsn > lastLsn + 1 && !isExcerpt) {
      segment.damage = [
        { fromByte: 0, toByte: 0, fromLsn: lastLsn + 1, toLsn: c.header.firstLsn - 1 },
        ...segment.damage.filter((d) => d.fromByte > 0),
      ];
    }
    if (segment.lastLsn > lastLsn) {
      lastLsn = segment.lastLsn;
      head = Buffer.from(segment.head);
    }
    if (scanned.length === 0) durableLsn = lastLsn;
  }
  const unread: DamagedRegion[] = [];
  for (const h of headless) {
    if (h.index < (candidates.at(-1)?.index ?? 0)) continue;
    // Nothing after it tells how much it held: its frames are counted unproven, so that no lsn or seq is given out again.
    const held = countUnproven(readFile(disk, `${ledger}/${h.name}`));
    if (held.count === 0) continue;
    unread.push({ file: segmentName(nextIndex), fromByte: 0, toByte: 0, fromLsn: lastLsn + 1, toLsn: lastLsn + held.count });
    lastLsn += held.count;
    head = held.chain;
  }
  announceDamage(catalogue, unread, notes, events);
  return {
    catalogue,
    head,
    lastLsn,
    durableLsn,
    life,
    nextIndex,
    notes,
    events,
    cuts,
    inherited: [...inherited.values()],
    erasures,
    removals,
    scanned,
  };
}

/** New damage becomes one event, or several if it is in very many places; what an earlier life recorded does not count again. */
function announceDamage(catalogue: Catalogue, unread: readonly DamagedRegion[], notes: string[], events: OwnEvent[]): void {
  const regions: (DamagedRegion & Pick<Damage, "isOwn">)[] = [...unread];
  for (const segment of catalogue.segments) {
    const file = segmentName(segment.index);
    for (const d of segment.damage) {
      notes.push(
        d.toByte === 0
          ? `records ${d.fromLsn} to ${d.toLsn} before ${file} are missing`
          : `damage in ${file}, bytes ${d.fromByte} to ${d.toByte}: ${d.toLsn < d.fromLsn ? "no record is missing" : `records ${d.fromLsn} to ${d.toLsn} are a gap`}, the file is kept`,
      );
      if (!catalogue.announced.has(regionKey(file, d.fromByte))) regions.push({ file, ...d });
    }
  }
  let skip = catalogue.unaccounted(regions);
  let beforeLsn = regions.reduce((last, d) => (d.isOwn ? last : Math.max(last, d.fromLsn)), 0);
  for (let from = 0; from < regions.length; from += DAMAGED_REGIONS) {
    const some = regions.slice(from, from + DAMAGED_REGIONS).map(({ isOwn: _, ...region }) => region);
    const event = { type: "damaged" as const, regions: some, skip, beforeLsn };
    catalogue.applySkip(skipOf(event));
    events.push(event);
    // The first skips for all: were it the last, a power cut between them could have a seq given out twice.
    skip = beforeLsn = 0;
  }
}

export const skipOf = (event: OwnEvent & { type: "damaged" }): Skip => ({
  regions: event.regions.map((d) => regionKey(d.file, d.fromByte)),
  count: event.skip,
  beforeLsn: event.beforeLsn,
});

/** How many records a segment without a header seems to hold, at most, and the last one's chain value. */
function countUnproven(bytes: Buffer): { count: number; chain: Buffer } {
  let count = 0;
  let chain: Buffer = Buffer.alloc(32);
  let at = HEADER_BYTES;
  while (at + MIN_FRAME <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    const type = bytes[at + 48];
    if (length < MIN_FRAME || length > MAX_FRAME || (type !== TYPE_RECORD && type !== TYPE_SEAL))
      return { count: count + Math.ceil((bytes.length - at) / RECORD_FIXED), chain };
    if (type === TYPE_RECORD) {
      count++;
      chain = Buffer.from(bytes.subarray(at + 16, at + 48));
    }
    at += length;
  }
  return { count, chain };
}

interface Candidate extends ListedSegment {
  readonly header: SegmentHeader;
}

function headers(
  disk: Disk,
  folder: string,
  throughIndex: number,
  notes: string[],
  events: OwnEvent[],
): { candidates: Candidate[]; headless: ListedSegment[]; nextIndex: number; life: number } {
  const ledger = `${folder}/ledger`;
  const candidates: Candidate[] = [];
  const headless: ListedSegment[] = [];
  let nextIndex = throughIndex + 1;
  let life = 0;
  for (const listed of listSegments(disk, ledger)) {
    nextIndex = Math.max(nextIndex, listed.index + 1);
    const { header, name } = listed;
    if (header !== null) life = Math.max(life, header.life);
    if (listed.index <= throughIndex) {
      // Retention was cut short after its marker was written.
      disk.remove(`${ledger}/${name}`);
    } else if (header !== null) {
      candidates.push({ ...listed, header });
    } else if (listed.fileBytes <= HEADER_BYTES) {
      // A segment whose creation was cut short holds nothing; anything longer is evidence and stays where it is.
      disk.rename(`${ledger}/${name}`, `${folder}/torn/${name}.torn`);
      notes.push(`${name} has ${listed.strange} and no records: set aside in torn/`);
      events.push({ type: "quarantined", file: name, why: `${listed.strange}, no records` });
    } else {
      headless.push(listed);
      notes.push(`${name} has ${listed.strange}: left as it is, its records are a gap`);
      events.push({ type: "quarantined", file: name, why: listed.strange! });
    }
  }
  return { candidates, headless, nextIndex, life: life + 1 };
}

/**
 * A life that died while it wrote its tail again (J5) left a segment that supersedes more than it holds: the older one, whole in the
 * page cache after a kill, counts then (J2). Nothing was appended after such a segment, so it is the newest.
 */
function setAsideUnfinished(disk: Disk, folder: string, candidates: Candidate[], notes: string[], events: OwnEvent[]): void {
  for (let last = candidates.at(-1); last !== undefined && isUnfinished(disk, folder, candidates); last = candidates.at(-1)) {
    candidates.pop();
    // Its name may be unsynced, and must not come back after what is recorded next.
    disk.syncFolderNow(`${folder}/ledger`);
    disk.rename(`${folder}/ledger/${last.name}`, `${folder}/torn/${last.name}.torn`);
    disk.syncFolderNow(`${folder}/torn`);
    disk.syncFolderNow(`${folder}/ledger`);
    limitSuperseded(candidates);
    notes.push(`${last.name} is a tail that was not written again to its end: set aside in torn/, the segment before it counts`);
    events.push({ type: "quarantined", file: last.name, why: "a tail not written again to its end" });
  }
}

function isUnfinished(disk: Disk, folder: string, candidates: readonly Candidate[]): boolean {
  const last = candidates.at(-1)!;
  if ((last.header.flags & SEGMENT_REWRITE) === 0) return false;
  const its = survey(disk, folder, last);
  if (its.isFinished) return false;
  for (const before of candidates.slice(0, -1).toReversed()) {
    if (survey(disk, folder, before).lastLsn > its.lastLsn) return true;
    if ((before.header.flags & SEGMENT_AFTER_FAULT) === 0) return false;
  }
  return false;
}

/** How far a segment goes, and whether it says that it holds all that it should; one that is damaged stays as it is. */
function survey(disk: Disk, folder: string, c: Candidate): { lastLsn: number; isFinished: boolean } {
  let lastLsn = c.header.firstLsn - 1;
  let isFinished = false;
  scanSegment(readFile(disk, `${folder}/ledger/${c.name}`), saltSeed(c.header.salt), {
    record(_at, r) {
      lastLsn = Math.max(lastLsn, r.lsn);
      if (isOwn(r) && decodeOwn(r.meta)?.type === "rewritten") isFinished = true;
    },
    seal: (_at, seal) => {
      if (seal.final) isFinished = true;
    },
    damage: () => {
      isFinished = true;
    },
    torn() {},
  });
  return { lastLsn, isFinished };
}

/** R4: what a life writes of what it found, and at no other time. */
const FOUND: ReadonlySet<OwnEvent["type"]> = new Set(["opened", "recovered", "damaged", "quarantined"]);

interface ScanEffects {
  torn(from: number, reason: string): void;
  payload(session: string, no: number): void;
  erased(session: string, seqs: readonly number[]): void;
  removed(before: SessionState, throughFile: number): void;
}

/** Scans a segment's bytes into the catalogue; `previousLsn` is the last lsn before it. */
export function scanInto(
  catalogue: Catalogue,
  c: { index: number; header: SegmentHeader; limitLsn: number },
  bytes: Buffer,
  previousLsn: number,
  effects: ScanEffects,
): Segment {
  const { header } = c;
  const seed = saltSeed(header.salt);
  const segment: Segment = {
    index: c.index,
    life: header.life,
    firstLsn: header.firstLsn,
    seed,
    salt: header.salt,
    lastLsn: header.firstLsn - 1,
    head: header.previousHead,
    validBytes: HEADER_BYTES,
    sealed: false,
    lastWallMs: header.createdWallMs,
    damage: [],
    removed: [],
    skips: [],
  };
  const pending: { from: number; to: number }[] = [];
  /** R4: so far nothing but these. */
  let isBeginning = true;
  const settle = (nextLsn: number, isOwn = false): void => {
    // The lsn range is told once, with the first of the regions that share it.
    pending.splice(0).forEach((d, i) => {
      segment.damage.push({
        fromByte: d.from,
        toByte: d.to,
        fromLsn: segment.lastLsn + 1,
        toLsn: i === 0 ? nextLsn - 1 : segment.lastLsn,
        ...(isOwn ? { isOwn } : {}),
      });
    });
  };
  segment.validBytes = scanSegment(bytes, seed, {
    record(at, r) {
      if (r.lsn > c.limitLsn || r.lsn <= segment.lastLsn || (r.lsn <= previousLsn && (header.flags & SEGMENT_REWRITE) === 0))
        return;
      const own = isOwn(r) ? decodeOwn(r.meta) : null;
      isBeginning &&= own !== null && FOUND.has(own.type);
      settle(r.lsn, isBeginning);
      segment.lastLsn = r.lsn;
      segment.head = Buffer.from(r.chain);
      segment.lastWallMs = r.wallMs;
      catalogue.note(catalogue.session(r.session), segment, at, r);
      if (r.payloadBytes > 0 && (r.flags & INLINE) === 0) effects.payload(r.session, r.fileNo);
      if (own?.type === "erased") effects.erased(own.session, own.seqs);
      if (own?.type === "damaged") {
        segment.skips.push(skipOf(own));
        catalogue.applySkip(skipOf(own));
      }
      if (own?.type === "removed") {
        effects.removed({ ...catalogue.session(own.session) }, own.throughFile);
        segment.removed.push([own.session, own.nextSeq]);
        catalogue.forget(own.session, own.nextSeq);
      }
    },
    seal(_at, seal) {
      settle(seal.lastLsn + 1);
      segment.sealed = seal.final;
      if (seal.lastLsn <= segment.lastLsn || seal.lastLsn > c.limitLsn) return;
      segment.lastLsn = seal.lastLsn;
      segment.head = Buffer.from(seal.head);
    },
    damage: (from, to) => pending.push({ from, to }),
    torn: (from, _to, reason) => {
      settle(segment.lastLsn + 1);
      effects.torn(from, reason);
    },
  });
  settle(segment.lastLsn + 1);
  return segment;
}

/** Copies a torn tail aside, synced; done again after a crash it finds its own copy. */
function keepTorn(disk: Disk, folder: string, index: number, at: number, bytes: Buffer): { name: string; sha256: string } {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  for (let n = 0; ; n++) {
    const name = `torn/${segmentName(index)}.${at}${n === 0 ? "" : `.${n}`}.torn`;
    const path = `${folder}/${name}`;
    if (disk.exists(path)) {
      if (!readFile(disk, `${folder}/${name}`).equals(bytes)) continue;
    } else {
      const file = disk.open(path, "create-new");
      try {
        writeWhole(file, bytes, 0);
        file.syncNow();
      } finally {
        file.close();
      }
    }
    disk.syncFolderNow(`${folder}/torn`);
    return { name, sha256 };
  }
}

/** A sidecar that cannot be written costs the next start a scan. The catalogue keeps its positions in memory then. */
export function saveQuietly(disk: Disk, ledger: string, catalogue: Catalogue, segment: Segment, fileBytes: number): void {
  try {
    saveSidecar(disk, ledger, catalogue, segment, fileBytes);
  } catch {
    /* C1 */
  }
}
