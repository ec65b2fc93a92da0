/** The ledger's segments in order, as their headers tell, without touching anything. */
import type { Disk } from "./disk.ts";
import { decodeHeader, HEADER_BYTES, SEGMENT_REWRITE, type SegmentHeader } from "./format.ts";
import { readWhole } from "./transfer.ts";

export interface ListedSegment {
  readonly index: number;
  readonly name: string;
  readonly fileBytes: number;
  /** Null when damaged, cut short, or that of another segment (then `strange` tells). */
  readonly header: SegmentHeader | null;
  readonly headerBytes: Buffer;
  readonly strange: string | null;
  /** Records after this lsn are superseded by a later segment that holds them again. */
  limitLsn: number;
}

export function listSegments(disk: Disk, ledger: string): ListedSegment[] {
  const listed: ListedSegment[] = [];
  for (const name of disk.list(ledger)) {
    const m = /^(\d{10})\.seg$/.exec(name);
    if (m === null) continue;
    const index = Number(m[1]);
    const file = disk.open(`${ledger}/${name}`, "read");
    const headerBytes = Buffer.alloc(HEADER_BYTES);
    try {
      const whole = readWhole(file, headerBytes, 0) === HEADER_BYTES;
      const decoded = whole ? decodeHeader(headerBytes) : null;
      const strange = !whole
        ? "no whole header"
        : decoded === null
          ? "a damaged header"
          : decoded.index !== index
            ? `the header of segment ${decoded.index}`
            : null;
      listed.push({
        index,
        name,
        fileBytes: file.size(),
        header: strange === null ? decoded : null,
        headerBytes,
        strange,
        limitLsn: Number.MAX_SAFE_INTEGER,
      });
    } finally {
      file.close();
    }
  }
  limitSuperseded(listed);
  return listed;
}

export function limitSuperseded(listed: readonly ListedSegment[]): void {
  let limit = Number.MAX_SAFE_INTEGER;
  for (const s of listed.toReversed()) {
    s.limitLsn = limit;
    if (s.header !== null && (s.header.flags & SEGMENT_REWRITE) !== 0) limit = Math.min(limit, s.header.firstLsn - 1);
  }
}
