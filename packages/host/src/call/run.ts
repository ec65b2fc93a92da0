/**
 * `hold run`: types one command into the session's shell when its line is empty, and waits for its end by the shell's own marks.
 * Output is read from the journal by offset, between marks, so nothing of ours and no prompt is in it.
 */
import { command, MonotonicMs, Offset } from "@holdfast/core";
import { create, FloorVerb, HoldError, InputSchema, InputStatus, RunAnswerSchema } from "@holdfast/protocol";
import { type Act, commandOf } from "../approval/gate.ts";
import type { Tell } from "../session/inputs.ts";
import { quoteWords, wrapCommand } from "../shell/index.ts";
import { OUTPUT_KIND } from "../session/record.ts";
import type { LiveSession } from "../session/session.ts";
import { FREE, type Pass } from "../session/typing.ts";
import { type CallContext, demandCaller, type Result, type Verb } from "./context.ts";
import { floorCommand } from "./floor-command.ts";
import { checkWriter } from "./sessions.ts";

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const READ_BYTES = 256 * 1024;
/** How soon a line that stays in the editor is interrupted again, and how often before it is given up. */
const TAKE_BACK_MS = 300;
const TAKE_BACK_TRIES = 10;
/** How long the prompt after a command may take, so that what it tells (folder, environment) is there for the caller's next step. */
const PROMPT_MS = 1_000;
/** A shell with slow start-up files. */
const SHELL_STARTS_MS = 15_000;
/** How soon a caller that does not keep up is looked at again. */
const ROOM_MS = 20;

export async function runCall(ctx: CallContext, call: Verb<"run">): Promise<Result> {
  const { host, operator, via } = ctx;
  const session = host.find(call.session);
  const label = `session ${session.facts.name} (${session.id})`;
  if (session.isOver) throw new HoldError("session_ended", `${label} has ended`, { session: session.id });
  await shellReads(ctx, session);
  // What was typed while a program ran may be about to be echoed.
  if (session.doubt.isOpen) await session.doubt.settled();
  const { state } = session.commands;
  refuseRun(session, label);
  const shell = session.shell;
  const text = call.words.length > 0 ? (call.words.length === 1 ? call.words[0]! : quoteWords(shell, call.words)) : call.text;
  if (text.trim() === "") throw new HoldError("usage", "hold run SESSION -- CMD…: no command given");
  const bytes = wrapCommand(shell, text, { bracketedPaste: state.bracketedPaste });
  if (!bytes)
    throw new HoldError("bad_request", "that command can't be typed: it holds a NUL byte or the sequence that ends a paste");
  if (call.take) session.changeFloor(floorCommand(host, session, operator, "", FloorVerb.TAKE, ""), { id: operator.id, via });
  const askedAt = host.ports.clock.monoMs();
  const pass = await admitted(ctx, session, call, text, bytes);
  if (pass !== FREE) {
    if (call.timeoutMs !== undefined) {
      const leftMs = Number(call.timeoutMs) - (host.ports.clock.monoMs() - askedAt);
      call = { ...call, timeoutMs: BigInt(Math.max(0, Math.trunc(leftMs))) };
    }
    // A person was asked, and the shell may have gone on meanwhile.
    refuseRun(session, label);
    if (session.commands.state.bracketedPaste !== state.bracketedPaste)
      throw new HoldError("approval_void", `the shell of ${label} reads otherwise than when a person was asked; ask again`, {
        session: session.id,
      });
  }
  demandCaller(ctx.signal);
  const isOneLine = !text.trimEnd().includes("\n");
  return new Run(ctx, session, Number(call.maxBytes) || DEFAULT_MAX_BYTES, isOneLine).start(bytes, call, pass);
}

function refuseRun(session: LiveSession, label: string): void {
  const refusal = command.refuseRun(session.commands.state);
  if (refusal)
    throw new HoldError(refusal, refusalText(refusal, label, session), {
      session: session.id,
      ...(refusal === "line_not_empty" && session.lineDirty ? { typist: session.lineDirty } : {}),
    });
}

