/**
 * A record: what passes between a host and a bridge, either way, one after another on a pipe (docs/kernel-bridge.md §2).
 *
 *   R1  A record's length stands in it, so that one of 64 MiB and one of 60 bytes are read alike, in whatever pieces they come.
 *   R2  A checksum covers it, and a magic number begins it: a reader who comes in the middle, or after one that a crash cut off,
 *       finds the next whole record and tells how many bytes were none (decoder.ts).
 *   R3  The parts of a message are the bytes that its sender wrote.
 * Pure; the checksum is an argument.
 */
import type { Channel, Message } from "../message/index.ts";
import { channels, json, parsed } from "../message/index.ts";
import type { BridgeWord, HostWord } from "./words.ts";

/** CRC-32 as zlib computes it, of `bytes`, going on from `before` (0 at first). */
export type Crc32 = (bytes: Uint8Array, before: number) => number;

/** What a kernel said on its own standard output or error, beside the protocol. */
export type NativeStream = "stdout" | "stderr";

export type BridgeRecord =
  | {
      readonly kind: "message";
      readonly channel: Channel;
      /** Which life of the kernel it is for, or from: counted from 1, one more at each restart. */
      readonly incarnation: number;
      readonly message: Message;
    }
  | { readonly kind: "word"; readonly word: HostWord | BridgeWord }
  | { readonly kind: "native"; readonly stream: NativeStream; readonly incarnation: number; readonly bytes: Uint8Array };

/** "HFK1" read as a little-endian number. */
export const MAGIC = 0x314b4648;
export const HEADER_BYTES = 16;
/** 64 MiB of buffers (notebooks J7) and what comes with them. */
export const MAX_RECORD_BYTES = 96 * 1024 * 1024;
export const MAX_PARTS = 4_096;

const KINDS = { message: 1, word: 2, native: 3 } as const;

/** One record as pieces to be written one after another: the parts themselves are not copied. */
export function encoded(record: BridgeRecord, crc32: Crc32): Uint8Array[] {
  const parts = partsOf(record);
  const front = new Uint8Array(HEADER_BYTES + 4 * parts.length);
  const view = new DataView(front.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(
    4,
    parts.reduce((sum, part) => sum + part.length, front.length),
    true,
  );
  view.setUint8(12, KINDS[record.kind]);
  view.setUint16(14, parts.length, true);
  for (const [i, part] of parts.entries()) view.setUint32(HEADER_BYTES + 4 * i, part.length, true);
  view.setUint32(
    8,
    parts.reduce((crc, part) => crc32(part, crc), crc32(front.subarray(12), 0)),
    true,
  );
  return [front, ...parts];
}

export const bytesOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, piece) => sum + piece.length, 0);

function partsOf(record: BridgeRecord): Uint8Array[] {
  switch (record.kind) {
    case "word":
      return [json(record.word)];
    case "native":
      return [json({ stream: record.stream, incarnation: record.incarnation }), record.bytes];
    case "message": {
      const { header, parent, metadata, content, buffers } = record.message;
      return [json({ channel: record.channel, incarnation: record.incarnation }), header, parent, metadata, content, ...buffers];
    }
  }
}

/** The record that these parts are, or null. */
export function fromParts(kind: number, parts: readonly Uint8Array[]): BridgeRecord | null {
  const [head, ...rest] = parts;
  const fields = head && parsed(head);
  if (!fields) return null;
  const incarnation = typeof fields.incarnation === "number" ? fields.incarnation : 0;
  if (kind === KINDS.word) return typeof fields.word === "string" ? { kind: "word", word: fields as unknown as HostWord } : null;
  if (kind === KINDS.native) {
    const [bytes] = rest;
    const { stream } = fields;
    return bytes && (stream === "stdout" || stream === "stderr") ? { kind: "native", stream, incarnation, bytes } : null;
  }
  const [header, parent, metadata, content, ...buffers] = rest;
  const channel = channels.find((name) => name === fields.channel);
  if (kind !== KINDS.message || !channel || !header || !parent || !metadata || !content) return null;
  return { kind: "message", channel, incarnation, message: { header, parent, metadata, content, buffers } };
}
