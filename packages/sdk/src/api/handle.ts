/** Sessions as most programs want them (session.ts): methods on the session, attachments as async iterables, refusals as values. */
import type { Code, Event, Exit, Floor, Presence, ScreenAnswer, Session, WaitAnswer } from "@holdfast/protocol";
import type { AttachOptions, Attachment, Gap, InputOptions, InputOutcome, Output, Snapshot } from "./attach.ts";
import type { Files, FileState, WriteOptions } from "./files.ts";
import type { Entry, ReadOptions } from "./journal.ts";
import type { ListeningPort, PortStream } from "./port.ts";
import type { ExecOptions, ExecResult, OpenSpec, RunOptions, RunResult, ScreenOptions, SendOptions, WaitSpec } from "./work.ts";

/** What the host refuses, as a value (session.ts H1). `details` names what the text names: `holder`, `session`, `right`, … */
export interface Refused {
  readonly ok: false;
  readonly code: Code;
  readonly message: string;
  readonly details: Readonly<Record<string, string>>;
}
export type Told<T> = ({ readonly ok: true } & T) | Refused;

export interface Sessions {
  /** Opens a session; with `attachIfLives` the one of that name that lives. */
  open(spec?: OpenSpec): Promise<SessionHandle>;
  list(options?: { readonly all?: boolean; readonly group?: string }): Promise<SessionHandle[]>;
  /** By id, unique prefix of one, or name. Throws `no_such_session`. */
  get(session: string): Promise<SessionHandle>;
}

export interface AttachWish extends Pick<AttachOptions, "observe" | "take" | "size" | "noOutput"> {
  /** `now` (default): the screen first, then what follows; a loop that is far behind gets the screen again. A seq: everything after that, never skipping; 0: from the first kept. */
  readonly from?: number | bigint | "now";
  readonly signal?: AbortSignal;
}

/** What an attachment tells, in order. `snapshot`: draw this on a terminal that is reset first. */
export type AttachedItem =
  | ({ readonly type: "snapshot" } & Snapshot)
  | ({ readonly type: "output" } & Output)
  | { readonly type: "event"; readonly event: Event }
  | ({ readonly type: "gap" } & Gap)
  | { readonly type: "floor"; readonly floor: Floor; readonly why: string; readonly by: string }
  | { readonly type: "presence"; readonly operators: readonly Presence[] }
  | { readonly type: "link"; readonly state: "attached" | "offline"; readonly resumed: boolean };

export interface AttachedSession extends AsyncIterable<AttachedItem> {
  /** Resolves when it is attached; rejects with why it is not. */
  readonly ready: Promise<Attachment>;
  /** One input over this attachment. */
  send(input: string | Uint8Array, options?: InputOptions): Promise<Told<InputOutcome>>;
  detach(): Promise<void>;
}

/** {@link Files}; a write that may not be, or that found another file than was read (`file_changed`), is told as a value. */
export interface SessionFiles extends Omit<Files, "write"> {
  write(path: string, content: Uint8Array | AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<Told<FileState>>;
}

export interface SessionHandle {
  readonly id: string;
  readonly name: string;
  /** As of the last look. */
  readonly info: Session;
  /** Looks again. */
  look(): Promise<Session>;
  attach(wish?: AttachWish): AttachedSession;
  /** One atomic input without an attachment. */
  send(input: string | Uint8Array, options?: SendOptions): Promise<Told<InputOutcome>>;
  /** Types one command into the session's shell and waits for its end. A text is the shell's; words are quoted one by one. `output` is the last `maxBytes` of it, 1 MiB by default. */
  run(
    command: string | readonly string[],
    options?: Omit<RunOptions, "output">,
  ): Promise<Told<RunResult & { readonly output: Uint8Array }>>;
  /** Runs an argv beside the terminal, stdout and stderr apart: all of each, so for what prints much give `client.exec` a sink. */
  exec(
    argv: readonly string[],
    options?: Omit<ExecOptions, "output">,
  ): Promise<Told<ExecResult & { readonly stdout: Uint8Array; readonly stderr: Uint8Array }>>;
  wait(spec: WaitSpec, signal?: AbortSignal): Promise<WaitAnswer>;
  screen(options?: ScreenOptions): Promise<ScreenAnswer>;
  /** The journal: who did what, and what was printed. */
  log(options?: ReadOptions): AsyncIterable<Entry>;
  takeFloor(): Promise<Told<{ readonly floor: Floor }>>;
  releaseFloor(): Promise<Told<{ readonly floor: Floor }>>;
  passFloor(operator: string): Promise<Told<{ readonly floor: Floor }>>;
  readonly files: SessionFiles;
  ports(): Promise<readonly ListeningPort[]>;
  /** One TCP connection to it, as of `client.connectPort`. On Node, `forward` of sdk/node makes it a port of this machine. */
  connectPort(port: number): Promise<Told<{ readonly stream: PortStream }>>;
  /** Ends it: asks first, forces after `graceMs` (default 5,000). Resolves when it has ended, with how. */
  kill(graceMs?: number): Promise<Told<{ readonly exit: Exit | undefined }>>;
}
