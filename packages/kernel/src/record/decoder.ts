/**
 * Reads records from bytes that come in any pieces.
 *
 *   D1  A record is given once, when its last byte has come; its parts are views of one buffer of its own.
 *   D2  Bytes that are no record (a torn one, a start in the middle) are skipped to the next that is whole, and counted.
 *   D3  It holds no more than one unfinished record.
 *   D4  Without a checksum a record is one whose parts make up its length: for bytes that came over a link that vouches for them, in which
 *       a secret may be masked, so that the checksum is of what stood there before.
 */
import { type BridgeRecord, type Crc32, fromParts, HEADER_BYTES, MAGIC, MAX_PARTS, MAX_RECORD_BYTES } from "./record.ts";

/** `bytes`: how long the record was. */
export type Decoded = { readonly record: BridgeRecord; readonly bytes: number } | { readonly skippedBytes: number };

export class RecordDecoder {
  readonly #crc32: Crc32 | null;
  readonly #maxBytes: number;
  #pieces: Uint8Array[] = [];
  #held = 0;
  /** Bytes that must be here before a look is worth it. */
  #needed = HEADER_BYTES;
  #skipped = 0;

  /** `crc32`: null for none (D4). `maxBytes`: a record that says it is longer is none. Default {@link MAX_RECORD_BYTES}. */
  constructor(crc32: Crc32 | null, maxBytes = MAX_RECORD_BYTES) {
    this.#crc32 = crc32;
    this.#maxBytes = maxBytes;
  }

  /** `bytes` are the decoder's from now on: who uses their memory again gives a copy. */
  push(bytes: Uint8Array): Decoded[] {
    this.#pieces.push(bytes);
    this.#held += bytes.length;
    return this.#held < this.#needed ? [] : this.#read();
  }

  /** The writer began anew (the bridge was started again): what was unfinished never will be. */
  restart(): Decoded[] {
    const found: Decoded[] = [];
    while (this.#held > 0) {
      const held = this.#joined();
      const next = this.#nextMagic(held, 1);
      this.#skipped += next;
      this.#keep(held.subarray(next));
      found.push(...this.#read());
      if (next === held.length) break;
    }
    return [...found, ...this.#told()];
  }

  /** Bytes of a record that is not whole yet. */
  get heldBytes(): number {
    return this.#held;
  }

  /** These bytes. */
  held(): Uint8Array {
    return this.#joined();
  }

  #read(): Decoded[] {
    const found: Decoded[] = [];
    let bytes = this.#joined();
    for (;;) {
      const length = this.#lengthAt(bytes);
      if (length === "more") break;
      const record = length === "none" ? null : this.#recordIn(bytes.subarray(0, length));
      if (record) {
        found.push(...this.#told(), { record, bytes: length as number });
        bytes = bytes.subarray(length as number);
      } else {
        const next = this.#nextMagic(bytes, 1);
        this.#skipped += next;
        bytes = bytes.subarray(next);
      }
    }
    this.#keep(bytes);
    return found;
  }

  #told(): Decoded[] {
    if (this.#skipped === 0) return [];
    const skippedBytes = this.#skipped;
    this.#skipped = 0;
    return [{ skippedBytes }];
  }

  /** How long the record at the start is; `more` sets how much it takes to know, or to have it. */
  #lengthAt(bytes: Uint8Array): number | "more" | "none" {
    this.#needed = HEADER_BYTES;
    if (bytes.length < HEADER_BYTES) return "more";
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const [length, parts] = [view.getUint32(4, true), view.getUint16(14, true)];
    if (view.getUint32(0, true) !== MAGIC || parts === 0 || parts > MAX_PARTS || length > this.#maxBytes) return "none";
    if (length < HEADER_BYTES + 4 * parts) return "none";
    if (bytes.length >= length) return length;
    this.#needed = length;
    return "more";
  }

  /** A copy, so that what is kept of it keeps nothing else (`slice` would give a view of a Buffer). */
  #recordIn(whole: Uint8Array): BridgeRecord | null {
    const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
    if (this.#crc32 && this.#crc32(whole.subarray(12), 0) !== view.getUint32(8, true)) return null;
    const own = new Uint8Array(whole);
    const parts: Uint8Array[] = [];
    let at = HEADER_BYTES + 4 * view.getUint16(14, true);
    for (let i = 0; i < view.getUint16(14, true); i++) {
      const length = view.getUint32(HEADER_BYTES + 4 * i, true);
      if (at + length > own.length) return null;
      parts.push(own.subarray(at, (at += length)));
    }
    return at === own.length ? fromParts(view.getUint8(12), parts) : null;
  }

  /** Where the next record may begin; its first bytes may be all that has come of it. */
  #nextMagic(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      let same = 0;
      while (same < 4 && at + same < bytes.length && bytes[at + same] === ((MAGIC >>> (8 * same)) & 0xff)) same++;
      if (same === 4 || at + same === bytes.length) return at;
    }
    return bytes.length;
  }

  #joined(): Uint8Array {
    if (this.#pieces.length === 1) return this.#pieces[0]!;
    const whole = new Uint8Array(this.#held);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [whole];
    return whole;
  }

  #keep(bytes: Uint8Array): void {
    this.#pieces = bytes.length > 0 ? [bytes] : [];
    this.#held = bytes.length;
  }
}
