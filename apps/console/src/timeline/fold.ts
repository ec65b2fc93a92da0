/**
 * A journal as people read it: its events folded into items, oldest first.
 *   F1  Any cut into pages gives the same items: an older page is folded, and what follows it again until the two folds agree.
 *   F2  A command is one item, from its start to its end; an end without a start that is here is one too. It is caused by whoever typed the line
 *       end, or ran it, last before it; the shell's mark alone names nobody. Where the line is the command, to the letter, it is that one item too,
 *       which has what was typed beside it.
 *   F3  What one operator typed is one item up to its line end, to {@link PAUSE_MS} without a key, or to somebody else's deed. Text is shown exactly;
 *       what is secret or no longer kept is said, and never shown.
 *   F4  Every event that a person would ask for is in an item; what only keeps the books (a program's queries, an applied input) is in none.
 */
import { type Entry, type Event, InputStatus, shownExactly } from "@holdfast/sdk";
import type { Item, TerminalSize } from "./item.ts";
import { gapText, textOf } from "./words.ts";

const PAUSE_MS = 10_000;
const MAX_TYPED_BYTES = 4_096;

type Kept = Exclude<Entry, { type: "output" }>;
const isKept = (entry: Entry): entry is Kept => entry.type !== "output";

/** After an event: nothing that came is changed by what comes, and the fold goes on as any other would with so many items and this cause. */
interface Mark {
  readonly items: number;
  readonly cause: string;
}

export class Timeline {
  #items: Item[] = [];
  #events: Kept[] = [];
  #marks: (Mark | null)[] = [];
  #sizes: { readonly seq: number; readonly size: TerminalSize }[] = [];
  #fold = new Fold(this.#items);

  get items(): readonly Item[] {
    return this.#items;
  }

  /** The terminal's size at that place; null where it stands in an older page. */
  sizeAt(seq: number): TerminalSize | null {
    return this.#sizes.findLast((one) => one.seq <= seq)?.size ?? null;
  }

