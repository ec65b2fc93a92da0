/**
 * The end of a session's journal, and as much before it as somebody looks at.
 *   J1  It begins with the last {@link WINDOW_SEQS} numbers and goes on as the session does; older ones are fetched by the same many, and folded anew.
 *   J2  Events alone: what was printed is fetched for the command that somebody opens.
 */
import type { Attachment, Event, HostClient, Session } from "@holdfast/sdk";
import { Store } from "../store.ts";
import { Timeline, type TimelineEntry } from "./timeline.ts";

const WINDOW_SEQS = 5_000;

type Item =
  | { readonly event: Event }
  | { readonly gap: { readonly fromSeq: number; readonly toSeq: number; readonly reason: string } };

export class JournalWindow {
  readonly entries = new Store<readonly TimelineEntry[]>([]);
  readonly hasOlder = new Store(false);
  readonly wrong = new Store<string | null>(null);
  readonly #client: HostClient;
  readonly #session: Session;
  readonly #items: Item[] = [];
  #timeline = new Timeline();
  #from: number;
  #live: Promise<Attachment> | null = null;
  #isOver = false;
  #drawing = false;

  constructor(client: HostClient, session: Session) {
    this.#client = client;
    this.#session = session;
    this.#from = Math.max(0, Number(session.seq) - WINDOW_SEQS);
    this.hasOlder.set(this.#from > 0);
  }

  /** J1. */
  async open(): Promise<void> {
    try {
      this.#live = this.#attach(this.#from, (item) => {
        this.#items.push(item);
        put(this.#timeline, item);
        this.#later();
      });
      const attachment = await this.#live;
      if (this.#isOver) await attachment.detach();
    } catch (fault) {
      this.wrong.set(fault instanceof Error ? fault.message : String(fault));
    }
  }

  async older(): Promise<void> {
    const until = this.#from;
    if (until === 0 || !this.hasOlder.value) return;
    this.hasOlder.set(false);
    const from = Math.max(0, until - WINDOW_SEQS);
    const found: Item[] = [];
    let whole!: () => void;
    const over = new Promise<void>((resolve) => {
      whole = resolve;
    });
    const attachment = await this.#attach(from, (item) => {
      if (("event" in item ? Number(item.event.seq) : item.gap.fromSeq) > until) return whole();
      found.push(item);
    });
    await over;
    await attachment.detach();
    if (this.#isOver) return;
    this.#items.unshift(...found);
    this.#timeline = new Timeline();
    for (const item of this.#items) put(this.#timeline, item);
    this.#from = from;
    this.hasOlder.set(from > 0);
    this.#later();
  }

  end(): void {
    this.#isOver = true;
    void this.#live?.then((attachment) => attachment.detach()).catch(() => {});
  }

  #attach(after: number, told: (item: Item) => void): Promise<Attachment> {
    return this.#client.attach(
      { session: this.#session.id, observe: true, quiet: true, mode: "replay", after, noOutput: true },
      {
        event: (event) => told({ event }),
        gap: (gap) => told({ gap }),
        detached: (_, error) => error && this.wrong.set(error.message),
      },
    );
  }

  /** Many events that come at once are one drawing. */
  #later(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      if (!this.#isOver) this.entries.set(this.#timeline.entries);
    });
  }
}

function put(timeline: Timeline, item: Item): void {
  if ("event" in item) timeline.add(item.event);
  else timeline.gap(item.gap.fromSeq, item.gap.toSeq, item.gap.reason, 0);
}
