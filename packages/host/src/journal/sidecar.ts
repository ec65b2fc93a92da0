/**
 * A segment's sidecar (`*.idx`): its row in the catalogue and the position of each record, so that opening does not scan.
 * A cache (C1): written without a sync, believed only if its CRC, the segment's salt and the segment's length agree.
 */
import { crc32 } from "node:zlib";
import type { Catalogue, Damage, Range, Segment, Skip } from "./catalogue.ts";
import type { Disk } from "./disk.ts";
import { indexName } from "./format.ts";
import { readWhole, replaceFile } from "./transfer.ts";

const MAGIC = "HFINDEX1";
const HEAD = 16;
const MAX_JSON = 64 * 1024 * 1024;

interface Row {
  s: string;
  q: number;
  n: number;
  l: number;
  b: number;
  a: number;
  o: [number, number, number][];
}
interface Body {
  salt: string;
  life: number;
  firstLsn: number;
  lastLsn: number;
  head: string;
  validBytes: number;
  fileBytes: number;
  sealed: boolean;
  lastWallMs: number;
  damage: Damage[];
  removed: [string, number][];
  skips: Skip[];
  rows: Row[];
}

export function saveSidecar(disk: Disk, folder: string, catalogue: Catalogue, segment: Segment, fileBytes: number): void {
  const ranges = catalogue.rangesIn(segment).filter((r) => r.range.positions !== null);
  let count = 0;
  const rows: Row[] = ranges.map(({ session, range }) => {
    const row: Row = {
      s: session,
      q: range.firstSeq,
      n: range.count,
      l: range.lastLsn,
      b: range.inlineBytes,
      a: count * 4,
      o: range.spans.map((o) => [o.stream, o.firstOffset, o.endOffset]),
    };
    count += range.count;
    return row;
  });
  const body: Body = {
    salt: segment.salt.toString("hex"),
    life: segment.life,
    firstLsn: segment.firstLsn,
    lastLsn: segment.lastLsn,
    head: segment.head.toString("hex"),
    validBytes: segment.validBytes,
    fileBytes,
    sealed: segment.sealed,
    lastWallMs: segment.lastWallMs,
    damage: segment.damage,
    removed: segment.removed,
    skips: segment.skips,
    rows,
  };
  const json = Buffer.from(JSON.stringify(body));
  const bytes = Buffer.alloc(HEAD + json.length + count * 4);
  bytes.write(MAGIC, 0, "latin1");
  bytes.writeUInt32LE(crc32(json), 8);
  bytes.writeUInt32LE(json.length, 12);
  json.copy(bytes, HEAD);
  let at = HEAD + json.length;
  for (const { range } of ranges) for (const position of range.positions!) at = bytes.writeUInt32LE(position, at);
  replaceFile(disk, folder, indexName(segment.index), bytes, false);
  at = HEAD + json.length;
  for (const { range } of ranges) {
    range.at = at;
    at += range.count * 4;
    range.positions = null;
  }
}

export interface LoadedSidecar {
  readonly segment: Segment;
  readonly rows: { session: string; range: Range }[];
}

/** Null when there is none that may be believed for a segment with this salt and length. */
export function loadSidecar(
  disk: Disk,
  folder: string,
  index: number,
  seed: number,
  salt: Buffer,
  fileBytes: number,
): LoadedSidecar | null {
  const path = `${folder}/${indexName(index)}`;
  if (!disk.exists(path)) return null;
  const file = disk.open(path, "read");
  try {
    const head = Buffer.alloc(HEAD);
    if (readWhole(file, head, 0) < HEAD || head.toString("latin1", 0, 8) !== MAGIC) return null;
    const length = head.readUInt32LE(12);
    const size = file.size();
    if (length > MAX_JSON || HEAD + length > size) return null;
    const json = Buffer.allocUnsafe(length);
    if (readWhole(file, json, HEAD) < length || crc32(json) !== head.readUInt32LE(8)) return null;
    const body = JSON.parse(json.toString()) as Body;
    if (body.salt !== salt.toString("hex") || body.fileBytes !== fileBytes) return null;
    const base = HEAD + length;
    const last = body.rows.at(-1);
    if (last !== undefined && base + last.a + last.n * 4 !== size) return null;
    const segment: Segment = {
      index,
      life: body.life,
      firstLsn: body.firstLsn,
      seed,
      salt,
      lastLsn: body.lastLsn,
      head: Buffer.from(body.head, "hex"),
      validBytes: body.validBytes,
      sealed: body.sealed,
      lastWallMs: body.lastWallMs,
      damage: body.damage,
      removed: body.removed,
      skips: body.skips,
    };
    const rows = body.rows.map((r) => ({
      session: r.s,
      range: {
        segment,
        firstSeq: r.q,
        count: r.n,
        lastLsn: r.l,
        inlineBytes: r.b,
        at: base + r.a,
        positions: null,
        spans: r.o.map(([stream, firstOffset, endOffset]) => ({ stream, firstOffset, endOffset })),
      },
    }));
    return { segment, rows };
  } catch {
    return null;
  } finally {
    file.close();
  }
}
