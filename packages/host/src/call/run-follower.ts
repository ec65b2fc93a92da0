/**
 * Follows one run for one caller, from its input or from where an earlier link of theirs ended: hands over what it prints, and says
 * how it ended. What is known of the run is the session's fold (core/command Q1); this only looks.
 *
 *   F1  A part says where its output ends (`to_offset`). Who asks again from there is sent each byte once.
 *   F2  Output goes at the caller's pace: the journal keeps it meanwhile, not this process.
 *   F3  What the journal has no more of it is counted as left out, never passed over in silence.
 *   F4  What waits behind another's paste is typed for a caller that waits, or not at all.
 * Elsewhere: whether it may be typed at all (run.ts), what of its bytes is told (run-teller.ts).
 */
import { command, MonotonicMs } from "@holdfast/core";
import { type Again, create, HoldError, InputSchema, RunAnswerSchema } from "@holdfast/protocol";
import { OUTPUT_KIND } from "../session/record.ts";
import type { LiveSession } from "../session/session.ts";
import { FREE } from "../session/typing.ts";
import type { CallContext, Result } from "./context.ts";
import { RunTeller } from "./run-teller.ts";

const READ_BYTES = 256 * 1024;
/** How soon a line that stays in the editor is interrupted again, and how often before it is given up. */
const TAKE_BACK_MS = 300;
const TAKE_BACK_TRIES = 10;
/** How long the prompt after a command may take, so that what it tells (folder, environment) is there for the caller's next step. */
const PROMPT_MS = 1_000;
/** How soon a caller that does not keep up is looked at again. */
const ROOM_MS = 20;

export interface RunToFollow {
  readonly key: string;
  readonly maxBytes: number;
  /** Its text holds no second command (core/command R1). */
  readonly isOneLine: boolean;
  /** Until when its caller waits; null: until it ends. */
  readonly deadline: MonotonicMs | null;
  /** What the caller has of it from an earlier link. */
  readonly again: Again | undefined;
}

export class RunFollower {
  readonly #ctx: CallContext;
  readonly #session: LiveSession;
  readonly #of: RunToFollow;
  #last: command.KnownRun | null = null;
  /** Journal cursor, and the offset up to which output was handed over. */
  #cursor: number;
  #told: number;
  readonly #teller: RunTeller;
  #isTakingBack = false;
  /** Its end is known, and the rest of its output is on the way. */
  #isEnding = false;
  #isOver = false;
  #stopPrompt: (() => void) | null = null;
  /** The caller does not read as fast as the program writes. */
  #isFull = false;
  #stopLater: (() => void) | null = null;
  #fail: (fault: unknown) => void = () => {};
  #finish: (result: Result | null) => void = () => {};
  readonly #stops: (() => void)[] = [];

