/** Bytes really written, held back so that a full disk still takes the journal's last words. */
import type { Disk } from "./disk.ts";
import { writeWhole } from "./transfer.ts";

const PIECE = 1024 * 1024;

export class Reserve {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #bytes: number;
  constructor(disk: Disk, path: string, bytes: number) {
    this.#disk = disk;
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Makes it whole; throws the disk's error and leaves none behind if it does not fit. */
  hold(): void {
    if (this.#bytes === 0) return;
    if (this.#disk.exists(this.#path)) {
      const file = this.#disk.open(this.#path, "read");
      const size = file.size();
      file.close();
      if (size === this.#bytes) return;
      this.release();
    }
    const file = this.#disk.open(this.#path, "create-new");
    try {
      const piece = Buffer.alloc(Math.min(PIECE, this.#bytes), 0x2e);
      for (let at = 0; at < this.#bytes; at += piece.length)
        writeWhole(file, piece.subarray(0, Math.min(piece.length, this.#bytes - at)), at);
    } catch (error) {
      file.close();
      this.release();
      throw error;
    }
    file.close();
  }

  release(): void {
    try {
      this.#disk.remove(this.#path);
    } catch {
      /* it was not there */
    }
  }
}
