/**
 * Walks a segment's frames past damage. At the first bad frame: if a sound one follows anywhere, what lies between is damage and
 * the walk goes on after it; if none does, everything to the end of the file is a torn tail.
 */
import {
  checkFrame,
  decodeRecord,
  decodeSeal,
  HEADER_BYTES,
  type LedgerRecord,
  MAX_FRAME,
  MIN_FRAME,
  type Seal,
  TYPE_RECORD,
  TYPE_SEAL,
} from "./format.ts";

export interface ScanSink {
  record(at: number, record: LedgerRecord, length: number): void;
  seal(at: number, seal: Seal): void;
  damage(from: number, to: number, reason: string): void;
  torn(from: number, to: number, reason: string): void;
}

/** Returns the end of the last sound frame. */
export function scanSegment(bytes: Buffer, seed: number, sink: ScanSink): number {
  let at = HEADER_BYTES;
  while (at < bytes.length) {
    const frame = checkFrame(bytes, at, bytes.length, seed);
    if (frame.ok) {
      if (frame.type === TYPE_RECORD) sink.record(at, decodeRecord(bytes, at), frame.length);
      else if (frame.type === TYPE_SEAL) sink.seal(at, decodeSeal(bytes, at));
      at += frame.length;
      continue;
    }
    const next = resync(bytes, at + 1, seed);
    if (next === -1) {
      sink.torn(at, bytes.length, frame.reason);
      return at;
    }
    sink.damage(at, next, frame.reason);
    at = next;
  }
  return at;
}

function resync(bytes: Buffer, from: number, seed: number): number {
  const last = bytes.length - MIN_FRAME;
  for (let at = from; at <= last; at++) {
    // Cheap tests first: this loop may run over megabytes of zeros or of somebody's text.
    if (bytes[at + 3] !== 0 || bytes[at + 2]! > MAX_FRAME >> 16) continue;
    const type = bytes[at + 48];
    if (type !== TYPE_RECORD && type !== TYPE_SEAL) continue;
    if (checkFrame(bytes, at, bytes.length, seed).ok) return at;
  }
  return -1;
}