  constructor(ctx: CallContext, session: LiveSession, of: RunToFollow) {
    this.#ctx = ctx;
    this.#session = session;
    this.#of = of;
    this.#told = Number(of.again?.offset ?? 0n);
    this.#cursor = session.facts.seq;
    this.#teller = new RunTeller(session, {
      isAi: ctx.operator.kind === "ai",
      maxBytes: of.maxBytes,
      sentBytes: Number(of.again?.bytes ?? 0n),
      hasNoise: session.shell === "fish" && this.#told === 0,
      part: (value) => ctx.more({ case: "run", value }),
    });
  }

  /**
   * `type`: types it, unless nobody follows it any more (`left`) by the time that it could be; not given for one that is typed already.
   * Resolves with null if no shim ever saw it (core/command Q2).
   */
  follow(type?: (fail: (fault: unknown) => void, left: AbortSignal) => void): Promise<Result | null> {
    const { host, signal } = this.#ctx;
    const session = this.#session;
    const left = new AbortController();
    return new Promise<Result | null>((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
      this.#stops.push(
        session.commands.listenToRuns((news) => {
          if (news.known.key === this.#of.key) this.#on(news);
        }),
      );
      this.#stops.push(
        session.listen((_entry, body) => {
          // Marks in these bytes are read right after them: look once they have been.
          if (body?.case === "output") host.ports.defer(() => this.#hand());
          if (body?.case === "redacted") this.#teller.erased();
        }),
      );
      const { deadline } = this.#of;
      if (deadline !== null) this.#stops.push(host.ports.wakeAt(deadline, () => this.#giveUp("timed_out")));
      const gone = (): void => this.#giveUp("interrupted");
      signal.addEventListener("abort", gone, { once: true });
      this.#stops.push(() => signal.removeEventListener("abort", gone));
      if (type) type((fault) => this.#over(() => reject(fault)), left.signal);
      else this.#takeUp();
      if (signal.aborted) gone();
    }).finally(() => {
      this.#isOver = true;
      left.abort();
      this.#stopLater?.();
      this.#stopPrompt?.();
      for (const stop of this.#stops.splice(0)) stop();
    });
  }

  /** As it is now: not every step of it is news. One that is over may be kept no longer than it takes to tell. */
  get #known(): command.KnownRun | null {
    return (this.#last = this.#session.commands.run(this.#of.key) ?? this.#last);
  }

  /** What happened before this caller looked. */
  #takeUp(): void {
    const known = this.#known;
    if (!known) return this.#over(() => this.#finish(null));
    const { facts } = this.#session;
    this.#cursor = this.#told > 0 ? this.#session.seqBefore(facts.ends[0] - this.#told) : known.seq;
    if (known.end) return this.#ended(known.end);
    if (known.kept) this.#takeBack(TAKE_BACK_TRIES);
    if (known.run.phase === "between") this.#promptIsDue();
    this.#hand();
  }

  #on({ known, output }: command.RunNews): void {
    if (this.#isOver) return;
    this.#last = known;
    switch (output.kind) {
      case "started":
        return;
      case "incomplete":
      case "invalid":
        // Nobody is there to finish or mend the line: it is taken back, and said so once the shell reads anew.
        if (!this.#isTakingBack) this.#takeBack(TAKE_BACK_TRIES);
        return;
      case "told":
        return this.#promptIsDue();
      case "never_typed":
        return this.#over(() => this.#finish(null));
      case "refused":
      case "ended":
        return this.#ended(output);
    }
  }

  #ended(end: Extract<command.RunOutput, { kind: "ended" | "refused" }>): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (end.kind === "refused")
      return this.#over(() =>
        this.#fail(
          new HoldError(
            end.code === "input_cut" ? "input_cut" : "input_void",
            `the command was not typed whole into session ${this.#session.id}: the floor changed hands or an interrupt passed it`,
            { session: this.#session.id },
          ),
        ),
      );
    const kept = this.#known?.kept;
    if (kept) return this.#end(kept, null);
    this.#handAll(end.segments, () => this.#end(end.outcome === "not_run" ? "not_run" : "ended", end.exit));
  }

  /** The command has ended and its code is known: a prompt that takes long is not waited for, unless it may hide another command. */
  #promptIsDue(): void {
    if (!this.#of.isOneLine) return;
    const { clock, wakeAt } = this.#ctx.host.ports;
    this.#stopPrompt?.();
    this.#stopPrompt = wakeAt(MonotonicMs(clock.monoMs() + PROMPT_MS), () => this.#settle());
  }

  /** Whether the first command's end was told already, and with it this run's; it is told to the caller then. */
  #settle(): boolean {
    const known = this.#known;
    if (!known || !this.#of.isOneLine) return false;
    for (const output of command.stepRun(known.run, { kind: "settled" }).outputs)
      if (output.kind === "ended") {
        this.#ended(output);
        return true;
      }
    return false;
  }

  /** Nobody waits any more. A command that has ended has its code all the same; one that waits to be typed never is (F4). */
  #giveUp(state: "timed_out" | "interrupted"): void {
    if (!this.#known && state === "timed_out") return this.#over(() => this.#fail(this.#untyped()));
    if (!this.#known?.end && !this.#settle()) this.#end(state, null);
  }

  #untyped(): HoldError {
    const { id, facts } = this.#session;
    return new HoldError(
      "timed_out",
      `the command was not typed into session ${facts.name || id} in its time, and won't be: somebody's paste there has not ended`,
      { session: id },
    );
  }

  /** Ctrl-C until the shell reads anew: one that falls before its Enter, or between its prompt and its editor, is lost on it. */
  #takeBack(tries: number): void {
    this.#isTakingBack = true;
    // Somebody else has finished the line: what it is now is theirs.
    if (this.#known?.run.phase === "running") return;
    if (tries === 0) return this.#end(this.#known?.kept ?? "incomplete", null);
    this.#interrupt();
    const { clock, wakeAt } = this.#ctx.host.ports;
    this.#stops.push(wakeAt(MonotonicMs(clock.monoMs() + TAKE_BACK_MS), () => this.#takeBack(tries - 1)));
  }

  /** Ctrl-C, by the same operator. */
  #interrupt(): void {
    const { host, operator, via } = this.#ctx;
    this.#session.offer(
      operator,
      via,
      null,
      `${operator.id}/${host.ports.newId(16)}`,
      create(InputSchema, { n: 1n, data: Uint8Array.of(3), interrupt: true }),
      () => {},
      // Part of what was admitted: a line that nobody finishes is taken back.
      { pass: FREE },
    );
  }

  /** Hands over what has come: closed segments whole, the open one up to where a mark may be arriving. */
  #hand(): void {
    const run = this.#known?.run;
    if (this.#isEnding || this.#isOver || (run?.phase !== "running" && run?.phase !== "between")) return;
    this.#handSegments(run.segments);
    if (run.openOffset === null) return;
    this.#told = Math.max(this.#told, run.openOffset);
    this.#handTo(this.#session.commands.toldApart);
    if (this.#isFull) this.#later(() => this.#hand());
  }

  /** F2, of what is left after the command's end; who has left and reads no more is sent no more. */
  #handAll(segments: readonly command.Segment[], then: () => void): void {
    this.#handSegments(segments);
    if (this.#isFull && !this.#ctx.signal.aborted) this.#later(() => this.#handAll(segments, then));
    else then();
  }

  #later(run: () => void): void {
    this.#stopLater?.();
    const { clock, wakeAt } = this.#ctx.host.ports;
    this.#stopLater = wakeAt(MonotonicMs(clock.monoMs() + ROOM_MS), () => {
      this.#stopLater = null;
      run();
    });
  }

  #handSegments(segments: readonly command.Segment[]): void {
    for (const { from, to } of segments) {
      this.#told = Math.max(this.#told, from);
      this.#handTo(to);
      if (this.#isFull) return;
      this.#lose(to);
    }
  }

  /** F3: up to here there is nothing more to be had. */
  #lose(to: number): void {
    this.#teller.lose(Math.max(0, to - this.#told));
    this.#told = Math.max(this.#told, to);
  }

  #handTo(to: number): void {
    this.#isFull = false;
    while (this.#told < to) {
      this.#isFull = !this.#ctx.hasRoom();
      if (this.#isFull) return;
      const items = this.#session.read(this.#cursor, READ_BYTES);
      if (items.length === 0) return;
      for (const item of items) {
        if ("gap" in item) {
          this.#cursor = item.toSeq;
          continue;
        }
        const { entry } = item;
        const after = entry.offset + entry.payloadBytes;
        if (entry.kind !== OUTPUT_KIND || entry.stream !== 0 || after <= this.#told) {
          this.#cursor = entry.seq;
          continue;
        }
        if (entry.offset >= to) return;
        this.#lose(entry.offset);
        const end = Math.min(to, after);
        if (entry.payload.length < entry.payloadBytes) this.#lose(end);
        else {
          const bytes = entry.payload.subarray(this.#told - entry.offset, end - entry.offset);
          this.#told += bytes.length;
          this.#teller.take(bytes, this.#told, entry.seq);
        }
        if (this.#told < after) return;
        this.#cursor = entry.seq;
      }
    }
  }

  #end(state: string, code: number | null): void {
    this.#teller.finish();
    const last: Result = {
      case: "run",
      value: create(RunAnswerSchema, {
        state,
        fromOffset: BigInt(this.#known?.from ?? 0),
        toOffset: BigInt(this.#told),
        seq: BigInt(this.#session.facts.seq),
        omittedBytes: BigInt(this.#teller.omitted),
        maskedBytes: BigInt(this.#teller.masked),
        ...(code === null ? {} : { code }),
      }),
    };
    this.#over(() => this.#finish(last));
  }

  #over(then: () => void): void {
    this.#isOver = true;
    then();
  }
}
