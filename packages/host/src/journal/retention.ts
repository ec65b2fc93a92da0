/**
 * Record retention: whole ledger segments, by age and by bytes, oldest first, behind a signed marker at which the chain joins.
 *   T1  The note and the marker are on the disk before the first file goes, and files go in order.
 *   T2  A session that is not removed keeps its newest record, so that its seq is never given out twice and a restart finds it.
 *   T3  A segment that is held keeps all after it; who holds it is told ({@link holders}), so that somebody can see to it.
 *   T4  Of a session for which `prune` was not told in this life everything is kept: who has its books is asked for them first.
 */
import type { Catalogue, Segment, SessionState } from "./catalogue.ts";
import type { Disk } from "./disk.ts";
import { indexName, segmentName } from "./format.ts";
import { type PrunedMarker, writeMarker } from "./marker.ts";
import { OWN_SESSION } from "./own.ts";

export interface RecordBounds {
  /** Segments whose newest record is older go. */
  readonly horizonMs: number;
  readonly bytes: number;
}

/** The segments that age or bytes want gone, whoever holds them. */
export function due(catalogue: Catalogue, active: Segment, bounds: RecordBounds): Segment[] {
  let excess = -bounds.bytes;
  for (const segment of catalogue.segments) excess += segment.validBytes;
  const found: Segment[] = [];
  for (const segment of catalogue.segments) {
    if (segment === active || (segment.lastWallMs >= bounds.horizonMs && excess <= 0)) break;
    excess -= segment.validBytes;
    found.push(segment);
  }
  return found;
}

/** T2, T3: sessions that keep a segment of `segments`, each with the first that it keeps. */
export function holders(catalogue: Catalogue, segments: readonly Segment[]): Map<string, Segment> {
  const held = new Map<string, Segment>();
  const last = segments.at(-1);
  if (last === undefined) return held;
  for (const s of catalogue.sessions.values()) {
    const kept = firstKept(s);
    if (kept !== null && kept.index <= last.index) held.set(s.id, kept);
  }
  return held;
}

function firstKept(s: SessionState): Segment | null {
  const newest = s.ranges.at(-1)?.segment ?? null;
  if (newest === null || s.removed || s.id === OWN_SESSION) return null;
  if (s.keepFromSeq === 0) return s.ranges[0]!.segment;
  return s.ranges.find((r) => r.firstSeq + r.count > s.keepFromSeq)?.segment ?? newest;
}

/** T1. What was cut short is done by the next start, which goes by the marker. */
export async function removeSegments(disk: Disk, ledger: string, gone: readonly Segment[], marker: PrunedMarker): Promise<void> {
  await writeMarker(disk, ledger, marker);
  for (const segment of gone) {
    await disk.removeLater(`${ledger}/${segmentName(segment.index)}`).catch(() => undefined);
    // A cache.
    await disk.removeLater(`${ledger}/${indexName(segment.index)}`).catch(() => undefined);
  }
  await disk.syncFolder(ledger);
}
