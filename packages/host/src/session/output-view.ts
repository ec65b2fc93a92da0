/**
 * Output as others are shown it: terminal queries taken out, so that only the model answers them. The journal keeps the raw bytes.
 * The live view runs along with the output; a reader of the journal gets a filter of its own, primed with what stood before its cursor.
 */
import { terminal } from "@holdfast/core";
import type { Entry, Gap } from "../journal/journal.ts";
import { OUTPUT_KIND, type Body } from "./record.ts";

/** A query is short: what stood this many pieces of output before the cursor can't be part of one any more. */
const PRIME_OUTPUTS = 16;
/** How far back those are looked for, among inputs and whatever else happened: first this many records, then four times as many. */
const FIRST_RECORDS = 16;
const PRIME_RECORDS = 4_096;

/** The records from one seq up to and including another, in order. */
type ReadRange = (from: number, to: number) => readonly ({ readonly entry: Entry; readonly body: Body | null } | Gap)[];

export class OutputView {
  #live: terminal.QueryFilter | null = null;
  /** The chunk that was viewed last ended a query. */
  sawQuery = false;

  /** The next output record's bytes, as shown. The first one in a life of the host may go on with what stood before it. */
  live(entry: Entry, payload: Uint8Array, readRange: ReadRange): Uint8Array {
    if (entry.stream !== 0) return payload;
    this.#live ??= this.filterAt(entry.seq, readRange).queries;
    const before = this.#live.found;
    const shown = this.#live.filter(payload);
    this.sawQuery = this.#live.found > before;
    return shown;
  }

  /** A filter that stands before `seq`. */
  filterAt(seq: number, readRange: ReadRange): { readonly queries: terminal.QueryFilter; nextSeq: number } {
    const queries = new terminal.QueryFilter();
    const first = Math.max(1, seq - PRIME_RECORDS);
    let before: Uint8Array[] = [];
    for (let to = seq - 1, most = FIRST_RECORDS; to >= first && before.length < PRIME_OUTPUTS; most *= 4) {
      const from = Math.max(first, to - most + 1);
      const found = readRange(from, to).flatMap((item) =>
        !("gap" in item) && item.entry.kind === OUTPUT_KIND && item.entry.stream === 0 ? [item.entry.payload] : [],
      );
      before = [...found, ...before];
      to = from - 1;
    }
    for (const payload of before.slice(-PRIME_OUTPUTS)) queries.filter(payload);
    return { queries, nextSeq: seq };
  }
}
