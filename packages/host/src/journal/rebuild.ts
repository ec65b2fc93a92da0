/** A sidecar that lied or is gone: its segment's positions are scanned again, and kept in memory. */
import type { Catalogue, Segment } from "./catalogue.ts";
import type { Disk } from "./disk.ts";
import { segmentName } from "./format.ts";
import { scanSegment } from "./scan.ts";
import { readFile } from "./transfer.ts";

export function rebuildRange(disk: Disk, ledger: string, catalogue: Catalogue, segment: Segment): void {
  const positions = new Map<string, Map<number, number>>();
  try {
    scanSegment(readFile(disk, `${ledger}/${segmentName(segment.index)}`), segment.seed, {
      record(at, r) {
        if (r.lsn > segment.lastLsn) return;
        let of = positions.get(r.session);
        if (of === undefined) positions.set(r.session, (of = new Map()));
        of.set(r.seq, at);
      },
      seal() {},
      damage() {},
      torn() {},
    });
  } catch {
    /* unreadable: every record of it is a gap */
  }
  for (const { session, range } of catalogue.rangesIn(segment)) {
    range.positions = Array.from({ length: range.count }, (_, i) => positions.get(session)?.get(range.firstSeq + i) ?? 0);
  }
}
