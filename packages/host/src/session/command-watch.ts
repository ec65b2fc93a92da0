/**
 * What the session's shell is doing: feeds core/command from output and settled inputs, and turns its marks into records.
 * Without shell integration it still knows whether a line is half typed.
 */
import { command, Offset, UnixMs } from "@holdfast/core";
import { create, EventBody_CommandEndedSchema, EventBody_CommandStartedSchema, InputStatus } from "@holdfast/protocol";
import type { Entry } from "../journal/journal.ts";
import type { Body } from "./record.ts";

type Mark = command.Mark;

/** Told of each mark after it was applied: for `hold run` and `hold wait`. */
export type MarkListener = (mark: Mark) => void;

export interface SavedCommands {
  readonly state: command.ShellState;
  readonly end: Offset;
  readonly nonce: string;
  readonly lastCount: number;
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
  readonly #now: () => number;
  #nonce = "";

  constructor(now: () => number, saved: SavedCommands | null = null) {
    this.#now = now;
    if (!saved) return;
    this.#state = saved.state;
    this.#end = saved.end;
    if (saved.nonce) this.#scanner = new command.MarkScanner(saved.nonce, saved.lastCount);
    this.#nonce = saved.nonce;
  }

  /** The session was opened: its shell carries this nonce in its marks. */
  opened(integrated: boolean, nonce: string): void {
    if (!integrated || !command.isNonce(nonce)) return;
    this.#nonce = nonce;
    this.#scanner = new command.MarkScanner(nonce);
  }

  /** What a restarted host needs to go on from here. */
  save(): SavedCommands {
    return { state: this.#state, end: this.#end, nonce: this.#nonce, lastCount: this.#scanner?.lastCount ?? 0 };
  }

  /** Follows a record of the journal, while a restarted host reads what its predecessor wrote. */
  follow(entry: Entry, body: Body | null): void {
    if (body?.case === "opened") this.opened(body.value.shellIntegrated, body.value.nonce);
    else if (body?.case === "output" && entry.stream !== 2) this.output(entry.payload, entry.offset);
    else if (body?.case === "input") this.input(entry.seq, entry.actor, entry.payload);
    else if (body?.case === "inputSettled")
      this.settled(
        Number(body.value.inputSeq),
        body.value.status === InputStatus.APPLIED ? Infinity : body.value.bytes,
        Number(body.value.outputOffset),
      );
    else if (body?.case === "floorChanged" && body.value.reason === "passed") this.handedOver(body.value.from);
  }

  get state(): command.ShellState {
    return this.#state;
  }

  get outputEnd(): Offset {
    return this.#end;
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
      for (const listener of this.#listeners) listener(mark);
    }
    this.#keepShown(bytes, offset);
    return bodies;
  }

  /** An input is on its way to the terminal. */
  input(seq: number, by: string, bytes: Uint8Array): void {
    this.#pending.set(seq, { by, bytes: Uint8Array.prototype.slice.call(bytes) });
  }

  /** `written`: bytes of it that the terminal took; Infinity: it did what it was for, were it a signal. */
  settled(seq: number, written: number, outputOffset: number): void {
    const pending = this.#pending.get(seq);
    this.#pending.delete(seq);
    if (!pending || written === 0) return;
    this.#state = command.applyShell(this.#state, {
      kind: "input",
      by: pending.by,
      bytes: written < pending.bytes.length ? pending.bytes.subarray(0, written) : pending.bytes,
      outputOffset: Offset(outputOffset),
    });
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

  /** Who may have typed on the line that is not finished; null when it is surely empty. Counts what is under way. */
  get lineDirty(): string | null {
    let state = this.#state;
    for (const { by, bytes } of this.#pending.values())
      state = command.applyShell(state, { kind: "input", by, bytes, outputOffset: this.#end });
    return command.lineDirt(state);
  }
}
