/**
 * A session's output as lines, loaded from the journal a page at a time as the reader moves: the whole history, not what a terminal
 * happened to keep.
 *   H1  `lines` is a gapless stretch of what is kept, in order.
 *   H2  At most about {@link mostLines} are in memory; going on drops the other end.
 */
import { type HostClient, readJournal } from "@holdfast/sdk";
import { type CleanLine, Cleaner } from "../record/clean.ts";

const pageEvents = 400;
const mostLines = 200_000;

export class History {
  lines: CleanLine[] = [];
  readonly #client: HostClient;
  readonly #session: string;
  /** The stretch loaded: events after `#from` up to `#to`. */
  #from = 0;
  #to = 0;
  #head = 0;

  constructor(client: HostClient, session: string) {
    this.#client = client;
    this.#session = session;
  }

  get hasOlder(): boolean {
    return this.#from > 0;
  }
  get hasNewer(): boolean {
    return this.#to < this.#head;
  }

  /** The newest lines: at least `wanted`, if there are so many. */
  async loadEnd(wanted: number): Promise<void> {
    this.#head = Number((await this.#client.show(this.#session)).seq);
    this.#from = this.#to = this.#head;
    this.lines = [];
    await this.loadOlder(wanted);
  }

  /** How many lines came before. */
  async loadOlder(wanted: number): Promise<number> {
    let added = 0;
    for (let events = pageEvents; added < wanted && this.#from > 0; events *= 2) {
      const after = Math.max(0, this.#from - events);
      const { lines, rest } = await this.#read(after, this.#from);
      const first = this.lines[0];
      if (rest && first) this.lines[0] = { text: rest.text + first.text, offset: rest.offset };
      else if (rest) lines.push(rest);
      this.lines = [...lines, ...this.lines];
      added += lines.length;
      this.#from = after;
    }
    return added;
  }

  async loadNewer(): Promise<number> {
    if (!this.hasNewer) return 0;
    const to = Math.min(this.#head, this.#to + pageEvents);
    const { lines, rest } = await this.#read(this.#to, to);
    if (rest) lines.push(rest);
    this.lines.push(...lines);
    this.#to = to;
    if (this.lines.length > mostLines) this.lines.splice(0, this.lines.length - mostLines);
    return lines.length;
  }

  /** Looks through the whole journal, above `before` (an offset), and loads around what it finds: the line's index, or -1. */
  async findOlder(query: string, before: number): Promise<number> {
    const [hit] = await this.#client.search(this.#session, anyCase(query), { regex: true, beforeOffset: before, limit: 1 });
    if (!hit) return -1;
    const seq = Number(hit.seq);
    this.#from = Math.max(0, seq - pageEvents);
    this.#to = Math.min(this.#head, seq + pageEvents);
    const { lines, rest } = await this.#read(this.#from, this.#to);
    if (rest) lines.push(rest);
    this.lines = lines;
    const at = lines.findLastIndex((l) => l.offset <= Number(hit.offset));
    return at < 0 ? 0 : at;
  }

  async #read(after: number, to: number): Promise<{ lines: CleanLine[]; rest: CleanLine | null }> {
    let cleaner: Cleaner | undefined;
    const lines: CleanLine[] = [];
    for await (const entry of readJournal(this.#client, this.#session, { after, to })) {
      if (entry.type !== "output") continue;
      cleaner ??= new Cleaner(entry.offset);
      lines.push(...cleaner.feed(entry.bytes));
    }
    return { lines, rest: cleaner?.rest() ?? null };
  }
}

/** The query as a regular expression that takes either case of its letters; with capitals in it, as it is written. */
export function anyCase(query: string): string {
  const exact = /\p{Lu}/u.test(query);
  return [...query]
    .map((c) =>
      !exact && c.toUpperCase() !== c && [...c.toUpperCase()].length === 1
        ? `[${c}${c.toUpperCase()}]`
        : c.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"),
    )
    .join("");
}
