/**
 * Input: from what an operator sends to what the program reads, each frame at most once, whole and in order.
 *
 *   I1  A frame is (writer, n); n rises per writer. A frame that was journalled is never journalled again, unless it was
 *       settled `void` because a host died before sending it on: then a resend is a new record with a new seq.
 *   I2  Frames reach the shim in the order of their seq, which is the order of their acceptance.
 *   I3  Journalled and unsettled bytes stay within {@link InputRules.queueBytes}; more is refused `input_blocked`.
 *   I4  Between the first and the last chunk of a unit no other writer's frame is accepted: it waits. A unit is closed by its
 *       end, by another frame of its writer, by a cut, or 2 s after its last chunk. Chunks after a cut are refused.
 *   I5  The whole state is a fold over the journal's Input and InputSettled events.
 * Who may type is floor/ and policy/; this room never asks.
 */
import { MonotonicMs, type OperatorId, type Seq, type WriterId } from "../id.ts";

export interface InputFrame {
  readonly writer: WriterId;
  readonly n: number;
  readonly bytes: number;
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

export interface InputRules { readonly queueBytes: number; readonly unitIdleMs: number; readonly rememberedPerWriter: number; readonly writers: number }
export const inputRules: InputRules = { queueBytes: 256 * 1024, unitIdleMs: 2_000, rememberedPerWriter: 512, writers: 64 };

export type InputDecision =
  | { readonly kind: "accept" }
  /** Known and settled: answer this. */
  | { readonly kind: "settled"; readonly outcome: Outcome }
  /** Known and not settled yet: the answer follows the settlement of `seq`. */
  | { readonly kind: "pending"; readonly seq: Seq }
  /** Another writer's unit is open: offer it again when that one is closed. */
  | { readonly kind: "wait" }
  | { readonly kind: "refuse"; readonly code: "input_blocked" | "input_cut" | "bad_request" | "superseded" };

interface Unsettled { readonly seq: Seq; readonly writer: WriterId; readonly n: number; readonly bytes: number; readonly operator: OperatorId }
interface Writer { lastN: number; brokenUnit: string; used: number; readonly known: Map<number, Outcome | Seq> }
interface Unit { readonly writer: WriterId; readonly unit: string; lastAt: MonotonicMs }

/** Mutable for speed, pure in every other sense: no clock, no I/O; equal calls give equal states. */
export class InputLedger {
  readonly #rules: InputRules;
  readonly #writers = new Map<WriterId, Writer>();
  readonly #unsettled = new Map<Seq, Unsettled>();
  #unsettledBytes = 0;
  #unit: Unit | null = null;
  #uses = 0;

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

  unitOpen(): boolean {
    return this.#unit !== null;
  }

  lastN(writer: WriterId): number {
    return this.#writers.get(writer)?.lastN ?? 0;
  }

