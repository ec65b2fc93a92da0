/**
 * Input: from an operator's frame to the shim, and from the shim's answer back to the operator.
 *
 *   H1  Recorded before done: a frame is in the journal before the shim sees it. With `--sync-input` it is on the disk before that.
 *   H3  A frame is answered exactly once a link with what became of it, from the shim's own word.
 *   H5  If the journal can't be written, input is refused.
 *   H6  What a change of the floor or an interrupt cuts is cut wherever it waits: for the disk, for another's unit, in the shim.
 *   H7  What an AI types is judged by the policy here, where it is admitted. What a person is asked about holds up its own writer
 *       and nobody else, and is typed exactly as it was shown, or not at all.
 *   H8  A whole command is typed on an empty line alone, which is looked at here, with all that is recorded before it: of two that come at
 *       once one is typed, and none for a caller that has given up.
 * Elsewhere: numbers, units and the bound of the queue (core/input); who may type (core/floor, steering.ts); the policy (approval/).
 */
import { crc32 } from "node:zlib";
import {
  command,
  HOST_ACTOR,
  HOST_RESTART,
  MonotonicMs,
  Seq,
  TERMINAL_ACTOR,
  type InputFrame,
  type InputLedger,
  type Operator,
  type Outcome,
} from "@holdfast/core";
import {
  create,
  EventBody_InputSchema,
  EventBody_InputSettledSchema,
  EventBody_ReplyWrittenSchema,
  HoldError,
  InputSchema,
  InputStatus,
  limits,
  type Input,
} from "@holdfast/protocol";
import type { ShimResult } from "@holdfast/shim";
import type { Entry } from "../journal/journal.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { callSeat, type HostAttachment } from "./attachment.ts";
import type { Actor, Book } from "./book.ts";
import type { CommandWatch } from "./command-watch.ts";
import type { Doubt } from "./doubt.ts";
import { kernelRefusal, ledgerRefusal, malformation, runRefusal, settledError, type LedgerRefusal } from "./input-refusal.ts";
import { refusalFrom } from "./journal-fault.ts";
import type { SessionPorts } from "./ports.ts";
import type { Readers } from "./readers.ts";
import type { ShimLine } from "./shim-line.ts";
import type { Sizing } from "./sizing.ts";
import type { Letting, Pass, TypingGate } from "./typing.ts";

/** How long an unsettled input is silent before its writer is told that the program does not read. */
const BLOCKED_MS = 1_000;
/** Frames that may wait for another writer's unit to end; of bytes, as many as the queue holds. */
const WAITING_FRAMES = 512;

/** What a sender is told of a frame. */
export interface InputReply {
  readonly n: number;
  readonly seq: number;
  readonly status: InputStatus;
  readonly bytes: number;
  readonly error?: HoldError;
  readonly durable?: boolean;
  /** Output offset at which the program's terminal took it. */
  readonly outputOffset?: number;
}
export type Tell = (reply: InputReply) => void;

interface Answer {
  readonly n: number;
  readonly durable: boolean;
  readonly tell: Tell;
}

/** One frame, with all that is needed to offer it again. */
interface Offer {
  readonly by: RegisteredOperator;
  readonly via: string;
  readonly seat: HostAttachment | null;
  readonly writer: string;
  readonly frame: Input;
  readonly tell: Tell;
  readonly letting: Letting;
}

/** A frame of at most 64 KiB that the host says (Inputs.say). */
export interface Saying {
  /** As in `Input.message`. */
  readonly message: string;
  /** Of all frames of one message, each time that it is said. */
  readonly unit: string;
  readonly bytes: Uint8Array;
  /** Erased once it has reached the program. */
  readonly secret: boolean;
}

/** Who wants to type. The answer is a refusal, or a grant that is not made yet. */
export type Admit = (typist: {
  readonly by: RegisteredOperator;
  readonly via: string;
  readonly seat: string;
  readonly epoch: number | undefined;
  readonly interrupt: boolean;
}) => HoldError | Grant;

