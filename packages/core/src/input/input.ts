/**
 * Input: from what an operator sends to what the program reads, each frame at most once, whole and in order.
 *
 *   I1  A frame is (writer, n); n rises per writer. A frame that was journalled is never journalled again, unless it was
 *       settled `void` because a host died before sending it on: then a resend is a new record with a new seq. This holds
 *       for the last {@link InputRules.silentWriters} writers; of those silent longest only the highest n is kept, so that a
 *       resend of theirs is refused `superseded` and never run twice.
 *   I2  Frames reach the shim in the order of their seq, which is the order of their acceptance. A frame that waits while a
 *       later one of its writer (an interrupt) is accepted is `superseded`.
 *   I3  Journalled and unsettled input stays within {@link InputRules.queueBytes} and {@link InputRules.queueFrames}; more is
 *       refused `input_blocked`. Interrupts may go as far again.
 *   I4  Between the first and the last chunk of a unit no other writer's frame is accepted: it waits. A unit is closed by its
 *       end, by another frame of its writer, by a cut, by an interrupt, by a chunk that was not applied, or 2 s after its last
 *       chunk was answered: a sender that waits for the program has not vanished. A unit closed in any of the last four ways is broken: its later chunks are refused, and so is one that does
 *       not follow the chunk before it.
 *   I5  Numbers, outcomes and the open unit are a fold over the journal's Input and InputSettled events, with `cut` called
 *       where the journal says that the floor changed or AIs were paused. Refusals leave no trace.
 * Who may type is floor/ and policy/; this room never asks.
 */
import { MonotonicMs, type OperatorId, type Seq, type WriterId } from "../id.ts";

export interface InputFrame {
  readonly writer: WriterId;
  readonly n: number;
  readonly bytes: number;
  /** Empty, or never used before by this writer: a name of a broken unit stays refused. */
  readonly unit: string;
  readonly unitEnd: boolean;
  /** INTR, QUIT or SUSP: goes beside the queue. */
  readonly interrupt: boolean;
}

export type Settled = "applied" | "refused" | "void" | "cut";
/** Why a frame is void because no shim ever saw it: the one kind of void that may be sent again (I1). */
export const HOST_RESTART = "host_restart";

export interface Outcome {
  readonly seq: Seq;
  readonly status: Settled;
  readonly bytes: number;
  readonly refusal: string;
}

export interface InputRules {
  readonly queueBytes: number;
  /** Half of the shim's own queue, so that interrupts, resizes and signals find room there. */
  readonly queueFrames: number;
  readonly unitIdleMs: number;
  /** Settled outcomes kept of one writer: twice what a client may have unanswered (attachment/outbox.ts O4). */
  readonly rememberedPerWriter: number;
  /** Writers whose outcomes are kept. */
  readonly writers: number;
  /** Writers of whom only the highest n is kept: about 100 bytes each. Each `hold send` is a writer. */
  readonly silentWriters: number;
}
export const inputRules: InputRules = {
  queueBytes: 256 * 1024,
  queueFrames: 512,
  unitIdleMs: 2_000,
  rememberedPerWriter: 512,
  writers: 64,
  silentWriters: 4_096,
};

export type InputDecision =
  | { readonly kind: "accept" }
  /** Known and settled: answer this. */
  | { readonly kind: "settled"; readonly outcome: Outcome }
  /** Known and not settled yet: the answer follows the settlement of `seq`. */
  | { readonly kind: "pending"; readonly seq: Seq }
  /** Another writer's unit is open: offer it again when that one is closed. */
  | { readonly kind: "wait" }
  | { readonly kind: "refuse"; readonly code: "input_blocked" | "input_cut" | "bad_request" | "superseded" };

