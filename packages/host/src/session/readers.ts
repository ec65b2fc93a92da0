/**
 * Who is attached, and what each is sent: a snapshot first, then every record after it, at the pace that each can take.
 *
 *   V1  An attachment has no queue here: what it has not taken is in the tail that all share, or in the journal.
 *   V2  Nothing is sent to one that may not be sent more (core/attachment R1 to R4), and nobody waits for it.
 *   V3  Who interrupts a flood is shown nothing more of it until the interrupt has reached the program, and then the screen as it is.
 *   V4  What everybody has been sent is kept for a moment only: a session that printed much and is quiet holds none of it.
 *   V5  What others type may be a secret until the shim has said whether it was seen. To an AI it is told as who and how much; to
 *       anybody else it waits a moment for that word, and is told so too where output does not let it wait, and where it was a secret.
 *   V6  An AI is sent no secret: it reads the journal by itself, and what is not decided of it waits here for a moment (masked-records.ts).
 *   V7  Who steers and who is there is told as it is now: one whose link is full is told the newest once it has room, and no more.
 * Elsewhere: rules of cursor and credit (core/attachment), the screen (screen.ts), queries taken out (output-view.ts).
 */
import { creditWindow, HOST_ACTOR, MonotonicMs, Offset, reader, Seq, terminal } from "@holdfast/core";
import { create, encodeEvent, encodeHost, limits, PresenceSchema, type Presence } from "@holdfast/protocol";
import type { Entry } from "../journal/journal.ts";
import type { Snapshot } from "../terminal/model.ts";
import { HOP_BYTES, type HostAttachment, type State } from "./attachment.ts";
import type { Book, ReadItem } from "./book.ts";
import { kindOnWire } from "./on-wire.ts";
import { MaskedRecords, maskedScreen, type MaskedRecord, QUIET_MS } from "./masked-records.ts";
import { OutputView } from "./output-view.ts";
import type { SessionPorts } from "./ports.ts";
import { OUTPUT_KIND, wireEvent, type Body } from "./record.ts";
import type { Secrets } from "./secrets.ts";
import { Tail } from "./tail.ts";

/** How long the record of an input may wait for output to go out with: no longer than a person takes to notice. */
const LAZY_MS = 40;
/** How long the tail keeps what everybody has been sent: between one and two of these. Who resumes later reads the journal. */
const TAIL_MS = 500;
/** When a snapshot that failed is asked for again. */
const SNAPSHOT_RETRY_MS = 200;
const SNAPSHOT_PART_BYTES = 256 * 1024;
const JOURNAL_READ_BYTES = 256 * 1024;
/** Of an AI's, masked in one turn of the loop that moves everybody's bytes: some milliseconds. */
const MASKED_READ_BYTES = 64 * 1024;
const NOTHING = new Uint8Array(0);
const SMALL_EVENT_BYTES = 8 * 1024;
/** A reader this far behind can't follow. */
const SLOW_BYTES = 1024 * 1024;
/** Who has used nothing for this long does not read: nothing is made ready for them, at the cost of those who do. */
const READS_MS = 1_000;
/** Who interrupts and is further behind than this is shown the present. */
const INTERRUPT_BEHIND_BYTES = 32 * 1024;
/** How long the answer to an interrupt is waited for before its sender is shown something. */
const HOLD_MS = 250;

/** Takes the screen, once a size that is being claimed is settled: the first thing drawn is then right. */
export type TakeSnapshot = (
  scrollback: number,
) => Promise<{ readonly seq: number; readonly position: number; readonly snapshot: Snapshot }>;

export class Readers {
  readonly #book: Book;
  readonly #ports: SessionPorts;
  readonly #takeSnapshot: TakeSnapshot;
  readonly #secrets: Secrets;
  readonly #mayBeSecret: (seq: number) => boolean;
  readonly #readRange = (from: number, to: number): ReturnType<Book["readRange"]> => this.#book.readRange(from, to);
  readonly #attachments = new Map<string, HostAttachment>();
  readonly #tail = new Tail();
  readonly #view = new OutputView();
  #pumpDue: (() => void) | null = null;
  #dropDue: (() => void) | null = null;
  /** Interrupts on their way, and who sent them. */
  readonly #interrupts = new Map<number, HostAttachment>();
  #interrupted: { readonly seat: HostAttachment; readonly offset: number }[] = [];
  /** The last record that is more than typing and what became of it. */
  #newsSeq = 0;

