/**
 * The runs of one session, as a fold over its records: of each that was typed how far it is, and how it ended. Who asks again, on
 * another link or of another host, is answered from here as if they had stayed.
 *
 *   Q1  A run is known by its key, (writer, n), from the moment that its input is recorded: whoever asks with that key again means this
 *       one, and nothing is typed twice.
 *   Q2  A run that no shim ever saw (core/input I1, `host_restart`) was never typed: it is forgotten, and may be typed.
 *   Q3  Of those that are over the last {@link RunsRules.kept} stay, unless their segments are too many. Who asks for one that is gone
 *       is still not typed for: the ledger of inputs knows the number.
 * Elsewhere: one run (run.ts), what is sent of its output (host/call/run-follower.ts).
 */
import { Offset, type Seq } from "../id.ts";
import { type Run, type RunFact, type RunOutput, sentRun, stepRun } from "./run.ts";

export interface KnownRun {
  readonly key: string;
  /** Of its input. */
  readonly seq: Seq;
  readonly run: Run;
  /** Where its output begins; 0 before it has begun. */
  readonly from: Offset;
  /** R5: the editor keeps, or kept, its line, and why. */
  readonly kept: "incomplete" | "not_run" | null;
  /** How it ended: the last that {@link stepRun} said. */
  readonly end: Extract<RunOutput, { kind: "ended" | "refused" }> | null;
}

export interface RunNews {
  readonly known: KnownRun;
  /** `never_typed`: Q2. */
  readonly output: RunOutput | { readonly kind: "never_typed" };
}

export interface RunsRules {
  readonly kept: number;
  /** Of all that are over together: a text of a thousand lines is as many segments. */
  readonly keptSegments: number;
}
export const runsRules: RunsRules = { kept: 64, keptSegments: 4_096 };

export const runKey = (writer: string, n: number | bigint): string => `${writer}/${n}`;

/** Mutable for speed, pure in every other sense, as the ledger of inputs. */
export class Runs {
  readonly #rules: RunsRules;
  readonly #open = new Map<Seq, KnownRun>();
  /** In the order of their ends. */
  #over: readonly KnownRun[] = [];

  constructor(saved: readonly KnownRun[] = [], rules: RunsRules = runsRules) {
    this.#rules = rules;
    for (const known of saved) this.#keep(known);
  }

  find(key: string): KnownRun | null {
    for (const known of this.#open.values()) if (known.key === key) return known;
    return this.#over.find((known) => known.key === key) ?? null;
  }

  /** The fold as plain data. */
  save(): readonly KnownRun[] {
    return [...this.#over, ...this.#open.values()];
  }

  /** Q1: its input is recorded. */
  typed(key: string, seq: Seq): void {
    this.#open.set(seq, { key, seq, run: sentRun, from: Offset(0), kept: null, end: null });
  }

  /** What became of an input, of a run or of none. */
  settled(seq: Seq, fact: Extract<RunFact, { kind: "input" }>): readonly RunNews[] {
    const known = this.#open.get(seq);
    return known ? this.#step(known, fact) : [];
  }

  /** Q2. */
  neverTyped(seq: Seq): readonly RunNews[] {
    const known = this.#open.get(seq);
    return this.#open.delete(seq) && known ? [{ known, output: { kind: "never_typed" } }] : [];
  }

  /** A mark, or the program's end: every open run hears of it. */
  told(fact: Extract<RunFact, { kind: "mark" | "exited" }>): readonly RunNews[] {
    if (this.#open.size === 0) return [];
    return [...this.#open.values()].flatMap((known) => this.#step(known, fact));
  }

  #step(before: KnownRun, fact: RunFact): RunNews[] {
    const { run, outputs } = stepRun(before.run, fact);
    let known: KnownRun = { ...before, run };
    const news = outputs.map((output) => {
      if (output.kind === "started") known = { ...known, from: output.outputOffset };
      else if (output.kind === "incomplete") known = { ...known, kept: known.kept ?? "incomplete" };
      else if (output.kind === "invalid") known = { ...known, kept: known.kept ?? "not_run" };
      else if (output.kind !== "told") known = { ...known, end: output };
      return { known, output };
    });
    this.#keep(known);
    return news;
  }

  /** Q3. */
  #keep(known: KnownRun): void {
    if (!known.end) return void this.#open.set(known.seq, known);
    this.#open.delete(known.seq);
    this.#over = [...this.#over, known].slice(-this.#rules.kept);
    let segments = this.#over.reduce((n, { end }) => n + (end?.kind === "ended" ? end.segments.length : 0), 0);
    while (segments > this.#rules.keptSegments) {
      const [first, ...rest] = this.#over;
      segments -= first!.end?.kind === "ended" ? first!.end.segments.length : 0;
      this.#over = rest;
    }
  }
}