export interface Grant {
  /** Whether making it will cut what this operator has under way. */
  cuts(operator: string): boolean;
  /** Makes its records. `isChanged`: others may have been let in by them. */
  make(): { readonly epoch: number; readonly isChanged: boolean };
}

export interface InputsWorld {
  readonly book: Book;
  readonly line: ShimLine;
  readonly ports: SessionPorts;
  readonly commands: CommandWatch;
  readonly readers: Readers;
  readonly sizing: Sizing;
  readonly doubt: Doubt;
  /** The host knows the operators. */
  readonly operatorFor: (id: string) => Operator | null;
  readonly admit: Admit;
  /** H7. */
  readonly gate: TypingGate;
  readonly epoch: () => number;
  /** Something may be due at another time than before. */
  readonly reschedule: () => void;
}

export class Inputs {
  readonly #world: InputsWorld;
  readonly #ledger: InputLedger;
  readonly #answers = new Map<number, Answer[]>();
  readonly #tags = new Map<string, number>();
  /** Recorded and waiting for the disk, with who typed it: not at the shim yet. */
  readonly #unsent = new Map<number, string>();
  /** Of each operator whose input was cut, the journal's end at the last time. */
  readonly #cutAt: Map<string, number>;
  /** Frames that wait for another writer's unit to end, first in, first out. */
  #waiting: Offer[] = [];
  /** Frames of a writer whose first one a person is asked about. */
  readonly #asked = new Map<string, Offer[]>();
  #settlements: ShimResult[] = [];
  #lastResult = 0n;
  #blockedSince: { seq: number; at: MonotonicMs; told: boolean } | null = null;

  constructor(world: InputsWorld, ledger: InputLedger, cuts: ReadonlyMap<string, number>) {
    this.#world = world;
    this.#ledger = ledger;
    this.#cutAt = new Map(cuts);
    for (const { operator } of ledger.unsettled()) this.#tagOf(operator);
  }

  /** The highest n that this writer has in the books. */
  lastN(writer: string): number {
    return this.#ledger.lastN(writer);
  }

  /** See the ledger. */
  get forgottenUpTo(): number {
    return this.#ledger.forgottenUpTo;
  }

  /** The fold, for the journal's cache. */
  save(): unknown {
    return this.#ledger.save();
  }

