/**
 * A session's journal in pages, newest first, and live at its end.
 *   J1  Older pages come when they are asked for, one at a time, each up to where the one before began: every event is here once, and in order.
 *   J2  What comes live is told at most once a frame, however much it is.
 */
import { type Entry, type HostClient, readJournal, type Session } from "@holdfast/sdk";
import { Store } from "../store.ts";
import { Timeline } from "./fold.ts";
import type { Item, TerminalSize } from "./item.ts";

const PAGE = 1_000;

export interface Listed {
  readonly items: readonly Item[];
  /** How many of them stand before those of the last time: a view that stays in its place moves by them. */
  readonly older: number;
}

export type JournalState = { readonly is: "reading" } | { readonly is: "read" } | { readonly is: "failed"; readonly why: string };

export class JournalPages {
  readonly listed = new Store<Listed>({ items: [], older: 0 });
  readonly state = new Store<JournalState>({ is: "reading" });
  /** More stands before what is here. */
  readonly hasOlder = new Store(false);
  readonly #client: HostClient;
  readonly #session: Session;
  readonly #timeline = new Timeline();
  readonly #over = new AbortController();
  /** Strictly after this seq, all is here. */
  #after: number;
  #pending: Entry[] = [];
  #isReading = false;

  constructor(client: HostClient, session: Session) {
    this.#client = client;
    this.#session = session;
    this.#after = Math.max(0, Number(session.seq) - PAGE);
    void this.#begin();
  }

  /** As {@link Timeline.sizeAt}. */
  sizeAt(seq: number): TerminalSize | null {
    return this.#timeline.sizeAt(seq);
  }

  end(): void {
    this.#over.abort();
  }

  /** J1. */
  async older(): Promise<void> {
    if (this.#isReading || this.#after === 0) return;
    this.#isReading = true;
    this.state.set({ is: "reading" });
    const [from, to] = [Math.max(0, this.#after - PAGE), this.#after];
    try {
      const page = await this.#read(from, to);
      if (this.#over.signal.aborted) return;
      this.#after = from;
      const older = this.#timeline.prepend(page);
      this.#tell(older);
    } catch (fault) {
      this.#failed(fault);
    }
    this.#isReading = false;
  }

  async #begin(): Promise<void> {
    this.#isReading = true;
    const end = Number(this.#session.seq);
    try {
      this.#timeline.append(await this.#read(this.#after, end));
      this.#isReading = false;
      this.#tell(0);
      const { signal } = this.#over;
      for await (const entry of readJournal(this.#client, this.#session.id, {
        after: end,
        follow: true,
        noOutput: true,
        signal,
      })) {
        if (this.#pending.push(entry) === 1) requestAnimationFrame(() => this.#arrived());
      }
    } catch (fault) {
      this.#failed(fault);
    }
  }

  async #read(after: number, to: number): Promise<Entry[]> {
    const page: Entry[] = [];
    // With its output: a page whose last event is output would otherwise be waited for. The bytes are let go as they come.
    for await (const entry of readJournal(this.#client, this.#session.id, { after, to, signal: this.#over.signal }))
      if (entry.type !== "output") page.push(entry);
    return page;
  }

  /** J2. */
  #arrived(): void {
    this.#timeline.append(this.#pending.splice(0));
    if (!this.#isReading) this.#tell(0);
  }

  #tell(older: number): void {
    this.hasOlder.set(this.#after > 0);
    this.listed.set({ items: [...this.#timeline.items], older });
    this.state.set({ is: "read" });
  }

  #failed(fault: unknown): void {
    if (!this.#over.signal.aborted) this.state.set({ is: "failed", why: fault instanceof Error ? fault.message : String(fault) });
  }
}
