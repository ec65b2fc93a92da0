/**
 * Output as others are shown it: terminal queries taken out, so that only the model answers them. The journal keeps the raw bytes.
 * The live view runs along with the output; a reader of the journal gets a filter of its own, primed with what stood before its cursor.
 */
import { terminal } from "@holdfast/core";
import type { Entry, Gap } from "../journal/journal.ts";
import { OUTPUT_KIND, type Body } from "./record.ts";

/** A query is short: what stood this many pieces of output before the cursor can't be part of one any more. */
const PRIME_OUTPUTS = 16;
/** How far back those are looked for, among inputs and whatever else happened. */
const PRIME_RECORDS = 4_096;

/** The record at a seq, alone. */
type ReadOne = (seq: number) => readonly ({ readonly entry: Entry; readonly body: Body | null } | Gap)[];

export class OutputView {
  #live: terminal.QueryFilter | null = null;
  /** The chunk that was viewed last ended a query. */
  sawQuery = false;

  /** The next output record's bytes, as shown. The first one in a life of the host may go on with what stood before it. */
  live(entry: Entry, payload: Uint8Array, readOne: ReadOne): Uint8Array {
    if (entry.stream !== 0) return payload;
    this.#live ??= this.filterAt(entry.seq, readOne).queries;
    const before = this.#live.found;
    const shown = this.#live.filter(payload);
    this.sawQuery = this.#live.found > before;
    return shown;
  }

  /** A filter that stands before `seq`. `readOne`: the record at a seq. */
  filterAt(seq: number, readOne: ReadOne): { readonly queries: terminal.QueryFilter; nextSeq: number } {
    const queries = new terminal.QueryFilter();
    const before: Uint8Array[] = [];
    for (let at = seq - 1; at >= Math.max(1, seq - PRIME_RECORDS) && before.length < PRIME_OUTPUTS; at--) {
      const item = readOne(at)[0];
      if (item && !("gap" in item) && item.entry.seq === at && item.entry.kind === OUTPUT_KIND && item.entry.stream === 0)
        before.push(item.entry.payload);
    }
    for (const payload of before.reverse()) queries.filter(payload);
    return { queries, nextSeq: seq };
  }
}
