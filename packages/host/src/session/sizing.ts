/**
 * The session's size: whose it is, what was asked of the terminal, and where in the output it took hold.
 *
 *   Z1  Size belongs to the seat: the attachment that steers, or steered last and is still there. A pinned size belongs to nobody.
 *   Z2  A size that was asked for is recorded where the terminal took it: `resized` stands at its exact place in the output.
 *   Z3  Of a terminal that changes its size all the time the newest size counts, {@link CHANGE_MS} apart: each one is a record, a redrawn program,
 *       and everybody's screen.
 */
import { HOST_ACTOR, MonotonicMs, Seq } from "@holdfast/core";
import { create, EventBody_ResizeAskedSchema, EventBody_ResizedSchema } from "@holdfast/protocol";
import type { ShimResult } from "@holdfast/shim";
import type { HostAttachment } from "./attachment.ts";
import type { Actor, Book } from "./book.ts";
import { isJournalFault } from "./journal-fault.ts";
import type { SessionPorts } from "./ports.ts";
import type { ShimLine } from "./shim-line.ts";

/** How long a snapshot waits for a size that is being claimed. */
const SIZE_MS = 100;

/** Z3. */
const CHANGE_MS = 50;

/** Asked of the shim. `offset`: where the terminal took it, once that is known. */
interface Asked {
  readonly seq: number;
  readonly cols: number;
  readonly rows: number;
  readonly pinned: boolean;
  offset: number | null;
}

export class Sizing {
  readonly #book: Book;
  readonly #line: ShimLine;
  readonly #ports: SessionPorts;
  readonly #attachments: () => ReadonlyMap<string, HostAttachment>;
  #seat: string | null = null;
  #asked: Asked[] = [];
  #isChanging = false;

  constructor(book: Book, line: ShimLine, ports: SessionPorts, attachments: () => ReadonlyMap<string, HostAttachment>) {
    this.#book = book;
    this.#line = line;
    this.#ports = ports;
    this.#attachments = attachments;
  }

