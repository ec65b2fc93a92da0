/** Record retention: whole ledger segments, oldest first, behind a signed marker at which the chain joins. */
import type { Catalogue, Segment } from "./catalogue.ts";
import type { Disk } from "./disk.ts";
import { indexName, segmentName } from "./format.ts";
import type { Signer } from "./ledger.ts";
import { writeMarker } from "./marker.ts";
import type { OwnEvent } from "./own.ts";

/**
 * Drops segments whose newest record is older than `horizonMs`; one with a record that a `prune` of this life told to keep stays,
 * and so do those after it. The note and the marker are on the disk before the first file goes. Returns the indexes dropped.
 */
export function pruneRecords(
  disk: Disk,
  folder: string,
  catalogue: Catalogue,
  active: Segment,
  horizonMs: number,
  signer: Signer,
  wallMs: number,
  note: (event: OwnEvent) => void,
): number[] {
  const gone: Segment[] = [];
  for (const segment of catalogue.segments) {
    if (segment === active || segment.lastWallMs >= horizonMs || isKept(catalogue, segment)) break;
    gone.push(segment);
  }
  const last = gone.at(-1);
  if (last === undefined) return [];
  const ledger = `${folder}/ledger`;
  note({ type: "pruned-records", throughIndex: last.index, throughLsn: last.lastLsn, head: last.head.toString("hex") });
  writeMarker(disk, ledger, {
    throughIndex: last.index,
    throughLsn: last.lastLsn,
    head: last.head,
    wallMs,
    signature: signer.head("pruned", last.lastLsn, last.head),
  });
  for (const segment of gone) {
    disk.remove(`${ledger}/${segmentName(segment.index)}`);
    try {
      disk.remove(`${ledger}/${indexName(segment.index)}`);
    } catch {
      /* a cache */
    }
    catalogue.dropSegment(segment);
  }
  catalogue.prunedLsn = last.lastLsn;
  disk.syncFolderNow(ledger);
  return gone.map((s) => s.index);
}

function isKept(catalogue: Catalogue, segment: Segment): boolean {
  for (const s of catalogue.sessions.values()) {
    if (s.keepFromSeq === 0) continue;
    for (const r of s.ranges) if (r.segment === segment && r.firstSeq + r.count > s.keepFromSeq) return true;
  }
  return false;
}
