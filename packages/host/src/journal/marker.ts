/** `ledger/pruned`: the signed note of which records retention has dropped, so that the chain joins at the oldest segment kept. */
import { crc32 } from "node:zlib";
import type { Disk } from "./disk.ts";
import { readU64, VERSION, writeU64 } from "./format.ts";
import { readFile, replaceFileLater } from "./transfer.ts";

export const MARKER = "pruned";
export const MARKER_BYTES = 136;
const MAGIC = "HFPRUNED";

export interface PrunedMarker {
  readonly throughIndex: number;
  readonly throughLsn: number;
  readonly head: Buffer;
  readonly wallMs: number;
  readonly signature: Buffer;
}

export function writeMarker(disk: Disk, ledger: string, m: PrunedMarker): Promise<void> {
  const b = Buffer.alloc(MARKER_BYTES);
  b.write(MAGIC, 0, "latin1");
  b.writeUInt32LE(VERSION, 8);
  b.writeUInt32LE(m.throughIndex, 12);
  writeU64(b, m.throughLsn, 16);
  b.writeBigInt64LE(BigInt(Math.trunc(m.wallMs)), 24);
  m.head.copy(b, 32);
  m.signature.copy(b, 64);
  b.writeUInt32LE(crc32(b.subarray(0, 128)), 128);
  return replaceFileLater(disk, ledger, MARKER, b);
}

export function readMarker(disk: Disk, ledger: string): PrunedMarker | null {
  if (!disk.exists(`${ledger}/${MARKER}`)) return null;
  const b = readFile(disk, `${ledger}/${MARKER}`, MARKER_BYTES + 1);
  if (b.length !== MARKER_BYTES || b.toString("latin1", 0, 8) !== MAGIC || crc32(b.subarray(0, 128)) !== b.readUInt32LE(128))
    return null;
  return {
    throughIndex: b.readUInt32LE(12),
    throughLsn: readU64(b, 16),
    wallMs: Number(b.readBigInt64LE(24)),
    head: Buffer.from(b.subarray(32, 64)),
    signature: Buffer.from(b.subarray(64, 128)),
  };
}