  get #seated(): HostAttachment | undefined {
    return this.#seat === null ? undefined : this.#attachments().get(this.#seat);
  }

  /** The seat's size is the session's (Z1). `moved`: the floor came to this seat. */
  claim(attachment: HostAttachment, moved: boolean): void {
    if (!moved && this.#seated && this.#seat !== attachment.id) return;
    this.#seat = attachment.id;
    if (!attachment.size || this.#book.facts.sizePinned) return;
    try {
      this.resize(attachment.size, false, { id: attachment.operator.id, via: attachment.via });
    } catch (fault) {
      // Coming, going and steering do not depend on a size; it is claimed again with the next link or key.
      if (!isJournalFault(fault)) throw fault;
      this.#ports.log(`session ${this.#book.id}: the size of ${attachment.id} is not taken: ${String(fault)}`);
    }
  }

  /** An attachment's own terminal has another size. */
  changed(attachment: HostAttachment, size: { cols: number; rows: number }): void {
    attachment.size = size;
    if (!attachment.observing && (this.#seat === attachment.id || !this.#seated)) this.#change(attachment);
  }

  /** Z3. */
  #change(attachment: HostAttachment): void {
    if (this.#isChanging) return;
    const { size } = attachment;
    this.#isChanging = true;
    this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + CHANGE_MS), () => {
      this.#isChanging = false;
      const seat = this.#seated;
      if (seat && seat.size !== size && !this.#book.isOver) this.#change(seat);
    });
    this.claim(attachment, false);
  }

  /** An attachment is gone: if it was the seat, who is left alone with a size has it. */
  left(id: string): void {
    if (this.#seat !== id) return;
    this.#seat = null;
    const others = [...this.#attachments().values()].filter((a) => !a.observing && a.size);
    if (others.length === 1) this.claim(others[0]!, false);
  }

  resize(size: { cols: number; rows: number }, pinned: boolean, by: Actor): void {
    const { facts } = this.#book;
    if (this.#book.isOver || !this.#line.live || facts.kind !== "pty") return;
    const latest = this.#asked.at(-1) ?? { ...facts.size, pinned: facts.sizePinned };
    if (latest.cols === size.cols && latest.rows === size.rows && latest.pinned === pinned) return;
    const body = create(EventBody_ResizeAskedSchema, { size, pinned });
    const { seq } = this.#book.record(by, { case: "resizeAsked", value: body });
    this.#asked.push({ seq, ...size, pinned, offset: null });
    this.#line.inOrder(() => this.#line.live?.resize(BigInt(seq), size.cols, size.rows, 0, 0));
  }

  /** The shim is there again, and has received commands up to this seq. */
  welcomed(receivedSeq: number): void {
    this.#asked = this.#asked.filter((r) => r.seq <= receivedSeq);
  }

  /** A size that was claimed while nothing was there to take it. */
  claimAgain(): void {
    const seat = this.#seated;
    if (seat?.size && !this.#book.isOver) this.claim(seat, false);
  }

  /** The line stalled: what the shim knows is told again on the next link. */
  stalled(): void {
    this.#asked = [];
  }

  /** The shim's answer to a command: true if that was a size. */
  result(r: ShimResult, isInput: boolean): boolean {
    const asked = this.#asked.find((x) => BigInt(x.seq) === r.seq) ?? (isInput ? undefined : this.#askedBefore(r));
    if (!asked) return false;
    if (r.status === "applied") asked.offset = Number(r.outputOffset);
    else this.#asked = this.#asked.filter((x) => x !== asked);
    this.place();
    return true;
  }

  /** A size that was asked for before this link: by a host that died, or before the journal froze. What became of it is told now. */
  #askedBefore(r: ShimResult): Asked | undefined {
    const seq = Number(r.seq);
    if (r.status !== "applied") return undefined;
    const item = this.#book.readAt(seq)[0];
    if (!item || "gap" in item || item.entry.seq !== seq || item.body?.case !== "resizeAsked" || !item.body.value.size)
      return undefined;
    const { facts } = this.#book;
    const { size, pinned } = item.body.value;
    // One that is recorded already is told again, and does no harm.
    if (size.cols === facts.size.cols && size.rows === facts.size.rows && pinned === facts.sizePinned) return undefined;
    const asked: Asked = { seq, cols: size.cols, rows: size.rows, pinned, offset: null };
    this.#asked = [...this.#asked, asked].sort((a, b) => a.seq - b.seq);
    return asked;
  }

  /** Z2: how many of the `take` bytes of output from `offset` on come before a size that was taken among them. */
  cutAt(offset: number, take: number): number {
    const next = this.#asked.find((r) => r.offset !== null)?.offset;
    return next !== null && next !== undefined && next > offset && next < offset + take ? next - offset : take;
  }

  /** Z2: records each size whose place the output has reached. */
  place(): void {
    while (this.#asked.length > 0) {
      const { offset, cols, rows, pinned } = this.#asked[0]!;
      if (offset === null || offset > this.#book.facts.ends[0]) return;
      this.#asked.shift();
      const value = create(EventBody_ResizedSchema, { size: { cols, rows }, pinned, outputOffset: BigInt(offset) });
      this.#book.record({ id: HOST_ACTOR, via: "shim" }, { case: "resized", value });
    }
  }

  /** The lowest seq that is asked and not placed: results from there on are not settled. */
  get firstOpen(): Seq | null {
    return this.#asked.length === 0 ? null : Seq(Math.min(...this.#asked.map((r) => r.seq)));
  }

  /** Resolves when no size is being claimed, or a moment later. */
  settled(): Promise<void> {
    if (this.#asked.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        stop();
        late();
        resolve();
      };
      const stop = this.#book.listen((_entry, body) => {
        if (body?.case === "resized" || this.#asked.length === 0) done();
      });
      const late = this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + SIZE_MS), done);
    });
  }
}
