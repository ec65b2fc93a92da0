/**
 * Framing for byte-stream carriers (unix, stdio): length (u32, big-endian, of what follows), channel (u32, big-endian), message.
 * Pure: bytes in, frames out.
 */
import { HoldError, limits } from "@holdfast/protocol";

export const HEADER_BYTES = 8;

/** One frame as a single buffer: for small messages, where a copy is cheaper than a second write. */
export function framed(channel: number, message: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(HEADER_BYTES + message.length);
  writeHeader(out, channel, message.length);
  out.set(message, HEADER_BYTES);
  return out;
}

export function header(channel: number, messageBytes: number): Buffer {
  const out = Buffer.allocUnsafe(HEADER_BYTES);
  writeHeader(out, channel, messageBytes);
  return out;
}

function writeHeader(out: Buffer, channel: number, messageBytes: number): void {
  out.writeUInt32BE(messageBytes + 4, 0);
  out.writeUInt32BE(channel, 4);
}

/** Cuts a byte stream into frames. `maxBytes` bounds one frame before anything is kept of it, and is asked for each. */
export class Deframer {
  #rest: Buffer[] = [];
  #restBytes = 0;
  #need = HEADER_BYTES;
  readonly #maxBytes: () => number;

  constructor(maxBytes: () => number = () => limits.frameBytes) {
    this.#maxBytes = maxBytes;
  }

  /** Throws `bad_request` for a frame that is too large or too short; the stream is useless after that. */
  push(chunk: Buffer, frame: (channel: number, message: Uint8Array) => void): void {
    if (this.#restBytes > 0) {
      this.#rest.push(chunk);
      this.#restBytes += chunk.length;
      if (this.#restBytes < this.#need) return;
      chunk = Buffer.concat(this.#rest, this.#restBytes);
      this.#rest = [];
      this.#restBytes = 0;
    }
    let at = 0;
    for (;;) {
      const left = chunk.length - at;
      if (left < HEADER_BYTES) {
        this.#need = HEADER_BYTES;
        break;
      }
      const length = chunk.readUInt32BE(at);
      const most = this.#maxBytes();
      if (length < 4 || length > most) throw new HoldError("bad_request", `a frame of ${length} bytes; 4 to ${most} are allowed`);
      if (left < length + 4) {
        this.#need = length + 4;
        break;
      }
      frame(chunk.readUInt32BE(at + 4), chunk.subarray(at + HEADER_BYTES, at + 4 + length));
      at += length + 4;
    }
    if (at < chunk.length) {
      this.#rest.push(at === 0 ? chunk : chunk.subarray(at));
      this.#restBytes = chunk.length - at;
    }
  }
}
