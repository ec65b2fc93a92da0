/** The caller's folds, one file a session: `magic | crc | seq | mark[32] | blob`. A cache: a bad or missing one is no fold. */
import { crc32 } from "node:zlib";
import type { Disk } from "./disk.ts";
import { readU64, writeU64 } from "./format.ts";
import { escapeSession } from "./payload-format.ts";
import { readFile, replaceFile } from "./transfer.ts";

const MAGIC = "HFFOLD01";
const HEAD = 52;

export class FoldStore {
  readonly #disk: Disk;
  readonly #folder: string;
  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  #name(session: string): string {
    return `${escapeSession(session)}.fold`;
  }

  save(session: string, seq: number, mark: Buffer, blob: Uint8Array): boolean {
    const b = Buffer.alloc(HEAD + blob.length);
    b.write(MAGIC, 0, "latin1");
    writeU64(b, seq, 12);
    mark.copy(b, 20, 0, 32);
    b.set(blob, HEAD);
    b.writeUInt32LE(crc32(b.subarray(12)), 8);
    try {
      replaceFile(this.#disk, this.#folder, this.#name(session), b, false);
      return true;
    } catch {
      return false;
    }
  }

  load(session: string): { seq: number; mark: Buffer; blob: Uint8Array } | null {
    const path = `${this.#folder}/${this.#name(session)}`;
    try {
      if (!this.#disk.exists(path)) return null;
      const b = readFile(this.#disk, path);
      if (b.length < HEAD || b.toString("latin1", 0, 8) !== MAGIC || crc32(b.subarray(12)) !== b.readUInt32LE(8)) return null;
      return { seq: readU64(b, 12), mark: b.subarray(20, HEAD), blob: b.subarray(HEAD) };
    } catch {
      return null;
    }
  }

  remove(session: string): void {
    try {
      this.#disk.remove(`${this.#folder}/${this.#name(session)}`);
    } catch {
      /* it had none */
    }
  }
}