  decide(frame: InputFrame): InputDecision {
    const writer = this.#writers.get(frame.writer);
    if (!Number.isSafeInteger(frame.n) || frame.n < 1) return { kind: "refuse", code: "bad_request" };
    if (writer && frame.n <= writer.lastN) {
      const known = writer.known.get(frame.n);
      if (known === undefined) return { kind: "refuse", code: "superseded" };
      return typeof known === "number" ? { kind: "pending", seq: known } : { kind: "settled", outcome: known };
    }
    if (frame.unit !== "" && writer?.brokenUnit === frame.unit) return { kind: "refuse", code: "input_cut" };
    if (!frame.interrupt) {
      if (this.#unit && this.#unit.writer !== frame.writer) return { kind: "wait" };
      if (this.#unsettledBytes + frame.bytes > this.#rules.queueBytes) return { kind: "refuse", code: "input_blocked" };
    }
    return { kind: "accept" };
  }

  /** The frame was journalled at `seq`. */
  accepted(frame: InputFrame, operator: OperatorId, seq: Seq, now: MonotonicMs): void {
    const writer = this.#writer(frame.writer);
    writer.lastN = frame.n;
    writer.known.set(frame.n, seq);
    if (writer.known.size > this.#rules.rememberedPerWriter) writer.known.delete(writer.known.keys().next().value!);
    this.#unsettled.set(seq, { seq, writer: frame.writer, n: frame.n, bytes: frame.bytes, operator });
    this.#unsettledBytes += frame.bytes;
    if (frame.interrupt || frame.unit === "" || frame.unitEnd) {
      if (this.#unit && (frame.interrupt || this.#unit.writer === frame.writer)) this.#unit = null;
    } else {
      this.#unit = { writer: frame.writer, unit: frame.unit, lastAt: now };
    }
  }

  /** A frame of a unit was refused: the rest of the unit would make no sense without it. */
  refused(frame: InputFrame): void {
    if (frame.unit === "") return;
    this.#writer(frame.writer).brokenUnit = frame.unit;
    if (this.#unit?.writer === frame.writer) this.#unit = null;
  }

  /** What came of a journalled frame. Unknown or settled seqs change nothing (a result may be told twice). Returns the frame's identity. */
  settle(outcome: Outcome): { readonly writer: WriterId; readonly n: number; readonly operator: OperatorId } | null {
    const entry = this.#unsettled.get(outcome.seq);
    if (!entry) return null;
    this.#unsettled.delete(outcome.seq);
    this.#unsettledBytes -= entry.bytes;
    const writer = this.#writers.get(entry.writer);
    if (writer) {
      if (outcome.status === "void" && outcome.refusal === HOST_RESTART) this.#forget(writer, entry.n);
      else if (writer.known.has(entry.n)) writer.known.set(entry.n, outcome);
    }
    return { writer: entry.writer, n: entry.n, operator: entry.operator };
  }

  /** The floor changed hands, AIs were paused, or an interrupt passed: an open unit ends here (I4). */
  cut(): void {
    if (!this.#unit) return;
    this.#writer(this.#unit.writer).brokenUnit = this.#unit.unit;
    this.#unit = null;
  }

  /** A shim was adopted that has received up to `receivedSeq`: what was journalled after it never reached it (I1). */
  neverSent(receivedSeq: Seq): Seq[] {
    return [...this.#unsettled.keys()].filter((seq) => seq > receivedSeq);
  }

  /** Time passed: true if the open unit was closed for want of its next chunk. */
  tick(now: MonotonicMs): boolean {
    if (!this.#unit || now < this.#unit.lastAt + this.#rules.unitIdleMs) return false;
    this.cut();
    return true;
  }

  nextWake(): MonotonicMs | null {
    return this.#unit ? MonotonicMs(this.#unit.lastAt + this.#rules.unitIdleMs) : null;
  }

  /** The fold as plain data, for the journal's cache of folds. */
  save(): unknown {
    return {
      writers: [...this.#writers].map(([id, w]) => [id, w.lastN, w.brokenUnit, [...w.known]] as const),
      unsettled: [...this.#unsettled.values()],
    };
  }

  static load(data: ReturnType<InputLedger["save"]>, rules: InputRules = inputRules): InputLedger {
    const ledger = new InputLedger(rules);
    const saved = data as { writers: [WriterId, number, string, [number, Outcome | Seq][]][]; unsettled: Unsettled[] };
    for (const [id, lastN, brokenUnit, known] of saved.writers) ledger.#writers.set(id, { lastN, brokenUnit, used: ++ledger.#uses, known: new Map(known) });
    for (const entry of saved.unsettled) {
      ledger.#unsettled.set(entry.seq, entry);
      ledger.#unsettledBytes += entry.bytes;
    }
    return ledger;
  }

  #writer(id: WriterId): Writer {
    let writer = this.#writers.get(id);
    if (!writer) {
      writer = { lastN: 0, brokenUnit: "", used: 0, known: new Map() };
      this.#writers.set(id, writer);
      if (this.#writers.size > this.#rules.writers) this.#evict();
    }
    writer.used = ++this.#uses;
    return writer;
  }

  /** Forgets the writer that was silent longest and owes nothing. */
  #evict(): void {
    const busy = new Set([...this.#unsettled.values()].map((e) => e.writer));
    let oldest: [WriterId, Writer] | null = null;
    for (const pair of this.#writers) if (!busy.has(pair[0]) && (!oldest || pair[1].used < oldest[1].used)) oldest = pair;
    if (oldest) this.#writers.delete(oldest[0]);
  }

  /** n never happened: a resend of it, and of all after it, is welcome. */
  #forget(writer: Writer, n: number): void {
    writer.known.delete(n);
    let last = 0;
    for (const known of writer.known.keys()) if (known > last) last = known;
    if (n === writer.lastN || last < writer.lastN) writer.lastN = Math.max(last, Math.min(writer.lastN, n - 1));
  }
}