/** What the policy has to say, of an AI. Its caller's patience counts from here on. */
async function admitted(
  { host, operator, via, signal }: CallContext,
  session: LiveSession,
  call: Verb<"run">,
  text: string,
  bytes: Uint8Array,
): Promise<Pass> {
  const act: Act = {
    deed: "run",
    session,
    what: `runs in the session's shell: ${text}`,
    data: bytes,
    ...commandOf(text),
  };
  if (call.timeoutMs === undefined) return host.gate.admit(operator, via, act, signal);
  const late = new AbortController();
  const { clock, wakeAt } = host.ports;
  const stop = wakeAt(MonotonicMs(clock.monoMs() + Number(call.timeoutMs)), () => late.abort());
  try {
    return await host.gate.admit(operator, via, act, AbortSignal.any([signal, late.signal]));
  } finally {
    stop();
  }
}

/** A shell that has just been opened, or that is drawing its prompt, is given a moment until it reads. */
function shellReads({ host, signal }: CallContext, session: LiveSession): Promise<void> {
  const soon = (): boolean =>
    session.facts.integrated &&
    !session.isOver &&
    (session.commands.state.phase === "unknown" || session.commands.state.phase === "prompt");
  if (!soon()) return Promise.resolve();
  return new Promise((resolve) => {
    const over = (): void => {
      for (const stop of stops) stop();
      resolve();
    };
    const look = (): void => {
      if (!soon()) over();
    };
    const stops = [
      session.commands.listen(look),
      session.listen(look),
      host.ports.wakeAt((host.ports.clock.monoMs() + SHELL_STARTS_MS) as never, over),
    ];
    signal.addEventListener("abort", over, { once: true });
  });
}

class Run {
  readonly #ctx: CallContext;
  readonly #session: LiveSession;
  readonly #maxBytes: number;
  readonly #isOneLine: boolean;
  #run: command.Run = command.sentRun;
  #from = 0;
  /** Journal cursor, and the offset up to which output was handed over. */
  #cursor = 0;
  #told = 0;
  #sentBytes = 0;
  #head: Uint8Array | null;
  #omitted = 0;
  /** The editor keeps the line, and why: it is being taken back. */
  #kept: "incomplete" | "not_run" | null = null;
  #stopPrompt: (() => void) | null = null;
  /** The caller does not read as fast as the program writes. */
  #isFull = false;
  #stopLater: (() => void) | null = null;
  #fail: ((fault: unknown) => void) | null = null;
  #finish: ((result: Result) => void) | null = null;
  #stops: (() => void)[] = [];

  constructor(ctx: CallContext, session: LiveSession, maxBytes: number, isOneLine: boolean) {
    this.#ctx = ctx;
    this.#session = session;
    this.#maxBytes = maxBytes;
    this.#isOneLine = isOneLine;
    this.#head = session.shell === "fish" ? new Uint8Array(0) : null;
  }

