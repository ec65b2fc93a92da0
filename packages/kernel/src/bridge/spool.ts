/**
 * A first-in, first-out store of bytes in one file of bounded size, for what a reader is too slow to take.
 *
 *   P1  0600, and without a name once it is open: it ends with its process, whatever ends that.
 *   P2  Never longer than its capacity: it is a ring. Empty, it is cut to nothing.
 *   P3  What does not fit whole, or can't be written, is refused whole.
 */
import { closeSync, constants, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";

export class Spool {
  readonly #path: string;
  readonly capacity: number;
  #fd = -1;
  /** Positions that only grow; modulo capacity they are places in the file. */
  #read = 0;
  #written = 0;

  constructor(path: string, capacity: number) {
    this.#path = path;
    this.capacity = capacity;
  }

  get bytes(): number {
    return this.#written - this.#read;
  }

  append(pieces: readonly Uint8Array[], length: number): "kept" | "full" | "failed" {
    if (this.bytes + length > this.capacity) return "full";
    let at = this.#written;
    try {
      if (this.#fd < 0) this.#open();
      for (const piece of pieces) at = this.#write(piece, at);
    } catch {
      return "failed";
    }
    this.#written = at;
    return "kept";
  }

  /** The oldest bytes, as many as fit, at the start of `into`; they are gone from here. */
  take(into: Buffer): Buffer {
    const at = this.#read % this.capacity;
    const bytes = into.subarray(0, Math.min(into.length, this.bytes, this.capacity - at));
    for (let got = 0; got < bytes.length; ) {
      const n = readSync(this.#fd, bytes, got, bytes.length - got, at + got);
      if (n === 0) throw new Error("[spool_short] the spool's file has lost bytes");
      got += n;
    }
    this.#read += bytes.length;
    if (this.bytes === 0) this.#empty();
    return bytes;
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #open(): void {
    this.#fd = openSync(this.#path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    unlinkSync(this.#path);
  }

  #empty(): void {
    this.#read = 0;
    this.#written = 0;
    ftruncateSync(this.#fd, 0);
  }

  #write(piece: Uint8Array, from: number): number {
    let at = from;
    for (let done = 0; done < piece.length; ) {
      const place = at % this.capacity;
      const n = writeSync(this.#fd, piece, done, Math.min(piece.length - done, this.capacity - place), place);
      done += n;
      at += n;
    }
    return at;
  }
}
