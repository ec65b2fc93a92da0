/**
 * What the session's shell is doing: feeds core/command from output and settled inputs, and turns its marks into records.
 * Without shell integration it still knows whether a line is half typed.
 */
import { command, HOST_RESTART, Offset, type Outcome, Seq, UnixMs } from "@holdfast/core";
import { create, EventBody_CommandEndedSchema, EventBody_CommandStartedSchema, type InputStatus } from "@holdfast/protocol";
import type { Entry } from "../journal/journal.ts";
import type { Body } from "./record.ts";

type Mark = command.Mark;

/** Told of each mark after it was applied: for `hold wait`, and for who waits until the shell reads. */
export type MarkListener = (mark: Mark) => void;
/** Told what happens to a run of this session, after it was folded. */
export type RunListener = (news: command.RunNews) => void;

export interface SavedCommands {
  readonly state: command.ShellState;
  readonly end: Offset;
  readonly nonce: string;
  readonly lastCount: number;
  /** All three absent in what an older host saved. A mark that was half read, a character a byte. */
  readonly held?: string;
  readonly runs?: readonly command.KnownRun[];
  /** Inputs under way, without their bytes: those may be a secret, which is to be nowhere but in its record. */
  readonly pending?: readonly number[];
}

/** Of what is printed behind a prompt, enough to tell an echo. */
const SHOWN_BYTES = 64;

export class CommandWatch {
  #scanner: command.MarkScanner | null = null;
  #state: command.ShellState = command.unknownShell;
  #end = Offset(0);
  #shown: { readonly from: number; readonly bytes: Uint8Array } = { from: -1, bytes: new Uint8Array(0) };
  /** Inputs given to the shim and not settled, with who typed what: they count as typed already. */
  readonly #pending = new Map<number, { readonly by: string; readonly bytes: Uint8Array }>();
  readonly #listeners = new Set<MarkListener>();
  readonly #runListeners = new Set<RunListener>();
  #runs = new command.Runs();
  readonly #now: () => number;
  #nonce = "";

  constructor(now: () => number, saved: SavedCommands | null = null) {
    this.#now = now;
    if (!saved) return;
    this.#state = saved.state;
    this.#end = saved.end;
    const held = Buffer.from(saved.held ?? "", "latin1");
    if (saved.nonce) this.#scanner = new command.MarkScanner(saved.nonce, saved.lastCount, held);
    this.#nonce = saved.nonce;
    this.#runs = new command.Runs(saved.runs);
  }

  /** The session was opened: its shell carries this nonce in its marks. */
  opened(integrated: boolean, nonce: string): void {
    if (!integrated || !command.isNonce(nonce)) return;
    this.#nonce = nonce;
    this.#scanner = new command.MarkScanner(nonce);
  }

