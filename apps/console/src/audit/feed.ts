/**
 * A host's record as far as it was read, newest first.
 *   F1  A search that finds little goes on by itself until it has a page, has come to the beginning, or nobody looks any more; it says how far back it is.
 *   F2  What was read stays when the rest can't be: reading goes on from there.
 */
import { type Audit, type AuditQuery, type AuditRecord, HoldError } from "@holdfast/sdk";
import { Store } from "../store.ts";

const PAGE = 200;

export type FeedState =
  | { readonly is: "reading" }
  /** `isAll`: nothing older is there. */
  | { readonly is: "read"; readonly isAll: boolean }
  | { readonly is: "failed"; readonly code: string; readonly why: string };

export interface Fed {
  readonly records: readonly AuditRecord[];
  /** As far back as was looked; null: not known yet. */
  readonly reachedUnixMs: number | null;
}

export class AuditFeed {
  readonly fed = new Store<Fed>({ records: [], reachedUnixMs: null });
  readonly state = new Store<FeedState>({ is: "reading" });
  readonly #audit: Audit;
  readonly #query: AuditQuery;
  readonly #over = new AbortController();
  #next = 0;

  constructor(audit: Audit, query: AuditQuery) {
    this.#audit = audit;
    this.#query = query;
    void this.#read();
  }

  /** Older ones. Nothing while it reads, or when all is here. */
  more(): void {
    const { value } = this.state;
    if (value.is === "reading" || (value.is === "read" && value.isAll)) return;
    this.state.set({ is: "reading" });
    void this.#read();
  }

  end(): void {
    this.#over.abort();
  }

  /** F1. */
  async #read(): Promise<void> {
    const { signal } = this.#over;
    try {
      for (let left = PAGE; left > 0; ) {
        const page = await this.#audit.page({ ...this.#query, before: this.#next, limit: left, signal });
        if (signal.aborted) return;
        left -= page.records.length;
        const { records, reachedUnixMs } = this.fed.value;
        this.fed.set({ records: [...records, ...page.records], reachedUnixMs: page.reachedUnixMs ?? reachedUnixMs });
        if (page.next === null) return this.state.set({ is: "read", isAll: true });
        this.#next = page.next;
      }
      this.state.set({ is: "read", isAll: false });
    } catch (fault) {
      if (signal.aborted) return;
      const code = fault instanceof HoldError ? fault.code : "internal";
      this.state.set({ is: "failed", code, why: fault instanceof Error ? fault.message : String(fault) });
    }
  }
}
