/**
 * The ledger's bytes, pure: segment headers, records and seals. `docs/journal.md` is the normative description.
 *   F1  Every length is bounded before anything is allocated or read by it.
 *   F2  A frame's CRC covers the segment's salt first, so bytes printed into a session are never taken for a frame.
 *   F3  chain(n) = SHA-256(chain(n-1) ‖ chained region of n). Payload bytes, their salt and where they lie are outside it.
 *   F4  An unknown frame type with the critical bit, or a newer version, stops the reader; other unknown types are skipped.
 * Elsewhere: payload files (payload-format.ts), walking a damaged segment (scan.ts).
 */
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { FormatError } from "./fault.ts";

export const MAGIC = "HFLEDGER";
export const VERSION = 1;
export const HEADER_BYTES = 192;
export const RECORD_FIXED = 136;
export const SEAL_BYTES = 176;
/** Payloads up to here lie in the record itself: one write and one fdatasync for a keystroke, whatever session it is in. */
export const INLINE_MAX = 256;
export const SALT_BYTES = 16;
/** CRC and salt in front of an inline payload. */
export const INLINE_HEAD = 4 + SALT_BYTES;
export const MAX_SESSION = 64;
export const MAX_ACTOR = 128;
export const MAX_VIA = 64;
export const MAX_META = 64 * 1024;
export const MAX_PAYLOAD = 1024 * 1024;
export const MIN_FRAME = 56;
export const MAX_FRAME = RECORD_FIXED + MAX_SESSION + MAX_ACTOR + MAX_VIA + MAX_META + INLINE_HEAD + INLINE_MAX;

export const TYPE_RECORD = 1;
export const TYPE_SEAL = 2;
export const TYPE_CRITICAL = 0x80;

export const HAS_STREAM = 1;
export const INLINE = 2;
/** Written by the journal about itself; drafts cannot set it. */
export const OWN = 4;
const KNOWN_RECORD_FLAGS = HAS_STREAM | INLINE | OWN;

/** The segment holds again what its predecessor could not sync; its records replace those of the same lsn there. */
export const SEGMENT_REWRITE = 1;
/** The predecessor was given up after a write fault, so it has no final seal. */
export const SEGMENT_AFTER_FAULT = 2;
const KNOWN_SEGMENT_FLAGS = SEGMENT_REWRITE | SEGMENT_AFTER_FAULT;
export const SEAL_FINAL = 1;

export const ZERO_CHAIN = Buffer.alloc(32);

export interface SegmentHeader {
  readonly flags: number;
  readonly life: number;
  readonly index: number;
  readonly firstLsn: number;
  readonly previousHead: Buffer;
  readonly createdWallMs: number;
  readonly createdMonoNs: bigint;
  readonly salt: Buffer;
  readonly bootId: string;
}

export interface LedgerRecord {
  readonly flags: number;
  readonly kind: number;
  readonly session: string;
  readonly actor: string;
  readonly via: string;
  readonly stream: number;
  readonly lsn: number;
  readonly seq: number;
  readonly wallMs: number;
  readonly monoNs: bigint;
  readonly offset: number;
  readonly payloadBytes: number;
  readonly meta: Buffer;
  readonly commitment: Buffer;
  readonly chain: Buffer;
  /** Payload file of the session, 0 when inline or none. */
  readonly fileNo: number;
  readonly filePosition: number;
  /** Start of the erasable part (CRC, salt, payload), relative to the record; equals its length when there is none. */
  readonly inlineAt: number;
}

export interface Seal {
  readonly final: boolean;
  readonly sealNo: number;
  /** Records in this segment so far. */
  readonly count: number;
  readonly head: Buffer;
  readonly lastLsn: number;
  readonly wallMs: number;
  readonly headerHash: Buffer;
  readonly signature: Buffer;
}

const HIGH = 0x1_0000_0000;
export function writeU64(into: Buffer, value: number, at: number): void {
  into.writeUInt32LE(value % HIGH, at);
  into.writeUInt32LE(Math.floor(value / HIGH), at + 4);
}
export const readU64 = (from: Buffer, at: number): number => from.readUInt32LE(at) + from.readUInt32LE(at + 4) * HIGH;

export const sha256 = (bytes: Buffer): Buffer => hash("sha256", bytes, "buffer") as Buffer;
export const saltSeed = (salt: Buffer): number => crc32(salt);
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export const segmentName = (index: number): string => `${String(index).padStart(10, "0")}.seg`;
export const indexName = (index: number): string => `${String(index).padStart(10, "0")}.idx`;

