/**
 * Everything that a bridge says, in one order, on one pipe that may be blocked for as long as it likes.
 *
 *   O1  Nobody who puts a record ever waits: at first it is held in memory (1 MiB), then in the spool (D1).
 *   O2  When the spool is full, output is dropped, whole records and nothing else, and a `gap` that counts them stands where they would
 *       have stood. What answers somebody (replies, prompts, statuses, words) has a reserve of its own and is dropped last.
 *   O3  Order is never changed.
 */
import { crc32 } from "node:zlib";
import { type BridgeRecord, bytesOf, encoded } from "../record/index.ts";
import type { Spool } from "./spool.ts";

/** What writes: a stream whose `writableLength` says how much it has not yet handed on. */
export interface Pipe {
  readonly writableLength: number;
  cork(): void;
  uncork(): void;
  write(bytes: Uint8Array, done?: () => void): boolean;
}

const MEMORY_BYTES = 1024 * 1024;
const REFILL_BYTES = 256 * 1024;
/** Of the spool, kept for what is not output. */
const RESERVE = 1 / 16;

interface Gap {
  records: number;
  bytes: number;
  fromUnixMs: number;
  why: "spool_full" | "spool_failed";
}

export class Outlet {
  readonly #pipe: Pipe;
  readonly #spool: Spool;
  readonly #now: () => number;
  readonly #eased: () => void;
  /** Used again and again: what is read back is as much as what was spooled, and would be garbage faster than it is collected. */
  readonly #refills: Buffer[] = [];
  #gap: Gap | null = null;
  gapRecords = 0;

  /** `eased`: called when all that was spooled has been handed on. */
  constructor(pipe: Pipe, spool: Spool, now: () => number, eased: () => void = () => {}) {
    this.#pipe = pipe;
    this.#spool = spool;
    this.#now = now;
    this.#eased = eased;
  }

  get spooledBytes(): number {
    return this.#spool.bytes;
  }
  /** Whoever can wait without losing anything (the kernel's native output) should. */
  get isBehind(): boolean {
    return this.#spool.bytes > 0 || this.#gap !== null;
  }

  /** `isOutput`: may be dropped when the spool is full (O2). */
  put(record: BridgeRecord, isOutput: boolean): void {
    const pieces = encoded(record, crc32);
    const length = bytesOf(pieces);
    if (!this.isBehind && (this.#pipe.writableLength === 0 || this.#pipe.writableLength + length <= MEMORY_BYTES)) {
      this.#write(pieces);
      return;
    }
    const isTold = this.#gap === null || this.#tellGap(isOutput ? this.#limit / 2 : this.#spool.capacity);
    const how = !isTold || (isOutput && this.#spool.bytes + length > this.#limit) ? "full" : this.#spool.append(pieces, length);
    if (how !== "kept") this.#drop(length, how);
  }

  get #limit(): number {
    return Math.floor(this.#spool.capacity * (1 - RESERVE));
  }

  #drop(bytes: number, how: "full" | "failed"): void {
    this.#gap ??= { records: 0, bytes: 0, fromUnixMs: this.#now(), why: how === "full" ? "spool_full" : "spool_failed" };
    this.#gap.records++;
    this.#gap.bytes += bytes;
    this.gapRecords++;
  }

  /** The open gap is closed by its word, if at most `belowBytes` wait; false while it stays open. */
  #tellGap(belowBytes: number): boolean {
    if (this.#spool.bytes > belowBytes) return false;
    const pieces = this.#gapPieces();
    if (this.#spool.append(pieces, bytesOf(pieces)) !== "kept") return false;
    this.#gap = null;
    return true;
  }

  #gapPieces(): Uint8Array[] {
    const { records, bytes, fromUnixMs, why } = this.#gap!;
    return encoded({ kind: "word", word: { word: "gap", records, bytes, fromUnixMs, untilUnixMs: this.#now(), why } }, crc32);
  }

  #write(pieces: readonly Uint8Array[], done: () => void = () => {}): void {
    this.#pipe.cork();
    for (const [i, piece] of pieces.entries()) {
      if (i < pieces.length - 1) this.#pipe.write(piece);
      else
        this.#pipe.write(piece, () => {
          done();
          this.#refill();
        });
    }
    this.#pipe.uncork();
  }

  #refill(): void {
    while (this.isBehind && this.#pipe.writableLength < MEMORY_BYTES) {
      if (this.#spool.bytes > 0) {
        const buffer = this.#refills.pop() ?? Buffer.allocUnsafeSlow(REFILL_BYTES);
        this.#write([this.#spool.take(buffer)], () => this.#refills.push(buffer));
      } else {
        this.#write(this.#gapPieces());
        this.#gap = null;
      }
      if (!this.isBehind) this.#eased();
    }
  }
}