  /** What a restarted host needs to go on from here. */
  save(): SavedCommands {
    return {
      state: this.#state,
      end: this.#end,
      nonce: this.#nonce,
      lastCount: this.#scanner?.lastCount ?? 0,
      held: Buffer.from(this.#scanner?.held ?? []).toString("latin1"),
      runs: this.#runs.save(),
      pending: [...this.#pending.keys()],
    };
  }

  /** Follows a record of the journal, while a restarted host reads what its predecessor wrote. */
  follow(entry: Entry, body: Body | null): void {
    if (body?.case === "opened") this.opened(body.value.shellIntegrated, body.value.nonce);
    else if (body?.case === "output" && entry.stream !== 2) this.output(entry.payload, entry.offset);
    else if (body?.case === "input") {
      const { writer, n, run } = body.value;
      this.input(entry.seq, entry.actor, entry.payload, run ? command.runKey(writer, n) : null);
    } else if (body?.case === "inputSettled") this.settled(outcomeOf(body.value), Number(body.value.outputOffset));
    else if (body?.case === "exited") this.exited(body.value.exit?.code ?? null);
    else if (body?.case === "ended") this.exited(null);
    else if (body?.case === "floorChanged" && body.value.reason === "passed") this.handedOver(body.value.from);
  }

  get state(): command.ShellState {
    return this.#state;
  }

  get outputEnd(): Offset {
    return this.#end;
  }

  /** Up to here it is known what is a mark and what is not: behind it one may be arriving. */
  get toldApart(): Offset {
    return Offset(this.#end - (this.#scanner?.held.length ?? 0));
  }

  /** The run that was typed with this key (core/command Q1). */
  run(key: string): command.KnownRun | null {
    return this.#runs.find(key);
  }

  listenToRuns(listener: RunListener): () => void {
    this.#runListeners.add(listener);
    return () => this.#runListeners.delete(listener);
  }

  #tell(news: readonly command.RunNews[]): void {
    for (const one of news) for (const listener of this.#runListeners) listener(one);
  }

  listen(listener: MarkListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Output of stream 0. The bodies are to be recorded right after it. */
  output(bytes: Uint8Array, offset: number): Body[] {
    this.#end = Offset(offset + bytes.length);
    if (!this.#scanner) return [];
    const bodies: Body[] = [];
    for (const mark of this.#scanner.push(Offset(offset), bytes)) {
      const before = this.#state;
      this.#state = command.applyShell(before, { kind: "mark", mark, at: UnixMs(this.#now()) });
      const { command: running, last } = this.#state;
      if (running && mark.kind === "start") {
        bodies.push({
          case: "commandStarted",
          value: create(EventBody_CommandStartedSchema, {
            text: running.text ?? "",
            outputOffset: BigInt(running.outputOffset),
            cwd: this.#state.cwd ?? "",
            count: BigInt(mark.count),
          }),
        });
      }
      if (last && last !== before.last) {
        bodies.push({
          case: "commandEnded",
          value: create(EventBody_CommandEndedSchema, {
            outputOffset: BigInt(last.endOffset),
            startedOffset: BigInt(last.outputOffset),
            count: BigInt(mark.count),
            ...(last.exit === null ? {} : { code: last.exit }),
          }),
        });
      }
      this.#tell(this.#runs.told({ kind: "mark", mark }));
      for (const listener of this.#listeners) listener(mark);
    }
    this.#keepShown(bytes, offset);
    return bodies;
  }

  /** An input is on its way to the terminal. `run`: the key of the command that it is. */
  input(seq: number, by: string, bytes: Uint8Array, run: string | null): void {
    this.#pending.set(seq, { by, bytes: Uint8Array.prototype.slice.call(bytes) });
    if (run !== null) this.#runs.typed(run, Seq(seq));
  }

  /** What the terminal took of it; an interrupt that was applied did what it was for, were it a signal. May be told twice. */
  settled({ seq, status, bytes, refusal }: Outcome, outputOffset: number): void {
    const pending = this.#pending.get(seq);
    this.#pending.delete(seq);
    const written = status === "applied" ? Infinity : bytes;
    if (pending && written > 0)
      this.#state = command.applyShell(this.#state, {
        kind: "input",
        by: pending.by,
        bytes: written < pending.bytes.length ? pending.bytes.subarray(0, written) : pending.bytes,
        outputOffset: Offset(outputOffset),
      });
    const isUnseen = status === "void" && refusal === HOST_RESTART;
    this.#tell(
      isUnseen
        ? this.#runs.neverTyped(seq)
        : this.#runs.settled(seq, { kind: "input", status, outputOffset: Offset(outputOffset) }),
    );
  }

  /** The session's program is gone. */
  exited(code: number | null): void {
    this.#tell(this.#runs.told({ kind: "exited", code, outputOffset: this.#end }));
  }

  /** The editor sleeps, nothing waits to be read, and what it printed has come. */
  quiet(): void {
    const { readyOffset } = this.#state;
    // What a host before this one saw printed behind the prompt is not known here.
    const echoed = this.#shown.from === readyOffset ? command.echoes(this.#shown.bytes) : this.#end > readyOffset;
    this.#state = command.applyShell(this.#state, { kind: "quiet", echoed });
  }

  /** The first bytes behind the prompt. */
  #keepShown(bytes: Uint8Array, offset: number): void {
    const { phase, readyOffset } = this.#state;
    if (phase !== "editing" && phase !== "continuation") return;
    if (this.#shown.from !== readyOffset && readyOffset >= offset) this.#shown = { from: readyOffset, bytes: new Uint8Array(0) };
    if (this.#shown.bytes.length >= SHOWN_BYTES) return;
    const more = bytes.subarray(Math.max(0, readyOffset - offset));
    this.#shown = { from: this.#shown.from, bytes: Buffer.concat([this.#shown.bytes, more]).subarray(0, SHOWN_BYTES) };
  }

  /** This operator has passed the floor on. */
  handedOver(by: string): void {
    this.#state = command.applyShell(this.#state, { kind: "handed_over", by });
  }

  /** As if the terminal had taken all that is under way. */
  get stateToCome(): command.ShellState {
    let state = this.#state;
    for (const { by, bytes } of this.#pending.values())
      state = command.applyShell(state, { kind: "input", by, bytes, outputOffset: this.#end });
    return state;
  }

  /** Who may have typed on the line that is not finished; null when it is surely empty. Counts what is under way. */
  get lineDirty(): string | null {
    return command.lineDirt(this.stateToCome);
  }
}

/** As the record of a settlement has it. */
export function outcomeOf(v: { inputSeq: bigint; status: InputStatus; bytes: number; refusal: string }): Outcome {
  const status = (["applied", "applied", "refused", "void", "cut"] as const)[v.status] ?? "void";
  return { seq: Seq(Number(v.inputSeq)), status, bytes: v.bytes, refusal: v.refusal };
}
