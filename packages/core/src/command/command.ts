/**
 * What a session's shell is doing, as a fold over its marks and over the inputs that were applied to its terminal.
 *
 *   C1  A line is empty only if facts say so: the editor reads, and nothing was typed since it began to.
 *   C2  An exit is a number only if the shell told it for this very command; otherwise null.
 *   C3  Offsets decide what came first, not the order in which facts arrive: an input's own offset says whether the
 *       editor had been seen to read when it was written.
 *   C4  Without marks (another program, a nested shell, ssh) a line is taken to be dirty unless the last byte ended or erased it,
 *       or who typed it handed the floor over: nobody else can know what stands there.
 *   C5  What was typed ahead of a prompt counts as dirt until the editor was seen to sleep with nothing left to read.
 * Elsewhere: one `hold run` (run.ts); what a program waits for (activity/).
 */
import type { Offset, OperatorId, UnixMs } from "../id.ts";
import { Offset as asOffset, TERMINAL_ACTOR } from "../id.ts";
import type { Mark } from "./marks.ts";

export type ShellPhase = "unknown" | "prompt" | "editing" | "continuation" | "running";

export interface RunningCommand {
  /** Where its line was accepted, and its first byte of output. */
  readonly startOffset: Offset;
  readonly outputOffset: Offset;
  /** As the shell tells it (bash joins lines as its history does, and cuts at 4,096 characters); null if it can't. */
  readonly text: string | null;
  readonly startedAt: UnixMs;
}

export interface EndedCommand extends RunningCommand {
  readonly exit: number | null;
  /** After its last byte of output. */
  readonly endOffset: Offset;
  readonly endedAt: UnixMs;
}

export interface ShellState {
  readonly phase: ShellPhase;
  /** A mark was seen in this incarnation: the shell is integrated. */
  readonly integrated: boolean;
  readonly cwd: string | null;
  readonly bracketedPaste: boolean;
  readonly command: RunningCommand | null;
  readonly last: EndedCommand | null;
  /** Where the editor last began to read. */
  readonly readyOffset: Offset;
  readonly line: Line;
  /** The history number that the next command will get, where the shell counts (bash). */
  readonly historyNumber: number | null;
}

/** What is known of the line being typed. */
interface Line {
  /** Who typed last since the editor began to read, on a line that is not empty; null if it is. */
  readonly by: OperatorId | null;
  /** Something other than plain text was typed since, so Ctrl-U may not erase all of it. */
  readonly edited: boolean;
  /** Typed before the editor read: perhaps taken by the program that ran, perhaps now on the line. */
  readonly ahead: OperatorId | null;
  /** Who typed after the last byte that ended or erased a line, wherever it went. */
  readonly tail: OperatorId | null;
}

const emptyLine: Line = { by: null, edited: false, ahead: null, tail: null };

export const unknownShell: ShellState = {
  phase: "unknown",
  integrated: false,
  cwd: null,
  bracketedPaste: false,
  command: null,
  last: null,
  readyOffset: asOffset(0),
  line: emptyLine,
  historyNumber: null,
};

export type ShellFact =
  | { readonly kind: "mark"; readonly mark: Mark; readonly at: UnixMs }
  /** Bytes that the terminal took, all of a frame or what was written of it before a cut, when `outputOffset` bytes of output had been read. */
  | { readonly kind: "input"; readonly by: OperatorId; readonly bytes: Uint8Array; readonly outputOffset: Offset }
  /** C5: the shell sleeps and no typed byte waits to be read. `echoed`: something was printed since the editor began to read (noise.ts). */
  | { readonly kind: "quiet"; readonly echoed: boolean }
  /** C4: this operator passed the floor on. */
  | { readonly kind: "handed_over"; readonly by: OperatorId }
  /** The program ended; `exit` is the session's own. */
  | { readonly kind: "exited"; readonly exit: number | null; readonly outputOffset: Offset; readonly at: UnixMs };

export function applyShell(state: ShellState, fact: ShellFact): ShellState {
  switch (fact.kind) {
    case "mark":
      return applyMark({ ...state, integrated: true }, fact.mark, fact.at);
    case "input":
      return applyInput(state, fact);
    case "quiet": {
      if (!isDoubtful(state)) return state;
      const by = fact.echoed ? state.line.ahead : null;
      return { ...state, line: { ...state.line, by, ahead: null, tail: by } };
    }
    case "handed_over":
      return reads(state) || state.line.tail !== fact.by ? state : { ...state, line: { ...state.line, tail: null } };
    case "exited": {
      const { command } = state;
      const last = command ? { ...command, exit: fact.exit, endOffset: fact.outputOffset, endedAt: fact.at } : state.last;
      return { ...state, phase: "unknown", command: null, last, line: emptyLine };
    }
  }
}