  /** `mayBeSecret`: of an input, by its seq, whether it may yet turn out to have been typed unseen. */
  constructor(
    book: Book,
    ports: SessionPorts,
    secrets: Secrets,
    mayBeSecret: (seq: number) => boolean,
    takeSnapshot: TakeSnapshot,
  ) {
    this.#book = book;
    this.#secrets = secrets;
    this.#mayBeSecret = mayBeSecret;
    this.#ports = ports;
    this.#takeSnapshot = takeSnapshot;
  }

  get attachments(): ReadonlyMap<string, HostAttachment> {
    return this.#attachments;
  }

  // --- coming and going ---

  /** `attachment` is sent nothing before {@link HostAttachment.ready}. */
  add(attachment: HostAttachment): void {
    this.#attachments.set(attachment.id, attachment);
  }

  /** The same writer or attachment on an older link. */
  olderOf(attachment: HostAttachment): HostAttachment[] {
    return [...this.#attachments.values()].filter((a) => a.writer === attachment.writer || a.id === attachment.id);
  }

  remove(attachment: HostAttachment): void {
    attachment.over = true;
    attachment.masked?.stop?.();
    attachment.channel.end();
    this.#attachments.delete(attachment.id);
  }

  /** Nobody may be left who needs the tail. */
  trim(): void {
    if (this.#attachments.size > 0) return;
    this.#dropDue?.();
    this.#dropDue = null;
    this.#tail.clear();
  }

  /** What is to be sent yet is read from the journal again, which may have less by now. */
  forget(): void {
    this.#tail.clear();
    for (const attachment of this.#attachments.values()) {
      attachment.masked?.stop?.();
      attachment.masked = null;
    }
  }

  presence(): Presence[] {
    return [...this.#attachments.values()]
      .filter((a) => !a.quiet)
      .map((a) =>
        create(PresenceSchema, {
          operator: a.operator.id,
          name: a.operator.name,
          kind: kindOnWire(a.operator.kind),
          via: a.via,
          attachment: a.id,
          observing: a.observing,
          plain: a.plain,
        }),
      );
  }

  tellPresence(): void {
    this.tellAll("presence", encodeHost({ case: "presence", value: { operators: this.presence() } }));
  }

  /** V7. */
  tellAll(state: State, message: Uint8Array): void {
    for (const a of this.#attachments.values()) {
      if (a.quiet) continue;
      a.late.set(state, message);
      this.#tellLate(a);
    }
  }

  #tellLate({ late, channel }: HostAttachment): void {
    for (const [state, message] of late) {
      if (channel.buffered >= HOP_BYTES) return;
      late.delete(state);
      channel.sendMessage(message);
    }
  }

  // --- how far they are ---

  /** Somebody attached reads, can't follow, and is shown snapshots instead. Who does not read at all is shown one when they come back. */
  get hasSlow(): boolean {
    const since = this.#ports.clock.monoMs() - READS_MS;
    for (const { reader: r, usedAt } of this.#attachments.values())
      if (r.mode === "snapshot" && usedAt > since && this.#book.position - r.position > SLOW_BYTES) return true;
    return false;
  }

  /** Small events while somebody reads through a small window: one event is the least that is under way (half a second at 100 KB/s). */
  get eventBytes(): number {
    for (const a of this.#attachments.values())
      if (a.reader.window < limits.outputEventBytes * 2 && !a.noOutput) return SMALL_EVENT_BYTES;
    return limits.outputEventBytes;
  }

  /** The client has used `appliedBytes` since it attached. `maxWindow` above 0: the most that it wants to be under way from now on. */
  credited(attachment: HostAttachment, appliedBytes: number, maxWindow: number): void {
    const { sent, applied } = attachment.reader;
    if (maxWindow > 0) attachment.maxWindow = Math.min(limits.windowMax, Math.max(limits.windowMin, maxWindow));
    const used = Math.min(sent, appliedBytes) - applied;
    if (used > 0) {
      attachment.usedAt = this.#ports.clock.monoMs();
      attachment.window = creditWindow.applied(attachment.window, used, sent - applied, attachment.usedAt);
    }
    attachment.reader = reader.credited(attachment.reader, appliedBytes, Math.min(attachment.maxWindow, attachment.window.bytes));
    this.pump(attachment);
  }

  // --- sending ---

  /** A record was made. Returns whether the program asks the terminal something in it. */
  recorded(entry: Entry, body: Body | null, payload: Uint8Array): boolean {
    const isOutput = body?.case === "output";
    const shown = isOutput ? this.#view.live(entry, payload, this.#readRange) : payload;
    if (this.#attachments.size > 0) {
      const message = encodeEvent(wireEvent(entry, body, shown));
      const dataBytes = isOutput ? shown.length : 0;
      const hasTyping = body?.case === "input" && shown.length > 0;
      const typed = hasTyping
        ? { by: entry.actor, isSecret: false, untold: () => encodeEvent(wireEvent(entry, body, NOTHING)) }
        : null;
      this.#tail.push({ seq: entry.seq, position: this.#book.position, message, dataBytes, isOutput, typed });
      this.#dropSoon();
      if (body?.case === "input" || body?.case === "inputSettled") this.#pumpSoon();
      else {
        this.#newsSeq = entry.seq;
        this.pumpAll();
      }
    }
    return isOutput && this.#view.sawQuery;
  }

  /** V5: an input turns out to have been a secret. */
  unseen(seq: number): void {
    const typed = this.#tail.at(seq)?.typed;
    if (typed) typed.isSecret = true;
  }

  pumpAll(): void {
    for (const attachment of this.#attachments.values()) this.pump(attachment);
  }

  /** The record of a key is no news to who pressed it: it goes out with the echo, or a moment later by itself. */
  #pumpSoon(): void {
    this.#pumpDue ??= this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + LAZY_MS), () => {
      this.#pumpDue = null;
      this.pumpAll();
    });
  }

  /** V4. One timer, however much is recorded meanwhile. */
  #dropSoon(): void {
    const head = this.#book.facts.seq;
    this.#dropDue ??= this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + TAIL_MS), () => {
      this.#dropDue = null;
      let taken: number = head;
      for (const { reader: r } of this.#attachments.values()) taken = Math.min(taken, r.cursor);
      this.#tail.drop(taken);
      if (!this.#tail.isEmpty) this.#dropSoon();
    });
  }

  /** Sends an attachment what it may have now (R1 to R4). */
  pump(attachment: HostAttachment): void {
    if (!attachment.over) this.#tellLate(attachment);
    while (attachment.ready && !attachment.isHeld && !attachment.over && attachment.channel.buffered < HOP_BYTES) {
      const head = { seq: this.#book.facts.seq, position: Offset(this.#book.position) };
      const step = reader.next(attachment.reader, head, limits.behindBytes);
      if (step.do === "nothing") return;
      if (step.do === "snapshot") return this.#sendSnapshot(attachment, step.why);
      const event = this.#isMasked(attachment) ? null : this.#tail.at(attachment.reader.cursor + 1);
      if (event) {
        const { typed } = event;
        const isUntold = typed !== null && this.#isUntold(attachment, typed.by, event.seq, typed.isSecret);
        if (isUntold && this.#mayWait(attachment, event.seq)) return;
        attachment.filter = null;
        const shown = !(attachment.noOutput && event.isOutput);
        if (shown) attachment.channel.sendMessage(isUntold ? typed.untold() : event.message);
        attachment.reader = reader.sent(attachment.reader, Seq(event.seq), Offset(event.position), shown ? event.dataBytes : 0);
      } else if (!this.#sendFromJournal(attachment, Math.min(step.maxBytes, JOURNAL_READ_BYTES))) {
        return;
      }
    }
  }

  #sendFromJournal(attachment: HostAttachment, maxBytes: number): boolean {
    const masked = this.#isMasked(attachment) ? this.#maskedOf(attachment) : null;
    const read = masked
      ? this.#book.read(masked.readSeq, Math.min(maxBytes, MASKED_READ_BYTES))
      : this.#book.read(attachment.reader.cursor, maxBytes);
    const waits = read.findIndex(
      (item) => !("gap" in item) && this.#mayWait(attachment, item.entry.seq) && this.#isHidden(attachment, item),
    );
    const items = waits < 0 ? read : read.slice(0, waits);
    const last = items.at(-1);
    if (!last) return false;
    if (!masked) {
      const shown = items.map((item) => ({ item, bytes: this.#told(attachment, item), masked: 0 }));
      attachment.masked = null;
      this.#sendRecords(attachment, shown);
      return true;
    }
    masked.readSeq = "gap" in last ? last.toSeq : last.entry.seq;
    this.#sendRecords(
      attachment,
      items.flatMap((item) => masked.records.take(item, this.#told(attachment, item))),
    );
    this.#sendRestSoon(attachment);
    if (masked.readSeq < this.#book.facts.seq) this.#ports.defer(() => this.pump(attachment));
    return false;
  }

  /** Of a record's bytes, those that this attachment is told, but for its secrets: for no others does it wait. */
  #told(attachment: HostAttachment, item: ReadItem): Uint8Array {
    if ("gap" in item || (attachment.noOutput && item.entry.kind === OUTPUT_KIND)) return NOTHING;
    return this.#isHidden(attachment, item) ? NOTHING : item.entry.payload;
  }

  #isHidden(attachment: HostAttachment, { entry, body }: Exclude<ReadItem, { gap: true }>): boolean {
    return body?.case === "input" && this.#isUntold(attachment, entry.actor, entry.seq);
  }

  /** V5. `isSecret`: it is known to be one. */
  #isUntold({ operator }: HostAttachment, typist: string, seq: number, isSecret = false): boolean {
    return typist !== operator.id && (operator.kind === "ai" || isSecret || this.#mayBeSecret(seq));
  }

  /** V5: nothing stands behind this input, and it was typed a moment ago. */
  #mayWait({ operator }: HostAttachment, seq: number): boolean {
    return operator.kind !== "ai" && this.#pumpDue !== null && seq > this.#newsSeq && this.#mayBeSecret(seq);
  }

  #isMasked({ operator }: HostAttachment): boolean {
    return operator.kind === "ai" && this.#secrets.matcher !== null;
  }

  /** V6. Goes on from what was sent last, by the secrets of now. */
  #maskedOf(attachment: HostAttachment): HostAttachment["masked"] {
    const { cursor } = attachment.reader;
    const { masked } = attachment;
    if (masked?.sentSeq === cursor && masked.records.matcher === this.#secrets.matcher) return masked;
    masked?.stop?.();
    const records = MaskedRecords.before(cursor + 1, this.#secrets, this.#readRange);
    attachment.masked = records && { records, readSeq: cursor, sentSeq: cursor, stop: null };
    return attachment.masked;
  }

  /** V6. Nothing comes that would decide it: an AI that waits for a prompt sees one. */
  #sendRestSoon(attachment: HostAttachment): void {
    const { masked } = attachment;
    masked?.stop?.();
    if (!masked?.records.isHolding) return;
    masked.stop = this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + QUIET_MS), () => {
      masked.stop = null;
      if (attachment.over || attachment.masked !== masked) return;
      if (masked.sentSeq !== attachment.reader.cursor || attachment.isHeld || attachment.reader.phase !== "streaming")
        attachment.masked = null;
      else this.#sendRecords(attachment, masked.records.rest());
      this.pump(attachment);
    });
  }

  #sendRecords(attachment: HostAttachment, records: readonly MaskedRecord[]): void {
    if (records.length === 0) return;
    const after = attachment.reader.cursor;
    if (attachment.filter?.nextSeq !== after + 1)
      attachment.filter = attachment.noOutput
        ? { queries: new terminal.QueryFilter(), nextSeq: after + 1 }
        : this.#view.filterAt(after + 1, this.#readRange);
    let { cursor, position } = attachment.reader;
    let sent = 0;
    for (const { item, bytes, masked } of records) {
      if ("gap" in item) {
        cursor = Seq(item.toSeq);
        attachment.channel.send({
          case: "event",
          value: {
            seq: BigInt(item.toSeq),
            actor: HOST_ACTOR,
            via: "host",
            body: {
              kind: { case: "gap", value: { fromSeq: BigInt(item.fromSeq), toSeq: BigInt(item.toSeq), reason: item.reason } },
            },
          },
        });
        continue;
      }
      const isOutput = item.entry.kind === OUTPUT_KIND;
      cursor = Seq(item.entry.seq);
      if (isOutput) position = Offset(position + item.entry.payloadBytes);
      if (isOutput && attachment.noOutput) continue;
      const shown = isOutput && item.entry.stream === 0 ? attachment.filter.queries.filter(bytes) : bytes;
      sent += shown.length;
      const body = attachment.masked ? this.#secrets.inside(item.body) : item.body;
      attachment.channel.sendMessage(encodeEvent(wireEvent(item.entry, body, shown, masked)));
    }
    attachment.filter.nextSeq = cursor + 1;
    if (attachment.masked) attachment.masked.sentSeq = cursor;
    attachment.reader = reader.sent(attachment.reader, cursor, position, sent);
  }

  #sendSnapshot(attachment: HostAttachment, why: string): void {
    attachment.reader = reader.snapshotAsked(attachment.reader);
    this.#takeSnapshot(attachment.scrollback).then(
      ({ seq, position, snapshot }) => {
        if (attachment.over) return;
        const size = { cols: snapshot.cols, rows: snapshot.rows };
        const isMasked = this.#isMasked(attachment);
        const vt = isMasked ? maskedScreen(snapshot.vt, seq, this.#secrets, this.#readRange) : snapshot.vt;
        const title = isMasked ? this.#secrets.text(snapshot.title) : snapshot.title;
        const base = { seq: BigInt(seq), size, offset: BigInt(snapshot.offset), why, title };
        for (let at = 0; at === 0 || at < vt.length; at += SNAPSHOT_PART_BYTES) {
          const end = at + SNAPSHOT_PART_BYTES;
          attachment.channel.send({
            case: "snapshot",
            value: { ...base, vt: vt.subarray(at, end), last: end >= vt.length },
          });
        }
        attachment.reader = reader.snapshotSent(attachment.reader, Seq(seq), Offset(position), vt.length);
        if (attachment.jumpsAgain) this.#showPresent(attachment);
        this.pump(attachment);
      },
      (fault: unknown) => {
        if (attachment.over) return;
        this.#ports.log(`session ${this.#book.id}: no snapshot for ${attachment.id}: ${String(fault)}`);
        // R1: no silence. The model's worker died, or a model was closed: a new one is asked, a moment later.
        this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + SNAPSHOT_RETRY_MS), () => {
          if (!attachment.over) this.#sendSnapshot(attachment, why);
        });
      },
    );
  }

  // --- interrupts into a flood (V3) ---

  /** The interrupt that `seat` sent is on its way as `seq`. */
  interruptSent(seq: number, seat: HostAttachment): void {
    this.#interrupts.set(seq, seat);
    if (!this.#isFarBehind(seat)) return;
    seat.isHeld = true;
    this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + HOLD_MS), () => {
      if (seat.isHeld) this.#showPresent(seat);
    });
  }

  /** The shim has told what became of input `seq`, at this offset of the output. */
  interruptTold(seq: number, offset: number): void {
    const seat = this.#interrupts.get(seq);
    if (!seat) return;
    this.#interrupts.delete(seq);
    this.#interrupted.push({ seat, offset });
    this.outputCame();
  }

  /** The output has come as far as the book says. */
  outputCame(): void {
    if (this.#interrupted.length === 0) return;
    const end = this.#book.facts.ends[0];
    const due = this.#interrupted.filter((i) => i.offset <= end);
    this.#interrupted = this.#interrupted.filter((i) => i.offset > end);
    for (const { seat } of due) if (seat.isHeld || this.#isFarBehind(seat)) this.#showPresent(seat);
  }

  #isFarBehind({ reader: r }: HostAttachment): boolean {
    return r.mode === "snapshot" && this.#book.position - r.position + r.sent - r.applied > INTERRUPT_BEHIND_BYTES;
  }

  #showPresent(seat: HostAttachment): void {
    seat.isHeld = false;
    // One that is being taken may be of before the interrupt: another follows it.
    seat.jumpsAgain = seat.reader.phase === "awaits_snapshot";
    seat.reader = reader.jump(seat.reader, "interrupt");
    this.pump(seat);
  }

  leave(): void {
    this.#pumpDue?.();
    this.#dropDue?.();
  }
}