  start(bytes: Uint8Array, call: Verb<"run">, pass: Pass): Promise<Result> {
    const { host, operator, via, signal } = this.#ctx;
    const session = this.#session;
    return new Promise<Result>((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
      this.#cursor = session.facts.seq;
      this.#stops.push(session.commands.listen((mark) => this.#step({ kind: "mark", mark })));
      this.#stops.push(
        session.listen((_entry, body) => {
          // Marks in these bytes are read right after them: look once they have been.
          if (body?.case === "output") host.ports.defer(() => this.#hand());
          if (session.isOver)
            this.#step({ kind: "exited", code: session.facts.exit?.code ?? null, outputOffset: session.facts.ends[0] });
        }),
      );
      // 0: typed, and not waited for.
      if (call.timeoutMs !== undefined) {
        const at = MonotonicMs(host.ports.clock.monoMs() + Number(call.timeoutMs));
        this.#stops.push(host.ports.wakeAt(at, () => this.#giveUp("timed_out")));
      }
      const gone = (): void => this.#giveUp("interrupted");
      signal.addEventListener("abort", gone, { once: true });
      this.#stops.push(() => signal.removeEventListener("abort", gone));
      if (call.writer) checkWriter(call.writer);
      const input = create(InputSchema, { n: call.n || 1n, data: bytes });
      const tell: Tell = (r) => {
        if (r.status === InputStatus.UNSPECIFIED) return;
        if (r.status === InputStatus.REFUSED && r.error) return this.#over(() => reject(r.error));
        const status = r.status === InputStatus.APPLIED ? "applied" : r.status === InputStatus.CUT ? "cut" : "void";
        this.#step({ kind: "input", status, outputOffset: Offset(r.outputOffset ?? session.facts.ends[0]) });
      };
      const writer = `${operator.id}/${call.writer || host.ports.newId(16)}`;
      session.offer(operator, via, null, writer, input, tell, { pass });
    }).finally(() => {
      this.#stopLater?.();
      this.#stopPrompt?.();
      for (const stop of this.#stops.splice(0)) stop();
    });
  }

  #step(fact: command.RunFact): void {
    const { run, outputs } = command.stepRun(this.#run, fact);
    this.#run = run;
    for (const out of outputs) {
      switch (out.kind) {
        case "started":
          this.#from = out.outputOffset;
          break;
        case "incomplete":
        case "invalid":
          // Nobody is there to finish or mend the line: it is taken back, and said so once the shell reads anew.
          if (this.#kept) break;
          this.#kept = out.kind === "incomplete" ? "incomplete" : "not_run";
          this.#takeBack(TAKE_BACK_TRIES);
          break;
        case "told":
          this.#promptIsDue();
          break;
        case "refused":
          this.#over(() =>
            this.#fail?.(
              new HoldError(
                out.code === "input_cut" ? "input_cut" : "input_void",
                `the command was not typed whole into session ${this.#session.id}: the floor changed hands or an interrupt passed it`,
                { session: this.#session.id },
              ),
            ),
          );
          break;
        case "ended":
          if (this.#kept) return this.#end(this.#kept, null);
          this.#handAll(out.segments, () => this.#end(out.outcome === "not_run" ? "not_run" : "ended", out.exit));
          break;
      }
    }
  }

  /** The command has ended and its code is known: a prompt that takes long is not waited for, unless it may hide another command. */
  #promptIsDue(): void {
    if (!this.#isOneLine) return;
    const { clock, wakeAt } = this.#ctx.host.ports;
    this.#stopPrompt?.();
    this.#stopPrompt = wakeAt((clock.monoMs() + PROMPT_MS) as never, () => this.#step({ kind: "settled" }));
  }

  /** Nobody waits any more. A command that has ended has its code all the same. */
  #giveUp(state: "timed_out" | "interrupted"): void {
    if (this.#isOneLine) this.#step({ kind: "settled" });
    if (this.#run.phase !== "over") this.#end(state, null);
  }

  /** Ctrl-C until the shell reads anew: one that falls before its Enter, or between its prompt and its editor, is lost on it. */
  #takeBack(tries: number): void {
    if (tries === 0) return this.#end(this.#kept ?? "incomplete", null);
    this.#interrupt();
    const { ports } = this.#ctx.host;
    this.#stops.push(ports.wakeAt(MonotonicMs(ports.clock.monoMs() + TAKE_BACK_MS), () => this.#takeBack(tries - 1)));
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
    if (this.#run.phase !== "running" && this.#run.phase !== "between") return;
    this.#handSegments(this.#run.segments);
    if (this.#run.openOffset === null) return;
    this.#told = Math.max(this.#told, this.#run.openOffset);
    this.#handTo(this.#session.commands.outputEnd, true);
    if (this.#isFull) this.#later(() => this.#hand());
  }

  /** What is left after the command's end goes at the caller's pace too: the journal keeps it meanwhile, not this process. */
  #handAll(segments: readonly command.Segment[], then: () => void): void {
    this.#handSegments(segments);
    if (this.#isFull) this.#later(() => this.#handAll(segments, then));
    else then();
  }

  #later(run: () => void): void {
    this.#stopLater?.();
    const { clock, wakeAt } = this.#ctx.host.ports;
    this.#stopLater = wakeAt((clock.monoMs() + ROOM_MS) as never, () => {
      this.#stopLater = null;
      run();
    });
  }

  #handSegments(segments: readonly command.Segment[]): void {
    for (const s of segments) {
      this.#told = Math.max(this.#told, s.from);
      this.#handTo(s.to, false);
      if (this.#isFull) return;
    }
  }

  /** `partial`: hold back an unfinished escape sequence at the end, which may be a mark. */
  #handTo(to: number, partial: boolean): void {
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
        if (entry.kind !== OUTPUT_KIND || entry.stream !== 0 || entry.offset + entry.payloadBytes <= this.#told) {
          this.#cursor = entry.seq;
          continue;
        }
        if (entry.offset >= to) return;
        const end = Math.min(to, entry.offset + entry.payloadBytes);
        let bytes = entry.payload.subarray(Math.max(0, this.#told - entry.offset), end - entry.offset);
        if (partial) bytes = bytes.subarray(0, beforeOpenEscape(bytes));
        if (bytes.length === 0) return;
        this.#tell(bytes);
        this.#told = Math.max(this.#told, entry.offset) + bytes.length;
        if (this.#told >= entry.offset + entry.payloadBytes) this.#cursor = entry.seq;
        else return;
      }
    }
  }

  /** Fish sets a title and a colour before the command's own bytes: those are taken off the head. */
  #tell(bytes: Uint8Array, isAll = false): void {
    if (this.#head) {
      this.#head = Buffer.concat([this.#head, bytes]);
      const noise = command.titleNoise(this.#head, isAll);
      if (noise === null) return;
      bytes = this.#head.subarray(noise);
      this.#head = null;
    }
    const room = Math.max(0, this.#maxBytes - this.#sentBytes);
    const shown = bytes.subarray(0, room);
    this.#omitted += bytes.length - shown.length;
    this.#sentBytes += shown.length;
    if (shown.length > 0)
      this.#ctx.more({ case: "run", value: create(RunAnswerSchema, { state: "output", output: shown.slice() }) });
  }

  #end(state: string, code: number | null): void {
    this.#tell(new Uint8Array(0), true);
    const last: Result = {
      case: "run",
      value: create(RunAnswerSchema, {
        state,
        fromOffset: BigInt(this.#from),
        toOffset: BigInt(this.#told),
        seq: BigInt(this.#session.facts.seq),
        omittedBytes: BigInt(this.#omitted),
        ...(code === null ? {} : { code }),
      }),
    };
    this.#over(() => this.#finish?.(last));
  }

  #over(then: () => void): void {
    this.#run = { phase: "over" };
    then();
  }
}

/** Length without an escape sequence that is not finished: a mark may be arriving. */
function beforeOpenEscape(bytes: Uint8Array): number {
  const esc = bytes.lastIndexOf(0x1b);
  if (esc < 0 || bytes.indexOf(0x07, esc) >= 0) return bytes.length;
  const next = bytes[esc + 1];
  // Only an OSC can be a mark; other sequences may go.
  return next === undefined || next === 0x5d ? esc : bytes.length;
}

function refusalText(code: command.RunRefusal, label: string, session: LiveSession): string {
  switch (code) {
    case "no_integration":
      return `${label} runs no shell that says when a command begins and ends; use hold exec, or hold send with hold wait`;
    case "incomplete_command":
      return `the shell of ${label} waits for the rest of a command; finish it, or press Ctrl-C there`;
    case "not_at_prompt":
      return `the shell of ${label} is running ${session.facts.running ? JSON.stringify(session.facts.running) : "something"}; hold wait ${session.facts.name} --command, or hold exec`;
    case "line_not_empty":
      return `there is half a line typed in ${label}${session.lineDirty ? ` (by ${session.lineDirty})` : ""}; send or clear it first`;
  }
}