export function encodeHeader(h: SegmentHeader): Buffer {
  const b = Buffer.alloc(HEADER_BYTES);
  b.write(MAGIC, 0, "latin1");
  b.writeUInt16LE(VERSION, 8);
  b.writeUInt16LE(HEADER_BYTES, 10);
  b[12] = 1;
  b[13] = 1;
  b[14] = h.flags;
  b.writeUInt32LE(h.life, 16);
  b.writeUInt32LE(h.index, 20);
  writeU64(b, h.firstLsn, 24);
  h.previousHead.copy(b, 32);
  b.writeBigInt64LE(BigInt(Math.trunc(h.createdWallMs)), 64);
  b.writeBigUInt64LE(BigInt.asUintN(64, h.createdMonoNs), 72);
  h.salt.copy(b, 80, 0, 8);
  b.write(h.bootId.slice(0, 36), 88, 36, "latin1");
  b.writeUInt32LE(crc32(b.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
  return b;
}

/** Null when the bytes are no whole header; throws {@link FormatError} for a header that only a newer Holdfast understands. */
export function decodeHeader(b: Buffer): SegmentHeader | null {
  if (b.length < HEADER_BYTES || b.toString("latin1", 0, 8) !== MAGIC) return null;
  if (crc32(b.subarray(0, HEADER_BYTES - 4)) !== b.readUInt32LE(HEADER_BYTES - 4)) return null;
  const version = b.readUInt16LE(8);
  if (version !== VERSION || b[12] !== 1 || b[13] !== 1 || (b[14]! & ~KNOWN_SEGMENT_FLAGS) !== 0) {
    throw new FormatError(
      `ledger segment of version ${version}, crc ${b[12]}, hash ${b[13]}, flags ${b[14]}: this Holdfast reads version ${VERSION}; use the newer one`,
    );
  }
  return {
    flags: b[14]!,
    life: b.readUInt32LE(16),
    index: b.readUInt32LE(20),
    firstLsn: readU64(b, 24),
    previousHead: Buffer.from(b.subarray(32, 64)),
    createdWallMs: Number(b.readBigInt64LE(64)),
    createdMonoNs: b.readBigUInt64LE(72),
    salt: Buffer.from(b.subarray(80, 88)),
    bootId: b.toString("latin1", 88, 124).replace(/\0+$/, ""),
  };
}

/** What {@link encodeRecord} takes; strings and lengths were checked by the caller. */
export interface RecordFields {
  readonly flags: number;
  readonly kind: number;
  readonly session: string;
  readonly actor: string;
  readonly via: string;
  readonly stream: number;
  readonly lsn: number;
  readonly seq: number;
  readonly wallMs: number;
  readonly monoNs: bigint;
  readonly offset: number;
  readonly meta: Uint8Array;
  readonly payload: Uint8Array | null;
  readonly salt: Buffer | null;
  readonly commitment: Buffer;
  readonly fileNo: number;
  readonly filePosition: number;
}

/** Encodes into `into` at 0, computing chain and CRC; returns the length. `into` holds at least MAX_FRAME bytes. */
export function encodeRecord(into: Buffer, r: RecordFields, previousChain: Buffer, seed: number): number {
  const inline = (r.flags & INLINE) !== 0;
  let at = RECORD_FIXED;
  const sessionLength = into.write(r.session, at, MAX_SESSION, "utf8");
  at += sessionLength;
  const actorLength = into.write(r.actor, at, MAX_ACTOR, "utf8");
  at += actorLength;
  const viaLength = into.write(r.via, at, MAX_VIA, "utf8");
  at += viaLength;
  into.set(r.meta, at);
  at += r.meta.length;
  const payloadBytes = r.payload?.length ?? 0;
  into.writeUInt32LE(inline ? at + INLINE_HEAD + payloadBytes : at, 0);
  into.writeUInt32LE(r.fileNo, 8);
  into.writeUInt32LE(r.filePosition, 12);
  previousChain.copy(into, 16);
  into[48] = TYPE_RECORD;
  into[49] = r.flags;
  into[50] = r.kind;
  into[51] = sessionLength;
  into[52] = actorLength;
  into[53] = viaLength;
  into.writeUInt16LE(r.stream, 54);
  writeU64(into, r.lsn, 56);
  writeU64(into, r.seq, 64);
  into.writeBigInt64LE(BigInt(Math.trunc(r.wallMs)), 72);
  into.writeBigUInt64LE(BigInt.asUintN(64, r.monoNs), 80);
  writeU64(into, r.offset, 88);
  into.writeUInt32LE(payloadBytes, 96);
  into.writeUInt32LE(r.meta.length, 100);
  r.commitment.copy(into, 104);
  sha256(into.subarray(16, at)).copy(into, 16);
  stampCrc(into, at, seed);
  if (!inline) return at;
  r.salt!.copy(into, at + 4);
  into.set(r.payload!, at + INLINE_HEAD);
  into.writeUInt32LE(inlineCrc(into, at, payloadBytes, seed), at);
  return at + INLINE_HEAD + payloadBytes;
}

/** CRC of the frame up to `regionEnd` (what may be erased has its own), its crc field taken as 0. */
export function stampCrc(frame: Buffer, regionEnd: number, seed: number): void {
  frame.writeUInt32LE(0, 4);
  frame.writeUInt32LE(crc32(frame.subarray(0, regionEnd), seed), 4);
}

const inlineCrc = (frame: Buffer, at: number, payloadBytes: number, seed: number): number =>
  crc32(frame.subarray(at + 4, at + INLINE_HEAD + payloadBytes), crc32(frame.subarray(56, 64), seed));

/** Moves an encoded record to another segment: new location and CRCs, same chain. */
export function restamp(frame: Buffer, fileNo: number, filePosition: number, seed: number): void {
  const regionEnd = recordRegionEnd(frame, 0);
  frame.writeUInt32LE(fileNo, 8);
  frame.writeUInt32LE(filePosition, 12);
  stampCrc(frame, regionEnd, seed);
  if ((frame[49]! & INLINE) === 0) return;
  const bytes = frame.readUInt32LE(96);
  if (!isZero(frame, regionEnd, INLINE_HEAD + bytes)) frame.writeUInt32LE(inlineCrc(frame, regionEnd, bytes, seed), regionEnd);
}

const recordRegionEnd = (b: Buffer, at: number): number =>
  RECORD_FIXED + b[at + 51]! + b[at + 52]! + b[at + 53]! + b.readUInt32LE(at + 100);

export type FrameCheck =
  | { readonly ok: true; readonly type: number; readonly length: number }
  | { readonly ok: false; readonly reason: "short" | "length" | "crc" };

const SHORT: FrameCheck = { ok: false, reason: "short" };
const LENGTH: FrameCheck = { ok: false, reason: "length" };
const CRC: FrameCheck = { ok: false, reason: "crc" };
const zeroCrc = Buffer.alloc(4);

/** Is there a whole, sound frame at `at`? Throws {@link FormatError} for a sound frame that may not be skipped. */
export function checkFrame(b: Buffer, at: number, end: number, seed: number): FrameCheck {
  if (at + MIN_FRAME > end) return SHORT;
  const length = b.readUInt32LE(at);
  if (length < MIN_FRAME || length > MAX_FRAME) return LENGTH;
  const type = b[at + 48]!;
  let regionEnd = length;
  if (type === TYPE_RECORD) {
    if (length < RECORD_FIXED) return LENGTH;
    if (at + RECORD_FIXED > end) return SHORT;
    regionEnd = recordRegionEnd(b, at);
    const inline = (b[at + 49]! & INLINE) !== 0 ? INLINE_HEAD + b.readUInt32LE(at + 96) : 0;
    if (regionEnd + inline !== length) return LENGTH;
  } else if (type === TYPE_SEAL && length !== SEAL_BYTES) return LENGTH;
  if (at + length > end) return SHORT;
  const crc = crc32(b.subarray(at + 8, at + regionEnd), crc32(zeroCrc, crc32(b.subarray(at, at + 4), seed)));
  if (crc !== b.readUInt32LE(at + 4)) return CRC;
  if (type !== TYPE_RECORD && type !== TYPE_SEAL && (type & TYPE_CRITICAL) !== 0) {
    throw new FormatError(`ledger frame of critical type ${type} at byte ${at}: written by a newer Holdfast, which must read it`);
  }
  if (type === TYPE_RECORD && (b[at + 49]! & ~KNOWN_RECORD_FLAGS) !== 0) {
    throw new FormatError(
      `ledger record with unknown flags ${b[at + 49]} at byte ${at}: written by a newer Holdfast, which must read it`,
    );
  }
  return { ok: true, type, length };
}

/** Decodes a record that {@link checkFrame} passed. The buffers are views into `b`. */
export function decodeRecord(b: Buffer, at: number): LedgerRecord {
  const s = at + RECORD_FIXED;
  const a = s + b[at + 51]!;
  const v = a + b[at + 52]!;
  const m = v + b[at + 53]!;
  const metaBytes = b.readUInt32LE(at + 100);
  return {
    flags: b[at + 49]!,
    kind: b[at + 50]!,
    session: b.toString("utf8", s, a),
    actor: b.toString("utf8", a, v),
    via: b.toString("utf8", v, m),
    stream: b.readUInt16LE(at + 54),
    lsn: readU64(b, at + 56),
    seq: readU64(b, at + 64),
    wallMs: Number(b.readBigInt64LE(at + 72)),
    monoNs: b.readBigUInt64LE(at + 80),
    offset: readU64(b, at + 88),
    payloadBytes: b.readUInt32LE(at + 96),
    meta: b.subarray(m, m + metaBytes),
    commitment: b.subarray(at + 104, at + 136),
    chain: b.subarray(at + 16, at + 48),
    fileNo: b.readUInt32LE(at + 8),
    filePosition: b.readUInt32LE(at + 12),
    inlineAt: m + metaBytes - at,
  };
}

const chainInput = Buffer.alloc(32 + MAX_FRAME);
/** The chain value that the record at `at` must carry after `previous`. */
export function chainOf(b: Buffer, at: number, regionEnd: number, previous: Buffer): Buffer {
  previous.copy(chainInput, 0);
  b.copy(chainInput, 32, at + 48, at + regionEnd);
  return sha256(chainInput.subarray(0, 32 + regionEnd - 48));
}

export type InlineState =
  | { readonly state: "present"; readonly salt: Buffer; readonly payload: Buffer }
  | { readonly state: "redacted" }
  | { readonly state: "damaged" };

/** The inline payload of the record at `at`. */
export function inlinePayload(b: Buffer, at: number, record: LedgerRecord, seed: number): InlineState {
  const frame = b.subarray(at, at + record.inlineAt + INLINE_HEAD + record.payloadBytes);
  if (isZero(frame, record.inlineAt, INLINE_HEAD + record.payloadBytes)) return { state: "redacted" };
  if (inlineCrc(frame, record.inlineAt, record.payloadBytes, seed) !== frame.readUInt32LE(record.inlineAt))
    return { state: "damaged" };
  return {
    state: "present",
    salt: frame.subarray(record.inlineAt + 4, record.inlineAt + INLINE_HEAD),
    payload: frame.subarray(record.inlineAt + INLINE_HEAD),
  };
}

export function isZero(b: Buffer, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) if (b[i] !== 0) return false;
  return true;
}

/** The seal without its signature and CRC; `sealBody` of it is what is signed. */
export function encodeSeal(seal: Omit<Seal, "signature">): Buffer {
  const b = Buffer.alloc(SEAL_BYTES);
  b.writeUInt32LE(SEAL_BYTES, 0);
  b.writeUInt32LE(seal.sealNo, 8);
  b.writeUInt32LE(seal.count, 12);
  seal.head.copy(b, 16);
  b[48] = TYPE_SEAL;
  b[49] = seal.final ? SEAL_FINAL : 0;
  writeU64(b, seal.lastLsn, 56);
  b.writeBigInt64LE(BigInt(Math.trunc(seal.wallMs)), 64);
  seal.headerHash.copy(b, 72);
  return b;
}
const SEAL_CONTEXT = Buffer.from("holdfast.seal.1\n");
export const sealBody = (frame: Buffer): Buffer => Buffer.concat([SEAL_CONTEXT, frame.subarray(8, 112)]);

export function decodeSeal(b: Buffer, at: number): Seal {
  return {
    final: (b[at + 49]! & SEAL_FINAL) !== 0,
    sealNo: b.readUInt32LE(at + 8),
    count: b.readUInt32LE(at + 12),
    head: b.subarray(at + 16, at + 48),
    lastLsn: readU64(b, at + 56),
    wallMs: Number(b.readBigInt64LE(at + 64)),
    headerHash: b.subarray(at + 72, at + 104),
    signature: b.subarray(at + 112, at + 176),
  };
}

/** What is signed when a head is handed to a witness, and when segments are pruned. */
export function headBody(context: "head" | "pruned", lsn: number, chain: Buffer): Buffer {
  const b = Buffer.alloc(8);
  writeU64(b, lsn, 0);
  return Buffer.concat([Buffer.from(`holdfast.${context}.1\n`), b, chain]);
}