function applyMark(state: ShellState, mark: Mark, at: UnixMs): ShellState {
  switch (mark.kind) {
    case "cwd":
      return { ...state, cwd: mark.cwd };
    case "prompt":
      return { ...endCommand(state, mark, mark.exit, at), phase: "prompt" };
    case "ready": {
      // A prompt without the end of the command that ran before it: the shell lost track, so we do not know how it ended.
      const ended = endCommand(state, mark, null, at);
      const line = { ...emptyLine, ahead: state.line.tail, tail: state.line.tail };
      return {
        ...ended,
        phase: "editing",
        readyOffset: mark.endOffset,
        line,
        bracketedPaste: mark.bracketedPaste,
        historyNumber: mark.historyNumber,
      };
    }
    case "continuation":
      return {
        ...state,
        phase: "continuation",
        readyOffset: mark.endOffset,
        line: { ...emptyLine, ahead: state.line.tail, tail: state.line.tail },
      };
    case "validity":
      return mark.validity === "incomplete" ? { ...state, phase: "continuation" } : state;
    case "start": {
      const stale = mark.historyNumber !== null && state.historyNumber !== null && mark.historyNumber < state.historyNumber;
      const command = {
        startOffset: state.command?.startOffset ?? mark.startOffset,
        outputOffset: mark.endOffset,
        text: stale ? null : mark.text,
        startedAt: at,
      };
      return { ...state, phase: "running", command };
    }
    case "end":
      return { ...endCommand(state, mark, mark.exit, at), phase: "prompt" };
  }
}

function endCommand(state: ShellState, mark: Mark, exit: number | null, at: UnixMs): ShellState {
  if (!state.command) return state;
  return { ...state, command: null, last: { ...state.command, exit, endOffset: mark.startOffset, endedAt: at } };
}

function applyInput(state: ShellState, { by, bytes, outputOffset }: Extract<ShellFact, { kind: "input" }>): ShellState {
  // The terminal model's answers to queries are read by the program and never stand on a line.
  if (by === TERMINAL_ACTOR || bytes.length === 0) return state;
  const tail = endsLine(bytes) ? null : by;
  const line = { ...state.line, tail };
  if (!reads(state)) return { ...state, line };
  if (outputOffset < state.readyOffset) return { ...state, line: { ...line, ahead: tail ?? line.ahead } };
  const edited = line.edited || !isPlain(bytes);
  const isErased = bytes[bytes.length - 1] === 0x15 && !edited;
  return { ...state, line: { ...line, by: isErased ? null : by, edited, ahead: isErased ? null : line.ahead } };
}

const PLAIN_BYTES = 4_096;

function reads(state: ShellState): boolean {
  return state.phase === "editing" || state.phase === "continuation";
}

/** C4: Enter, newline, Ctrl-C, Ctrl-U or Ctrl-D came last. */
function endsLine(bytes: Uint8Array): boolean {
  const last = bytes[bytes.length - 1];
  return last === 0x0d || last === 0x0a || last === 0x03 || last === 0x15 || last === 0x04;
}

/** Text, with Ctrl-U, Backspace and DEL: nothing that moves the cursor or calls a line up. Of a long paste it is not asked. */
function isPlain(bytes: Uint8Array): boolean {
  return bytes.length <= PLAIN_BYTES && bytes.every((b) => b >= 0x20 || b === 0x15 || b === 0x08);
}

/**
 * Who may have typed on the line that is not finished; null when it is surely empty: the floor's `LineDirt`.
 *
 * What was typed while a program ran may have been read by it (`q` in less) or wait on the line now: it counts until {@link isDoubtful}
 * is settled.
 */
export function lineDirt(state: ShellState): OperatorId | null {
  return reads(state) ? (state.line.by ?? state.line.ahead) : state.line.tail;
}

/**
 * Something was typed ahead, and the editor may be about to echo it. The host that wants to know probes the terminal until its input
 * queue is empty and the shell sleeps, has read what was printed by then, and tells it as `quiet`. fish draws its prompt after it says
 * that it reads, so there something was always printed.
 */
export function isDoubtful(state: ShellState): boolean {
  return reads(state) && state.line.by === null && state.line.ahead !== null;
}

export type RunRefusal = "no_integration" | "not_at_prompt" | "incomplete_command" | "line_not_empty";

/** Why a command can't be typed now, or null if it can. A doubt counts against it ({@link isDoubtful}). */
export function refuseRun(state: ShellState): RunRefusal | null {
  if (!state.integrated) return "no_integration";
  if (state.phase === "continuation") return "incomplete_command";
  if (state.phase !== "editing") return "not_at_prompt";
  return lineDirt(state) === null ? null : "line_not_empty";
}