/** `unitBefore`: the unit that was open when this frame came, and is again if the frame was never sent on. */
interface Unsettled {
  readonly seq: Seq;
  readonly writer: WriterId;
  readonly n: number;
  readonly bytes: number;
  readonly operator: OperatorId;
  readonly unit: string;
  readonly unitBefore: Unit | null;
}
/** `known` is in the order of n. `owed`: frames without an outcome. `broken`: the last {@link BROKEN_UNITS} broken units. */
interface Writer {
  lastN: number;
  /** Of its last frame; {@link UNKNOWN_SEQ} where the fold was saved without. */
  lastSeq: number;
  broken: readonly string[];
  owed: number;
  readonly known: Map<number, Outcome | Seq>;
}
/** `lastAt`: of its last chunk, or of the last answer to its writer. */
interface Unit {
  readonly writer: WriterId;
  readonly unit: string;
  readonly lastAt: MonotonicMs;
}
const UNKNOWN_SEQ = Number.MAX_SAFE_INTEGER;
/** More than one, because chunks of the one before may still be under way when the next one breaks. */
const BROKEN_UNITS = 16;
/** Saved without times: the monotonic clock may begin anew. */
type SavedUnit = Omit<Unit, "lastAt">;
type SavedUnsettled = Omit<Unsettled, "unitBefore"> & { readonly unitBefore: SavedUnit | null };
type SavedWriter = readonly [
  id: WriterId,
  lastN: number,
  broken: readonly string[],
  known: readonly (readonly [number, Outcome | Seq])[],
  lastSeq?: number,
];

/** Mutable for speed, pure in every other sense: no clock, no I/O; equal calls give equal states. */
export class InputLedger {
  readonly #rules: InputRules;
  /** Both in the order of last use. */
  readonly #writers = new Map<WriterId, Writer>();
  readonly #silent = new Map<WriterId, Writer>();
  readonly #unsettled = new Map<Seq, Unsettled>();
  #unsettledBytes = 0;
  #unit: Unit | null = null;
  #forgottenUpTo = 0;
  /** Lowest seq forgotten since the last acceptance. */
  #forgottenFrom: Seq | null = null;

  constructor(rules: InputRules = inputRules) {
    this.#rules = rules;
  }

  get unsettledBytes(): number {
    return this.#unsettledBytes;
  }

  get unsettledCount(): number {
    return this.#unsettled.size;
  }

  /** Oldest first. */
  unsettled(): Iterable<Unsettled> {
    return this.#unsettled.values();
  }

  isUnsettled(seq: Seq): boolean {
    return this.#unsettled.has(seq);
  }

  unitOpen(): boolean {
    return this.#unit !== null;
  }

  /** Whose unit is open: its writer. */
  unitWriter(): WriterId | null {
    return this.#unit?.writer ?? null;
  }

  /** Writers were there of whom nothing is known any more (I1): the last frame of all of them was at this seq, or before it. 0: there were none. */
  get forgottenUpTo(): number {
    return this.#forgottenUpTo;
  }

  lastN(writer: WriterId): number {
    return this.#find(writer)?.lastN ?? 0;
  }

