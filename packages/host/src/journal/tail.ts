/**
 * What was appended and is not yet durable, kept in memory so that a failed fsync can be answered by writing it again elsewhere
 * (J5). Bounded: past `maxBytes` it is no longer whole, and then a failed fsync freezes the journal.
 * It lies in slabs that are used again once what they hold is durable: a flood allocates nothing.
 */
import { MAX_FRAME, MAX_PAYLOAD } from "./format.ts";
import { FRAME_HEAD } from "./payload-format.ts";

/** Takes the largest record with its payload's frame; a flood within its bound of unsynced bytes lives in two. */
const SLAB_BYTES = 64 * 1024 + FRAME_HEAD + MAX_PAYLOAD + MAX_FRAME;
/** Empty ones kept beside the one in use. */
const SPARE_SLABS = 1;

interface Slab {
  readonly bytes: Buffer;
  used: number;
  /** Entries in it. */
  held: number;
}

export interface TailEntry {
  readonly lsn: number;
  readonly seq: number;
  readonly session: string;
  readonly wallMs: number;
  readonly frame: Buffer;
  /** Bulk payload and its salt; null when inline, none or erased. */
  salt: Buffer | null;
  payload: Uint8Array | null;
}

export class Tail {
  readonly #maxBytes: number;
  #entries: TailEntry[] = [];
  /** The slab of each entry. */
  #slabs: Slab[] = [];
  #slab: Slab = newSlab();
  #spare: Slab[] = [];
  isWhole = true;
  bytes = 0;
  baseLsn: number;
  baseChain: Buffer;
  constructor(maxBytes: number, baseLsn: number, baseChain: Buffer) {
    this.#maxBytes = maxBytes;
    this.baseLsn = baseLsn;
    this.baseChain = Buffer.from(baseChain);
  }

  get entries(): readonly TailEntry[] {
    return this.#entries;
  }

  /** Where the next entry's bytes are to be written, `length` of them; taken by {@link push}, else given again. */
  room(length: number): Buffer {
    if (this.#slab.used + length > SLAB_BYTES) {
      const full = this.#slab;
      this.#slab = this.#spare.pop() ?? newSlab();
      this.#empty(full);
    }
    return this.#slab.bytes.subarray(this.#slab.used, this.#slab.used + length);
  }

  /** `length` bytes of the last {@link room} are this entry's. */
  push(entry: TailEntry, length: number): void {
    this.bytes += entry.frame.length + (entry.payload?.length ?? 0);
    if (this.bytes > this.#maxBytes) this.isWhole = false;
    if (!this.isWhole) {
      // Only where it ends is known of it.
      for (const slab of this.#slabs.splice(0)) this.#release(slab);
      this.#entries = [{ ...entry, salt: null, payload: null, frame: Buffer.from(entry.frame.subarray(0, 48)) }];
      return;
    }
    this.#slab.used += length;
    this.#slab.held++;
    this.#slabs.push(this.#slab);
    this.#entries.push(entry);
  }

  find(lsn: number): TailEntry | undefined {
    return this.isWhole ? this.#entries[lsn - this.baseLsn - 1] : undefined;
  }

  /** Everything up to `lsn` is durable. */
  advance(lsn: number, chain: Buffer): void {
    if (lsn <= this.baseLsn) return;
    const last = this.#entries.at(-1);
    if (last === undefined || last.lsn <= lsn) {
      this.#entries = [];
      for (const slab of this.#slabs.splice(0)) this.#release(slab);
      this.bytes = 0;
      this.isWhole = true;
    } else if (this.isWhole) {
      const count = lsn - this.baseLsn;
      for (const gone of this.#entries.splice(0, count)) this.bytes -= gone.frame.length + (gone.payload?.length ?? 0);
      for (const slab of this.#slabs.splice(0, count)) this.#release(slab);
    }
    this.baseLsn = lsn;
    chain.copy(this.baseChain);
  }

  #release(slab: Slab): void {
    slab.held--;
    this.#empty(slab);
  }

  #empty(slab: Slab): void {
    if (slab.held > 0) return;
    slab.used = 0;
    if (slab !== this.#slab && this.#spare.length < SPARE_SLABS) this.#spare.push(slab);
  }
}

const newSlab = (): Slab => ({ bytes: Buffer.allocUnsafeSlow(SLAB_BYTES), used: 0, held: 0 });