  /** Likewise: of each operator whose input was cut and is not settled, the seq at which. The shim may not have been told. */
  saveCuts(): [string, number][] {
    const operators = new Set([...this.#ledger.unsettled()].map(({ operator }) => operator));
    return [...this.#cutAt].filter(([operator]) => operators.has(operator));
  }

  #tagOf(operator: string): number {
    let tag = this.#tags.get(operator);
    if (tag === undefined) this.#tags.set(operator, (tag = crc32(operator) || 1));
    return tag;
  }

  // --- from an operator ---

  /**
   * One frame of an operator. The answer comes through `tell`: at once for refusals and duplicates, else when the shim has
   * settled it. Rights were checked by the caller; the policy and the floor are checked here, where input is written.
   */
  offer(offer: Offer): void {
    const { by, via, seat, writer, frame, tell } = offer;
    if (seat?.over) return;
    const offered = frameOf(offer);
    const { n } = offered;
    const refuse = (error: HoldError): void => this.#refuse(offered, tell, error);
    const malformed = malformation(frame);
    if (malformed) return refuse(malformed);
    if (this.#world.book.facts.kernel !== "") return refuse(kernelRefusal(this.#world.book));
    if (offer.letting.isRun && offer.letting.patience?.aborted)
      return refuse(new HoldError("cancelled", "nobody waits for this command any more, and it was not typed"));
    let decision = this.#ledger.decide(offered);
    // What the shim has told is recorded a moment after it was answered: an answer must not tell of room that is not there yet.
    if (decision.kind === "refuse" && decision.code === "input_blocked" && this.#settlements.length > 0) {
      this.#world.line.guard(() => this.#world.line.ackNow());
      decision = this.#ledger.decide(offered);
    }
    switch (decision.kind) {
      case "settled":
        return this.#tellSettled(n, decision.outcome, frame.durable, tell);
      case "pending": {
        const waiting = { n, durable: frame.durable, tell };
        // Told already, and not recorded yet: the result will not come again on this link.
        const owed = this.#settlements.find((r) => Number(r.seq) === decision.seq);
        if (owed) return this.#tellResult(owed, [waiting]);
        this.#answers.set(decision.seq, [...(this.#answers.get(decision.seq) ?? []), waiting]);
        return;
      }
      case "refuse":
        return refuse(this.#ledgerRefusal(decision.code));
      case "wait":
      case "accept":
        break;
    }
    // Behind what waits already of the same writer; an interrupt waits for nothing.
    if (!frame.interrupt && this.#asked.has(writer)) return this.#ask(offer, null, refuse);
    if (!frame.interrupt && this.#waiting.some((w) => w.writer === writer)) return this.#wait(offer, refuse);
    const closed = this.#closedToInput();
    if (closed) return refuse(closed);
    const typed = by.kind === "ai" ? (offer.letting.pass ?? this.#world.gate(by, via, frame)) : null;
    if (typed instanceof HoldError) return refuse(typed);
    const { admit, book, commands, readers } = this.#world;
    const now = this.#world.ports.clock.monoMs();
    const epoch = frame.epoch === undefined ? undefined : Number(frame.epoch);
    const grant = admit({ by, via, seat: seat?.id ?? callSeat(by.id), epoch, interrupt: frame.interrupt });
    if (grant instanceof HoldError) {
      if (grant.code !== "line_not_empty" || !this.#world.doubt.isOpen) return refuse(grant);
      this.knowLine();
      return this.#wait(offer, refuse);
    }
    // Another's unit is open: who takes the floor from that closes it, who may only type beside it waits.
    if (decision.kind === "wait" && !this.#cutsUnit(grant)) return this.#wait(offer, refuse);
    const occupied = offer.letting.isRun ? runRefusal(this.#world.book.facts, this.#world.commands) : null;
    if (occupied) return refuse(occupied);
    if (typed && "ask" in typed) return this.#ask(offer, (patience) => typed.ask(patience), refuse);
    // Before the floor is granted for it: that raises the epoch, which the pass is bound to.
    const gone = typed?.use();
    if (gone) return refuse(gone);
    try {
      const granted = grant.make();
      // What waited for a unit that was just cut has been let in before this one.
      const again = granted.isChanged ? this.#ledger.decide(offered) : decision;
      if (again.kind === "refuse") return refuse(this.#ledgerRefusal(again.code));
      if (again.kind === "wait") return this.#wait(offer, refuse);
      const tag = this.#tagOf(by.id);
      const isRun = offer.letting.isRun ?? false;
      const body = create(EventBody_InputSchema, {
        writer,
        n: BigInt(n),
        epoch: BigInt(granted.epoch),
        unit: frame.unit,
        unitEnd: frame.unitEnd,
        interrupt: frame.interrupt,
        eof: frame.eof,
        tag,
        run: isRun,
      });
      const entry = book.record({ id: by.id, via }, { case: "input", value: body }, frame.data);
      if (frame.interrupt) this.#ledger.cut();
      this.#ledger.accepted(offered, by.id, Seq(entry.seq), now);
      this.#answers.set(entry.seq, [{ n, durable: frame.durable, tell }]);
      commands.input(entry.seq, by.id, frame.data, isRun ? command.runKey(writer, n) : null);
      if (frame.interrupt) this.#dropUnsent(() => true);
      this.#send(entry, frame, tag);
      if (frame.interrupt && seat) readers.interruptSent(entry.seq, seat);
    } catch (fault) {
      return refuse(refusalFrom(fault));
    }
    this.#blockedSince ??= { seq: book.facts.seq, at: now, told: false };
    this.offerWaiting();
    this.#world.reschedule();
  }

  #refuse(offered: InputFrame, tell: Tell, error: HoldError): void {
    this.#ledger.refused(offered);
    tell({ n: offered.n, seq: 0, status: InputStatus.REFUSED, bytes: 0, error });
    // A chunk that is refused closes its unit: who waited for that goes on.
    if (this.#waiting.length > 0) this.#world.ports.defer(() => this.offerWaiting());
  }

  #wait(offer: Offer, refuse: (error: HoldError) => void): void {
    const bytes = this.#waiting.reduce((n, w) => n + w.frame.data.length, offer.frame.data.length);
    if (this.#waiting.length >= WAITING_FRAMES || bytes > limits.inputQueueBytes)
      return refuse(this.#ledgerRefusal("input_blocked"));
    this.#waiting.push(offer);
    this.#world.reschedule();
  }

  /** H7. `ask`: null for a frame behind one that is asked about. */
  #ask(offer: Offer, ask: ((patience: AbortSignal | null) => Promise<Pass>) | null, refuse: (error: HoldError) => void): void {
    const { writer } = offer;
    const behind = this.#asked.get(writer) ?? [];
    const bytes = behind.reduce((n, w) => n + w.frame.data.length, offer.frame.data.length);
    if (behind.length >= WAITING_FRAMES || bytes > limits.inputQueueBytes) return refuse(this.#ledgerRefusal("input_blocked"));
    // An interrupt waits for nothing, so nothing waits for one.
    if (!ask) return void behind.push(offer);
    if (!offer.frame.interrupt) this.#asked.set(writer, behind);
    const goOn = (): void => {
      if (offer.frame.interrupt) return;
      this.#asked.delete(writer);
      for (const next of behind) this.offer(next);
    };
    ask(offer.letting.patience ?? null).then(
      (pass) => {
        this.#asked.delete(writer);
        this.offer({ ...offer, letting: { ...offer.letting, pass } });
        goOn();
      },
      (fault: unknown) => {
        refuse(refusalFrom(fault));
        goOn();
      },
    );
  }

  #cutsUnit(grant: Grant): boolean {
    const unitOf = this.#ledger.unitWriter();
    return unitOf !== null && grant.cuts(operatorOfWriter(unitOf));
  }

  /** Core/floor F7: a person whose input is not all written yet. */
  personAtIt(): Operator | null {
    const unitOf = this.#ledger.unitWriter();
    const ids = new Set(unitOf === null ? [] : [operatorOfWriter(unitOf)]);
    for (const { operator } of this.#ledger.unsettled()) ids.add(operator);
    for (const id of ids) {
      const operator = this.#world.operatorFor(id);
      if (operator?.kind === "human") return operator;
    }
    return null;
  }

  /** Ends a doubt about the line, and with it the waiting of who may only type on an empty one. */
  knowLine(): void {
    const { doubt } = this.#world;
    if (doubt.isOpen) void doubt.settled().then(() => this.offerWaiting());
  }

  /** Another's unit may have ended: what waited for that is offered again. */
  offerWaiting(): void {
    if (this.#waiting.length === 0 || this.#ledger.unitOpen()) return;
    for (const offer of this.#waiting.splice(0)) this.offer(offer);
  }

  /** Why nobody can type now; null if they can. */
  #closedToInput(): HoldError | null {
    const { book, line, ports } = this.#world;
    if (book.isOver)
      return new HoldError(
        "session_ended",
        `session ${book.label} has ended; hold log ${book.facts.name || book.id} shows what it did`,
        { session: book.id },
      );
    if (ports.journal.frozen || line.isStalled)
      return new HoldError(
        "journal_frozen",
        `the journal can't be written (${ports.journal.frozen?.message ?? "going on in a moment"}): nothing runs unrecorded; free some space, hold doctor tells more`,
      );
    return line.live ? null : line.beingTakenUp();
  }

  // --- to the shim ---

  /** H1: order is kept by the line (L3). */
  #send(entry: Entry, frame: Input, tag: number): void {
    const { book, line, ports } = this.#world;
    const go = (): void => {
      const shim = line.live;
      const seq = BigInt(entry.seq);
      if (frame.eof) shim?.eof(seq);
      else if (frame.interrupt) shim?.interrupt(seq, interruptKey(frame.data[0]!), frame.data[0]!);
      else shim?.input(seq, tag, frame.data);
    };
    if (!book.facts.syncInput && !line.isBehindSync) return go();
    this.#unsent.set(entry.seq, entry.actor);
    line.behind(
      ports.journal.durable(entry.lsn).then(
        () => () => {
          if (this.#unsent.delete(entry.seq)) go();
        },
        (fault: unknown) => () => {
          if (!this.#unsent.delete(entry.seq)) return;
          ports.log(`session ${book.id}: input ${entry.seq} was not sent: ${String(fault)}`);
          this.#settle(voided(Seq(entry.seq), "journal_frozen"), false, 0);
        },
      ),
    );
  }

  /** The terminal model answers the program's query: bytes into the session, under their own name. */
  reply(queryOffset: number, bytes: Uint8Array): void {
    const { book, line, ports } = this.#world;
    if (book.isOver || !line.live || queryOffset <= book.facts.repliedOffset || this.#ledger.unitOpen()) return;
    const writer = TERMINAL_ACTOR;
    const n = this.#ledger.lastN(writer) + 1;
    const actor = { id: TERMINAL_ACTOR, via: "host" };
    try {
      const replied = create(EventBody_ReplyWrittenSchema, { queryOffset: BigInt(queryOffset) });
      book.record(actor, { case: "replyWritten", value: replied });
      const input = create(EventBody_InputSchema, { writer, n: BigInt(n), epoch: BigInt(this.#world.epoch()) });
      const { seq } = book.record(actor, { case: "input", value: input }, bytes);
      const frame: InputFrame = { writer, n, bytes: bytes.length, unit: "", unitEnd: false, interrupt: false };
      this.#ledger.accepted(frame, TERMINAL_ACTOR, Seq(seq), ports.clock.monoMs());
      this.#unsent.set(seq, TERMINAL_ACTOR);
      line.inOrder(() => {
        if (this.#unsent.delete(seq)) line.live?.input(BigInt(seq), 0, bytes);
      });
    } catch (fault) {
      ports.log(`session ${book.id}: a terminal query stays unanswered: ${String(fault)}`);
    }
  }

  /**
   * What the host itself says to a program on pipes, for an operator who was let in elsewhere (kernel/). What becomes of it is in the
   * `inputSettled` that follows. Returns its seq; throws why nothing can be said now, or the journal's fault.
   */
  say(by: Actor, { message, unit, bytes, secret }: Saying): number {
    const closed = this.#closedToInput();
    if (closed) throw closed;
    const { book, ports } = this.#world;
    const writer = `${by.id}/kernel`;
    const n = this.#ledger.lastN(writer) + 1;
    const tag = this.#tagOf(by.id);
    const of = { writer, unit, unitEnd: true };
    const value = create(EventBody_InputSchema, {
      ...of,
      n: BigInt(n),
      epoch: BigInt(this.#world.epoch()),
      tag,
      message,
      secret,
    });
    const entry = book.record(by, { case: "input", value }, bytes);
    this.#ledger.accepted({ ...of, n, bytes: bytes.length, interrupt: false }, by.id, Seq(entry.seq), ports.clock.monoMs());
    this.#send(entry, create(InputSchema, { n: BigInt(n), data: bytes }), tag);
    return entry.seq;
  }

  // --- cutting (H6) ---

  /** The floor changed, or AIs were paused: what these operators have under way is cut. */
  cut(isCut: (operator: string) => boolean): void {
    const unitOf = this.#ledger.unitWriter();
    const closes = unitOf !== null && isCut(operatorOfWriter(unitOf));
    if (closes) this.#ledger.cut();
    const cut = new Set([...this.#ledger.unsettled()].map((u) => u.operator).filter(isCut));
    for (const operator of cut) {
      this.#cutAt.set(operator, this.#world.book.facts.seq);
      this.#world.line.link?.cancel(this.#tagOf(operator));
    }
    if (cut.size > 0) this.#dropUnsent((operator) => cut.has(operator));
    if (closes || cut.size > 0) this.offerWaiting();
  }

  /** An operator, or a key of theirs, is out: what they have under way is dropped, their unit is closed, and what waits is refused. */
  drop(operator: string, error: HoldError): void {
    const theirs = this.#waiting.filter((w) => w.by.id === operator);
    this.#waiting = this.#waiting.filter((w) => w.by.id !== operator);
    for (const offer of theirs) this.#refuse(frameOf(offer), offer.tell, error);
    this.cut((o) => o === operator);
  }

  /** What waits for the disk is cut as what waits in the shim. */
  #dropUnsent(isCut: (operator: string) => boolean): void {
    const { book } = this.#world;
    for (const [seq, operator] of [...this.#unsent]) {
      if (!isCut(operator)) continue;
      this.#unsent.delete(seq);
      this.result({
        seq: BigInt(seq),
        status: "void",
        refusal: "none",
        bytes: 0,
        secret: false,
        outputOffset: BigInt(book.facts.ends[book.streams[0]!]),
        timeNs: 0n,
      });
    }
  }

  // --- from the shim ---

  /**
   * The shim is there again, and has received commands up to this seq: what was recorded after it never reached it.
   */
  welcomed(receivedSeq: number): void {
    const { book, line } = this.#world;
    for (const seq of this.#ledger.neverSent(Seq(receivedSeq))) {
      this.#settle(voided(seq, HOST_RESTART), false, 0);
      // Whoever sent it on a link that still stands has no reason to send it again: they are told, and decide.
      const error = new HoldError(
        "input_void",
        `input ${seq} of session ${book.label} never reached the program: the link to it broke; send it again`,
      );
      this.#answer(seq, (n) => ({ n, seq, status: InputStatus.VOID, bytes: 0, error }));
    }
    this.#unsent.clear();
    // The link that a cut was told on may have been broken, or its host dead. Commands reach the shim in order: one that has
    // received something later than the cut was told of it too.
    for (const [operator, at] of this.#cutAt) if (at >= receivedSeq) line.link?.cancel(this.#tagOf(operator));
    this.#world.reschedule();
  }

  isUnsettled(seq: bigint): boolean {
    return this.#ledger.isUnsettled(Seq(Number(seq)));
  }

  /** Until the shim has said that it was seen; what was a secret has no bytes once that is recorded. */
  mayBeSecret(seq: number): boolean {
    return this.#ledger.isUnsettled(Seq(seq)) && !this.#settlements.some((r) => Number(r.seq) === seq && !r.secret);
  }

  /** What became of an input. It is told at once, and recorded after the echo has gone out: the shim keeps it until then. */
  result(told: ShimResult): void {
    const { commands, line, readers } = this.#world;
    const seq = Number(told.seq);
    const r = this.#saidInSecret(seq) ? { ...told, secret: true } : told;
    this.owe(r);
    const waiting = this.#answers.get(seq) ?? [];
    this.#answers.delete(seq);
    this.#tellResult(r, waiting);
    readers.interruptTold(seq, Number(r.outputOffset));
    commands.settled(outcomeOf(r), Number(r.outputOffset));
    line.ackSoon();
  }

  /** A pipe has no echo that the shim could look at: who said it knew. */
  #saidInSecret(seq: number): boolean {
    const { book } = this.#world;
    if (book.facts.kernel === "") return false;
    const [item] = book.readAt(seq);
    return item !== undefined && !("gap" in item) && item.body?.case === "input" && item.body.value.secret;
  }

  #tellResult(r: ShimResult, waiting: readonly Answer[]): void {
    const error = r.status === "applied" ? {} : { error: settledError(this.#world.book.facts, r) };
    const told = { seq: Number(r.seq), status: onWireStatus(r.status), bytes: r.bytes };
    for (const { durable, n, tell } of waiting) {
      tell({ n, ...told, outputOffset: Number(r.outputOffset), ...error });
      if (durable) this.#tellDurable(tell, { n, ...told });
    }
  }

  /** A result that is to be recorded, if it is an input's, and acknowledged. */
  owe(r: ShimResult): void {
    this.#settlements.push(r);
  }

  /** Records what the shim has told. Returns up to which seq its results may be forgotten; null if nothing was owed. */
  settleNow(): bigint | null {
    if (this.#settlements.length === 0) return null;
    const settlements = this.#settlements;
    this.#settlements = [];
    for (const r of settlements) this.#settle(outcomeOf(r), r.secret, Number(r.outputOffset));
    this.#lastResult = settlements.reduce((most, r) => (r.seq > most ? r.seq : most), this.#lastResult);
    const upTo = this.#settledUpTo();
    this.offerWaiting();
    // An open unit's time begins with the last answer that its sender was owed (core/input I4).
    this.#world.reschedule();
    return upTo;
  }

  /** A resize overtakes queued input, so results may be out of order: acknowledged is only what has nothing unsettled below it. */
  #settledUpTo(): bigint {
    let upTo = this.#lastResult;
    for (const { seq } of this.#ledger.unsettled()) if (BigInt(seq) <= upTo) upTo = BigInt(seq - 1);
    const { firstOpen } = this.#world.sizing;
    if (firstOpen !== null && BigInt(firstOpen) <= upTo) upTo = BigInt(firstOpen - 1);
    return upTo;
  }

  #settle(outcome: Outcome, secret: boolean, outputOffset: number): void {
    if (!this.#ledger.isUnsettled(outcome.seq)) return;
    const { book, commands, ports, readers } = this.#world;
    // Each before what follows can fail: a secret is gone before its result is acknowledged, and what is not recorded is not settled.
    if (secret) {
      ports.journal.erase(book.id, [outcome.seq]);
      readers.unseen(outcome.seq);
    }
    const value = create(EventBody_InputSettledSchema, {
      inputSeq: BigInt(outcome.seq),
      status: onWireStatus(outcome.status),
      bytes: outcome.bytes,
      refusal: outcome.refusal,
      secret,
      outputOffset: BigInt(outputOffset),
    });
    book.record({ id: HOST_ACTOR, via: "shim" }, { case: "inputSettled", value });
    this.#ledger.settle(outcome, ports.clock.monoMs());
    commands.settled(outcome, outputOffset);
  }

  /** The line stalled: what was owed is told again on the next link. */
  stalled(): void {
    this.#settlements = [];
  }

  /** Nothing that is unsettled will reach a program any more. */
  voidAll(refusal: string): void {
    for (const { seq } of [...this.#ledger.unsettled()]) this.#settle(voided(seq, refusal), false, 0);
  }

  /** The program has exited: what waits for the disk will not be sent. */
  exited(): void {
    this.#dropUnsent(() => true);
  }

  /** The session is over: who waits is told. */
  over(): void {
    const error = new HoldError("session_ended", `session ${this.#world.book.label} has ended`, {
      session: this.#world.book.id,
    });
    for (const seq of [...this.#answers.keys()])
      this.#answer(seq, (n) => ({ n, seq: 0, status: InputStatus.VOID, bytes: 0, error }));
    for (const offer of this.#waiting.splice(0)) this.offer(offer);
  }

  // --- answers (H3) ---

  #answer(seq: number, reply: (n: number) => InputReply): void {
    for (const { n, tell } of this.#answers.get(seq) ?? []) tell(reply(n));
    this.#answers.delete(seq);
  }

  #tellSettled(n: number, outcome: Outcome, durable: boolean, tell: Tell): void {
    const { seq, bytes, refusal } = outcome;
    const reply = { n, seq, status: onWireStatus(outcome.status), bytes };
    if (outcome.status === "applied") {
      if (durable) this.#tellDurable(tell, reply);
      return tell(reply);
    }
    const text = `input ${seq} of session ${this.#world.book.label}: ${outcome.status} (${refusal || "dropped"})`;
    tell({ ...reply, error: new HoldError("input_void", text) });
  }

  #tellDurable(tell: Tell, reply: InputReply): void {
    const { book, ports } = this.#world;
    ports.journal.durable(book.lastLsn).then(
      () => tell({ ...reply, durable: true }),
      (fault: unknown) =>
        tell({
          ...reply,
          error: new HoldError(
            "journal_frozen",
            `input ${reply.seq} of session ${book.label} was applied and recorded, and whether the record is on the disk is not known: ${fault instanceof Error ? fault.message : String(fault)}`,
          ),
        }),
    );
  }

  #ledgerRefusal(code: LedgerRefusal): HoldError {
    return ledgerRefusal(code, this.#world.book.label, this.#ledger.unsettledBytes);
  }

  // --- time ---

  tick(now: MonotonicMs): void {
    if (this.#ledger.tick(now)) this.offerWaiting();
    if (this.#blockedSince && this.#ledger.unsettledCount === 0) this.#blockedSince = null;
    const oldest = this.#ledger.unsettled()[Symbol.iterator]().next().value;
    if (!oldest || !this.#blockedSince) return;
    if (oldest.seq !== this.#blockedSince.seq) {
      this.#blockedSince = { seq: oldest.seq, at: now, told: false };
    } else if (!this.#blockedSince.told && now - this.#blockedSince.at >= BLOCKED_MS) {
      this.#blockedSince.told = true;
      const error = this.#ledgerRefusal("input_blocked");
      for (const { n, tell } of this.#answers.get(oldest.seq) ?? [])
        tell({ n, seq: oldest.seq, status: InputStatus.UNSPECIFIED, bytes: 0, error });
    }
  }

  nextWake(): MonotonicMs | null {
    const unit = this.#ledger.nextWake();
    if (!this.#blockedSince || this.#blockedSince.told) return unit;
    const blocked = MonotonicMs(this.#blockedSince.at + BLOCKED_MS);
    return unit !== null && unit < blocked ? unit : blocked;
  }
}

/** Writers are named `OPERATOR/…` by the host. */
export function operatorOfWriter(writer: string): string {
  const slash = writer.indexOf("/");
  return slash < 0 ? writer : writer.slice(0, slash);
}

function frameOf({ writer, frame }: Offer): InputFrame {
  const { data, unit, unitEnd, interrupt } = frame;
  return { writer, n: Number(frame.n), bytes: data.length, unit, unitEnd, interrupt };
}

function outcomeOf({ seq, status, bytes, refusal }: ShimResult): Outcome {
  return { seq: Seq(Number(seq)), status, bytes, refusal: refusal === "none" ? "" : refusal };
}

function voided(seq: Seq, refusal: string): Outcome {
  return { seq, status: "void", bytes: 0, refusal };
}

function onWireStatus(status: "applied" | "refused" | "void" | "cut"): InputStatus {
  return { applied: InputStatus.APPLIED, refused: InputStatus.REFUSED, void: InputStatus.VOID, cut: InputStatus.CUT }[status];
}

function interruptKey(byte: number): "intr" | "quit" | "susp" {
  return byte === 0x1c ? "quit" : byte === 0x1a ? "susp" : "intr";
}