  /** Answers for this moment: call {@link accepted} before deciding on another frame, or a resend is accepted twice. */
  decide(frame: InputFrame): InputDecision {
    const writer = this.#find(frame.writer);
    if (!Number.isSafeInteger(frame.n) || frame.n < 1) return { kind: "refuse", code: "bad_request" };
    const known = writer?.known.get(frame.n);
    if (known !== undefined)
      return typeof known === "number" ? { kind: "pending", seq: known } : { kind: "settled", outcome: known };
    if (writer && frame.n <= writer.lastN) return { kind: "refuse", code: "superseded" };
    if (frame.unit !== "" && writer?.broken.includes(frame.unit)) return { kind: "refuse", code: "input_cut" };
    if (!frame.interrupt && this.#unit) {
      if (this.#unit.writer !== frame.writer) return { kind: "wait" };
      // A chunk is missing that a host refused before it died.
      if (this.#unit.unit === frame.unit && writer && frame.n !== writer.lastN + 1) return { kind: "refuse", code: "input_cut" };
    }
    const { queueBytes, queueFrames } = this.#rules;
    const times = frame.interrupt ? 2 : 1;
    if (this.#unsettledBytes + frame.bytes > queueBytes * times || this.#unsettled.size >= queueFrames * times)
      return { kind: "refuse", code: "input_blocked" };
    return { kind: "accept" };
  }

  /** The frame has the journal's `seq`: told when it is given, not when it is stored. */
  accepted(frame: InputFrame, operator: OperatorId, seq: Seq, now: MonotonicMs): void {
    const unitBefore = this.#unit;
    // Another writer's frame inside a unit: the host that accepted it knew the unit to be closed, and a fold learns it here.
    if (frame.interrupt || (this.#unit && this.#unit.writer !== frame.writer)) this.cut();
    const writer = this.#touch(frame.writer);
    writer.lastN = frame.n;
    writer.lastSeq = seq;
    writer.known.set(frame.n, seq);
    writer.owed++;
    const { unit, bytes, n } = frame;
    this.#unsettled.set(seq, { seq, writer: frame.writer, n, bytes, operator, unit, unitBefore });
    this.#forgottenFrom = null;
    this.#unsettledBytes += bytes;
    if (frame.interrupt) return;
    if (unit === "" || frame.unitEnd) this.#unit = null;
    else this.#unit = { writer: frame.writer, unit, lastAt: now };
  }

  /** A frame of a unit was refused: the rest of the unit would make no sense without it. */
  refused(frame: InputFrame): void {
    if (frame.unit !== "") this.#break(frame.writer, frame.unit);
  }

  /** What came of a journalled frame. Unknown or settled seqs change nothing (a result may be told twice). Returns the frame's identity. */
  settle(
    outcome: Outcome,
    now: MonotonicMs,
  ): { readonly writer: WriterId; readonly n: number; readonly operator: OperatorId } | null {
    const entry = this.#unsettled.get(outcome.seq);
    if (!entry) return null;
    this.#unsettled.delete(outcome.seq);
    this.#unsettledBytes -= entry.bytes;
    const writer = this.#writers.get(entry.writer);
    if (writer) {
      writer.owed--;
      if (outcome.status === "void" && outcome.refusal === HOST_RESTART) this.#forget(writer, entry, now);
      else {
        writer.known.set(entry.n, outcome);
        this.#trim(writer);
        if (entry.unit !== "" && outcome.status !== "applied") this.#break(entry.writer, entry.unit);
        if (this.#unit?.writer === entry.writer) this.#unit = { ...this.#unit, lastAt: now };
      }
    }
    return { writer: entry.writer, n: entry.n, operator: entry.operator };
  }

  /** The floor changed hands, AIs were paused, or an interrupt passed: an open unit ends here (I4). */
  cut(): void {
    if (this.#unit) this.#break(this.#unit.writer, this.#unit.unit);
  }

  /**
   * A shim was adopted that has received up to `receivedSeq`: what was journalled after it never reached it (I1). The caller settles
   * all of them `void` with {@link HOST_RESTART} before it accepts or sends anything: a newer seq at the shim would hide them. No client
   * is told this void, because it is not final.
   */
  neverSent(receivedSeq: Seq): Seq[] {
    return [...this.#unsettled.keys()].filter((seq) => seq > receivedSeq);
  }

  /** Time passed: true if the open unit was closed for want of its next chunk. */
  tick(now: MonotonicMs): boolean {
    const wake = this.nextWake();
    if (wake === null || now < wake) return false;
    this.cut();
    return true;
  }

  /** Null also while the open unit's sender is owed an answer: its time begins with that. */
  nextWake(): MonotonicMs | null {
    if (!this.#unit || (this.#writers.get(this.#unit.writer)?.owed ?? 0) > 0) return null;
    return MonotonicMs(this.#unit.lastAt + this.#rules.unitIdleMs);
  }

  /** The fold as plain data, for the journal's cache of folds. */
  save(): unknown {
    const plain = ([id, w]: [WriterId, Writer]): SavedWriter => [id, w.lastN, w.broken, [...w.known], w.lastSeq];
    const unsettled = [...this.#unsettled.values()].map(
      (entry): SavedUnsettled => ({ ...entry, unitBefore: timeless(entry.unitBefore) }),
    );
    return {
      writers: [...this.#writers].map(plain),
      silent: [...this.#silent].map(plain),
      unsettled,
      unit: timeless(this.#unit),
      forgottenUpTo: this.#forgottenUpTo,
    };
  }

  /** `now`: when a unit that was open counts as last heard of; without it the first {@link tick} cuts it. */
  static load(
    data: ReturnType<InputLedger["save"]>,
    rules: InputRules = inputRules,
    now: MonotonicMs = MonotonicMs(-rules.unitIdleMs),
  ): InputLedger {
    const ledger = new InputLedger(rules);
    const saved = data as {
      writers: SavedWriter[];
      silent: SavedWriter[];
      unsettled: SavedUnsettled[];
      unit: SavedUnit | null;
      forgottenUpTo?: number;
    };
    const timed = (unit: SavedUnit | null): Unit | null => unit && { ...unit, lastAt: now };
    const read = (map: Map<WriterId, Writer>, writers: SavedWriter[]): void => {
      for (const [id, lastN, broken, known, lastSeq = UNKNOWN_SEQ] of writers)
        map.set(id, { lastN, lastSeq, broken, owed: 0, known: new Map(known) });
    };
    read(ledger.#writers, saved.writers);
    read(ledger.#silent, saved.silent);
    for (const entry of saved.unsettled) {
      ledger.#unsettled.set(entry.seq, { ...entry, unitBefore: timed(entry.unitBefore) });
      ledger.#unsettledBytes += entry.bytes;
      const writer = ledger.#writers.get(entry.writer);
      if (writer) writer.owed++;
    }
    ledger.#unit = timed(saved.unit);
    ledger.#forgottenUpTo = saved.forgottenUpTo ?? (saved.silent.length >= rules.silentWriters ? UNKNOWN_SEQ : 0);
    return ledger;
  }

  #find(id: WriterId): Writer | undefined {
    return this.#writers.get(id) ?? this.#silent.get(id);
  }

  #touch(id: WriterId): Writer {
    const writer = this.#find(id) ?? { lastN: 0, lastSeq: 0, broken: [], owed: 0, known: new Map<number, Outcome | Seq>() };
    this.#silent.delete(id);
    this.#writers.delete(id);
    this.#writers.set(id, writer);
    if (this.#writers.size > this.#rules.writers) this.#silence(id);
    return writer;
  }

  /** Of writers that were silent longest and are owed nothing, only the number is kept; of the ones before them nothing (I1). */
  #silence(except: WriterId): void {
    for (const [id, writer] of this.#writers) {
      if (this.#writers.size <= this.#rules.writers) break;
      if (writer.owed > 0 || id === except) continue;
      this.#writers.delete(id);
      this.#silent.set(id, { ...writer, known: new Map() });
    }
    for (const [id, { lastSeq }] of this.#silent) {
      if (this.#silent.size <= this.#rules.silentWriters) break;
      this.#forgottenUpTo = Math.max(this.#forgottenUpTo, lastSeq);
      this.#silent.delete(id);
    }
  }

  #trim(writer: Writer): void {
    if (writer.known.size - writer.owed <= this.#rules.rememberedPerWriter) return;
    for (const [n, known] of writer.known) {
      if (typeof known === "number") continue;
      writer.known.delete(n);
      return;
    }
  }

  #break(writer: WriterId, unit: string): void {
    const known = this.#touch(writer);
    known.broken = [...known.broken.filter((u) => u !== unit), unit].slice(-BROKEN_UNITS);
    if (this.#unit?.writer === writer && this.#unit.unit === unit) this.#unit = null;
  }

  /** The frame never happened: a resend of it, and of all after it, is welcome, and the unit is as it was. What is forgotten is always the newest of the journal. */
  #forget(writer: Writer, { seq, n, unitBefore }: Unsettled, now: MonotonicMs): void {
    writer.known.delete(n);
    writer.lastN = Math.min(writer.lastN, n - 1);
    if (this.#forgottenFrom !== null && this.#forgottenFrom < seq) return;
    this.#forgottenFrom = seq;
    const isBroken = unitBefore && this.#find(unitBefore.writer)?.broken.includes(unitBefore.unit);
    this.#unit = isBroken || !unitBefore ? null : { ...unitBefore, lastAt: now };
  }
}

function timeless(unit: Unit | null): SavedUnit | null {
  return unit && { writer: unit.writer, unit: unit.unit };
}
