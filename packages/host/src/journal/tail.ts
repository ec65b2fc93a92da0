/**
 * What was appended and is not yet durable, kept in memory so that a failed fsync can be answered by writing it again elsewhere
 * (J5). Bounded: past `maxBytes` it is no longer whole, and then a failed fsync freezes the journal.
 */
export interface TailEntry {
  readonly lsn: number;
  readonly seq: number;
  readonly session: string;
  readonly wallMs: number;
  readonly frame: Buffer;
  /** Bulk payload and its salt; null when inline, none or erased. The caller's bytes, not to be changed before they are durable. */
  salt: Buffer | null;
  payload: Uint8Array | null;
}

export class Tail {
  readonly #maxBytes: number;
  #entries: TailEntry[] = [];
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

  push(entry: TailEntry): void {
    this.bytes += entry.frame.length + (entry.payload?.length ?? 0);
    if (this.isWhole && this.bytes > this.#maxBytes) {
      this.isWhole = false;
      this.#entries = this.#entries.map((e) => ({ ...e, salt: null, payload: null, frame: e.frame.subarray(0, 48) }));
    }
    this.#entries.push(this.isWhole ? entry : { ...entry, salt: null, payload: null, frame: entry.frame.subarray(0, 48) });
    if (!this.isWhole && this.#entries.length > 1) this.#entries.splice(0, this.#entries.length - 1);
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
      this.bytes = 0;
      this.isWhole = true;
    } else if (this.isWhole) {
      for (const gone of this.#entries.splice(0, lsn - this.baseLsn))
        this.bytes -= gone.frame.length + (gone.payload?.length ?? 0);
    }
    this.baseLsn = lsn;
    chain.copy(this.baseChain);
  }
}