  /** What came after all that is here. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (!isKept(entry)) continue;
      this.#events.push(entry);
      this.#fold.take(entry);
      this.#marks.push(this.#fold.mark());
      this.#sizes.push(...sizesOf([entry]));
    }
  }

  /** F1: what stands before all that is here. Answers how many items there are more. */
  prepend(entries: readonly Entry[]): number {
    const page = entries.filter(isKept);
    const before = this.#items.length;
    this.#events = [...page, ...this.#events];
    this.#sizes = [...sizesOf(page), ...this.#sizes];
    const items: Item[] = [];
    const fold = new Fold(items);
    const marks: (Mark | null)[] = [];
    for (const entry of this.#events) {
      fold.take(entry);
      const mark = fold.mark();
      const met = this.#marks[marks.push(mark) - 1 - page.length];
      if (mark && met && mark.cause === met.cause) {
        this.#join(items, marks, met.items, marks.length - page.length);
        return this.#items.length - before;
      }
    }
    [this.#items, this.#marks, this.#fold] = [items, marks, fold];
    return items.length - before;
  }

  /** From here on all is as it was, behind more items: folding it again would cost the whole journal for each page. */
  #join(items: Item[], marks: (Mark | null)[], wereItems: number, wereMarks: number): void {
    const more = items.length - wereItems;
    for (const item of this.#items.slice(wereItems)) items.push(item);
    for (const mark of this.#marks.slice(wereMarks)) marks.push(mark && { ...mark, items: mark.items + more });
    this.#fold.moved(items, more);
    [this.#items, this.#marks] = [items, marks];
  }
}

const sizesOf = (entries: readonly Kept[]) =>
  entries.flatMap((entry) => {
    const kind = entry.type === "event" ? entry.event.body?.kind : undefined;
    const size = kind?.case === "opened" || kind?.case === "resized" ? kind.value.size : undefined;
    return size ? [{ seq: (entry as { readonly seq: number }).seq, size }] : [];
  });

/** What is typed and not over yet. */
interface Typing {
  at: number;
  readonly bytes: number[];
  lastMs: number;
  untoldBytes: number;
  note: string;
}

/** A line that was ended last, until its command has begun. */
interface Line {
  at: number;
  readonly text: string;
  readonly atMs: number;
}

class Fold {
  #items: Item[];
  #running: number | null = null;
  #typing: Typing | null = null;
  /** Of inputs that are not settled yet, the item by seq. */
  readonly #inputs = new Map<number, number>();
  /** F2. */
  #cause: { readonly actor: string; readonly via: string } | null = null;
  #line: Line | null = null;

  constructor(items: Item[]) {
    this.#items = items;
  }

  mark(): Mark | null {
    if (this.#running !== null || this.#typing || this.#line || this.#inputs.size > 0) return null;
    return { items: this.#items.length, cause: this.#cause ? `${this.#cause.actor} ${this.#cause.via}` : "" };
  }

  /** Its items stand in another list now, behind so many more. */
  moved(items: Item[], more: number): void {
    this.#items = items;
    if (this.#running !== null) this.#running += more;
    if (this.#typing) this.#typing.at += more;
    if (this.#line) this.#line.at += more;
    for (const [seq, at] of this.#inputs) this.#inputs.set(seq, at + more);
  }

  take(entry: Kept): void {
    if (entry.type === "gap") {
      this.#typing = null;
      this.#line = null;
      return this.#add({
        seq: entry.fromSeq,
        atMs: this.#items.at(-1)?.atMs ?? 0,
        kind: "gap",
        actor: "",
        via: "",
        text: gapText(entry),
        tone: "warn",
      });
    }
    const { event, atMs } = entry;
    const kind = event.body?.kind;
    if (this.#line && atMs - this.#line.atMs > PAUSE_MS) this.#line = null;
    if (kind?.case === "input") return this.#input(entry.seq, atMs, event);
    if (kind?.case === "inputSettled") return this.#settled(entry.seq, atMs, event);
    if (kind?.case === "commandStarted") {
      const { cwd, outputOffset, text } = kind.value;
      const command = { cwd, startedOffset: Number(outputOffset), ...stillRuns };
      return this.#started(text, {
        ...seat(event, entry.seq, atMs),
        ...this.#cause,
        kind: "command",
        text: shownExactly(utf8(text)),
        command,
      });
    }
    if (kind?.case === "commandEnded") return this.#ended(entry.seq, atMs, event, kind.value);
    const told = textOf(event);
    if (told) this.#add({ ...seat(event, entry.seq, atMs), ...told });
  }

  #add(item: Item): void {
    this.#typing = null;
    this.#items.push(item);
  }

  /** F2. */
  #started(text: string, item: Item): void {
    const line = this.#line;
    this.#line = null;
    const typed = line?.text === text.trim() ? this.#items[line.at]! : null;
    if (line && typed?.kind === "input") {
      this.#running = line.at;
      this.#items[line.at] = { ...item, seq: typed.seq, typed: typed.text, ...(typed.tone ? { tone: typed.tone } : {}) };
    } else {
      this.#running = this.#items.length;
      this.#add(item);
    }
  }

  /** F2. */
  #ended(
    seq: number,
    atMs: number,
    event: Event,
    { code, outputOffset, startedOffset }: { code?: number | undefined; outputOffset: bigint; startedOffset: bigint },
  ): void {
    const at = this.#running;
    this.#running = null;
    this.#line = null;
    const end = { endedOffset: Number(outputOffset), endedSeq: seq, code: code ?? null };
    const begun = at === null ? null : this.#items[at]!;
    const tone = code === undefined ? "warn" : code === 0 ? "good" : "bad";
    if (begun?.command) {
      const command = { ...begun.command, ...end, durationMs: Math.max(0, atMs - begun.atMs) };
      this.#items[at!] = { ...begun, tone, command };
    } else {
      const command = { cwd: "", startedOffset: Number(startedOffset), ...end, durationMs: null };
      this.#add({ ...seat(event, seq, atMs), kind: "command", text: "(a command that began earlier)", tone, command });
    }
  }

  /** F3. */
  #input(seq: number, atMs: number, event: Event): void {
    const kind = event.body?.kind;
    if (kind?.case !== "input") return;
    const last = this.#typing ? this.#items[this.#typing.at]! : null;
    const goesOn =
      this.#typing &&
      last?.actor === event.actor &&
      last.via === event.via &&
      atMs - this.#typing.lastMs <= PAUSE_MS &&
      (event.payload === "" || isUntold(event));
    this.#line = null;
    if (!goesOn) {
      this.#typing = { at: this.#items.length, bytes: [], lastMs: atMs, untoldBytes: 0, note: "" };
      this.#items.push({ ...seat(event, seq, atMs), kind: "input", text: "" });
    }
    const typing = this.#typing!;
    typing.lastMs = atMs;
    for (const byte of event.data) typing.bytes.push(byte);
    if (isUntold(event)) typing.untoldBytes += event.payloadBytes;
    if (typing.untoldBytes > 0) typing.note = `${bytesText(typing.untoldBytes)}, not shown to you`;
    else if (event.payload) typing.note = `${bytesText(event.payloadBytes)}, ${payloadWord(event.payload)}`;
    else if (kind.value.eof) typing.note = "end of input";
    this.#inputs.set(seq, typing.at);
    this.#items[typing.at] = { ...this.#items[typing.at]!, text: typedText(typing) };
    const byte = event.data.at(-1);
    const endsLine = byte === 0x0d || byte === 0x0a;
    const isOver = endsLine || kind.value.interrupt || kind.value.eof || (event.payload !== "" && !isUntold(event));
    // What is not shown may be a line's end.
    if (isOver || isUntold(event) || kind.value.run) this.#cause = { actor: event.actor, via: event.via };
    if (endsLine && typing.note === "" && typing.bytes.length < MAX_TYPED_BYTES)
      this.#line = { at: typing.at, text: lineIn(typing.bytes), atMs };
    if (isOver || typing.bytes.length >= MAX_TYPED_BYTES) this.#typing = null;
  }

  #settled(seq: number, atMs: number, event: Event): void {
    const kind = event.body?.kind;
    if (kind?.case !== "inputSettled") return;
    const { inputSeq, status, secret, refusal, bytes } = kind.value;
    const at = this.#inputs.get(Number(inputSeq));
    this.#inputs.delete(Number(inputSeq));
    const why = refusal ? `: ${shownExactly(utf8(refusal))}` : "";
    if (secret && at !== undefined) {
      if (this.#typing?.at === at) this.#typing = null;
      if (this.#line?.at === at) this.#line = null;
      const { typed: _, ...item } = this.#items[at]!;
      this.#items[at] = { ...item, text: "(secret: not kept)" };
    } else if (status === InputStatus.VOID || status === InputStatus.CUT || status === InputStatus.REFUSED) {
      const what = status === InputStatus.CUT ? `only ${bytes} bytes of it arrived` : "it never arrived";
      if (at === undefined)
        this.#add({ ...seat(event, seq, atMs), kind: "input", text: `Input ${inputSeq}: ${what}${why}`, tone: "warn" });
      else {
        if (this.#typing?.at === at) this.#typing = null;
        const item = this.#items[at]!;
        const said = ` (${what}${why})`;
        this.#items[at] =
          item.typed === undefined
            ? { ...item, text: `${item.text}${said}`, tone: "warn" }
            : { ...item, typed: `${item.typed}${said}` };
      }
    }
  }
}

const stillRuns = { endedOffset: null, endedSeq: null, code: null, durationMs: null } as const;

const seat = (event: Event, seq: number, atMs: number) => ({ seq, atMs, actor: event.actor, via: event.via });

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function typedText({ bytes, note }: Typing): string {
  const text = shownExactly(Uint8Array.from(bytes.slice(0, MAX_TYPED_BYTES)));
  return note ? `${text}${text ? " " : ""}(${note})` : text;
}

/** As the shell reads it: without the line's end, and the marks of a paste. */
function lineIn(bytes: readonly number[]): string {
  const line = decoder.decode(Uint8Array.from(bytes)).replace(/[\r\n]+$/, "");
  return (PASTED.exec(line)?.[1] ?? line).trim();
}

const PASTED = /^\u001b\[200~(.*)\u001b\[201~$/s;
const decoder = new TextDecoder();

const isUntold = ({ payload }: Event): boolean => payload === "untold";

const bytesText = (bytes: number): string => (bytes === 1 ? "1 byte" : `${bytes} bytes`);

const payloadWord = (word: string): string =>
  ({ redacted: "redacted", pruned: "no longer kept", damaged: "damaged", untold: "not shown to you" })[word] ?? word;
