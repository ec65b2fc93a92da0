/**
 * Payload files, pure: a header naming the session, then frames `len | crc | seq | salt | bytes`. A frame is erased in place by
 * zeroing crc, salt and bytes; length and seq stay. The commitment in the ledger, not this CRC, is what proves the bytes.
 */
import { crc32 } from "node:zlib";
import { FormatError } from "./fault.ts";
import { isZero, MAX_PAYLOAD, MAX_SESSION, readU64, SALT_BYTES, VERSION, writeU64 } from "./format.ts";

export const PAYLOAD_MAGIC = "HFPAYLOD";
export const PAYLOAD_HEADER = 128;
export const FRAME_HEAD = 4 + 4 + 8 + SALT_BYTES;

export interface PayloadHeader {
  readonly session: string;
  readonly no: number;
  readonly life: number;
  readonly firstSeq: number;
  readonly salt: Buffer;
}

export function encodePayloadHeader(h: PayloadHeader): Buffer {
  const b = Buffer.alloc(PAYLOAD_HEADER);
  b.write(PAYLOAD_MAGIC, 0, "latin1");
  b.writeUInt16LE(VERSION, 8);
  b.writeUInt32LE(h.life, 12);
  b.writeUInt32LE(h.no, 16);
  writeU64(b, h.firstSeq, 24);
  h.salt.copy(b, 32, 0, 8);
  b[40] = b.write(h.session, 41, MAX_SESSION, "utf8");
  b.writeUInt32LE(crc32(b.subarray(0, PAYLOAD_HEADER - 4)), PAYLOAD_HEADER - 4);
  return b;
}

export function decodePayloadHeader(b: Buffer): PayloadHeader | null {
  if (b.length < PAYLOAD_HEADER || b.toString("latin1", 0, 8) !== PAYLOAD_MAGIC) return null;
  if (crc32(b.subarray(0, PAYLOAD_HEADER - 4)) !== b.readUInt32LE(PAYLOAD_HEADER - 4)) return null;
  if (b.readUInt16LE(8) !== VERSION)
    throw new FormatError(`payload file of version ${b.readUInt16LE(8)}: this Holdfast reads version ${VERSION}`);
  return {
    session: b.toString("utf8", 41, 41 + b[40]!),
    no: b.readUInt32LE(16),
    life: b.readUInt32LE(12),
    firstSeq: readU64(b, 24),
    salt: Buffer.from(b.subarray(32, 40)),
  };
}

/** Frame head for `payload`; the CRC covers file salt, length, seq, salt and bytes. */
export function encodeFrameHead(into: Buffer, at: number, seq: number, salt: Buffer, payload: Buffer, seed: number): void {
  into.writeUInt32LE(payload.length, at);
  writeU64(into, seq, at + 8);
  salt.copy(into, at + 16);
  const crc = crc32(into.subarray(at + 8, at + FRAME_HEAD), crc32(into.subarray(at, at + 4), seed));
  into.writeUInt32LE(crc32(payload, crc), at + 4);
}

export type FrameState =
  | { readonly state: "present"; readonly salt: Buffer; readonly payload: Buffer }
  | { readonly state: "redacted" }
  | { readonly state: "damaged"; readonly why: string };

/** Reads the frame at `at` and holds it against what the ledger says of it. */
export function decodeFrame(b: Buffer, at: number, seq: number, payloadBytes: number, seed: number): FrameState {
  if (payloadBytes > MAX_PAYLOAD || at + FRAME_HEAD + payloadBytes > b.length)
    return { state: "damaged", why: "the payload file ends before it" };
  if (b.readUInt32LE(at) !== payloadBytes || readU64(b, at + 8) !== seq)
    return { state: "damaged", why: "another frame lies there" };
  const frame = b.subarray(at, at + FRAME_HEAD + payloadBytes);
  if (isZero(frame, 4, 4) && isZero(frame, 16, frame.length - 16)) return { state: "redacted" };
  const crc = crc32(frame.subarray(8), crc32(frame.subarray(0, 4), seed));
  if (crc !== frame.readUInt32LE(4)) return { state: "damaged", why: "its CRC does not match" };
  return { state: "present", salt: frame.subarray(16, FRAME_HEAD), payload: frame.subarray(FRAME_HEAD) };
}

/** File names carry session, number and first seq, so that a listing is enough to know what a session still has. */
export const payloadName = (session: string, no: number, firstSeq: number): string =>
  `${escapeSession(session)}.${no}.${firstSeq}.pay`;

export function parsePayloadName(name: string): { session: string; no: number; firstSeq: number } | null {
  const m = /^([A-Za-z0-9_%-]+)\.(\d+)\.(\d+)\.pay$/.exec(name);
  if (m === null) return null;
  try {
    return { session: decodeURIComponent(m[1]!), no: Number(m[2]), firstSeq: Number(m[3]) };
  } catch {
    return null;
  }
}

export const escapeSession = (session: string): string =>
  Array.from(Buffer.from(session), (c) =>
    /[A-Za-z0-9_-]/.test(String.fromCharCode(c)) ? String.fromCharCode(c) : `%${c.toString(16).padStart(2, "0").toUpperCase()}`,
  ).join("");
