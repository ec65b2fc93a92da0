/**
 * What a session's shell is doing, as a fold over its marks and over the inputs that were applied to its terminal.
 *
 *   C1  A line is empty only if facts say so: the editor reads, and nothing was typed since it began to.
 *   C2  An exit is a number only if the shell told it for this very command; otherwise null.
 *   C3  Offsets decide what came first, not the order in which facts arrive: an input's own offset says whether the
 *       editor had been seen to read when it was written.
 *   C4  Without marks (another program, a nested shell, ssh) a line is taken to be dirty unless the last byte ended or erased it.
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
  /** Bytes that the terminal took, when `outputOffset` bytes of output had been read. */
  | { readonly kind: "input"; readonly by: OperatorId; readonly bytes: Uint8Array; readonly outputOffset: Offset }
  /** The program ended; `exit` is the session's own. */
  | { readonly kind: "exited"; readonly exit: number | null; readonly outputOffset: Offset; readonly at: UnixMs };

export function applyShell(state: ShellState, fact: ShellFact): ShellState {
  switch (fact.kind) {
    case "mark":
      return applyMark({ ...state, integrated: true }, fact.mark, fact.at);
    case "input":
      return applyInput(state, fact);
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

function reads(state: ShellState): boolean {
  return state.phase === "editing" || state.phase === "continuation";
}

/** C4: Enter, newline, Ctrl-C, Ctrl-U or Ctrl-D came last. */
function endsLine(bytes: Uint8Array): boolean {
  const last = bytes[bytes.length - 1];
  return last === 0x0d || last === 0x0a || last === 0x03 || last === 0x15 || last === 0x04;
}

/** Text, with Ctrl-U, Backspace and DEL: nothing that moves the cursor or calls a line up. */
function isPlain(bytes: Uint8Array): boolean {
  return bytes.every((b) => b >= 0x20 || b === 0x15 || b === 0x08);
}

/**
 * Who typed on the line that is not finished, or null when it is empty: the floor's `LineDirt`.
 *
 * What was typed while a program ran may have been read by it (`q` in less) or wait on the line now. The editor echoes
 * what waits, so it counts as dirt only if something was printed since the editor began to read: `outputEnd` is
 * the end of the session's output. fish draws its prompt after that point, so there it always counts.
 */
export function lineDirt(state: ShellState, outputEnd: Offset): OperatorId | null {
  const { line } = state;
  if (!reads(state)) return line.tail;
  if (line.by !== null || line.ahead === null) return line.by;
  return outputEnd > state.readyOffset + editorNoiseBytes ? line.ahead : null;
}

/**
 * Something was typed ahead, and the editor may be about to echo it: before relying on {@link lineDirt}, the host probes
 * the terminal until its input queue is empty and the shell sleeps, and has read what was printed by then.
 */
export function isDoubtful(state: ShellState): boolean {
  return reads(state) && state.line.by === null && state.line.ahead !== null;
}

/** zsh switches bracketed paste on (`ESC [ ? 2004 h`) after it says that it reads. */
const editorNoiseBytes = 8;

export type RunRefusal = "no_integration" | "not_at_prompt" | "incomplete_command" | "line_not_empty";

/** Why a command can't be typed now, or null if it can. */
export function refuseRun(state: ShellState, outputEnd: Offset): RunRefusal | null {
  if (!state.integrated) return "no_integration";
  if (state.phase === "continuation") return "incomplete_command";
  if (state.phase !== "editing") return "not_at_prompt";
  return lineDirt(state, outputEnd) === null ? null : "line_not_empty";
}
