/** What is asked of a session, and how it went: opening, typing, running, waiting. */
import type { Exit } from "@holdfast/protocol";

export interface OpenSpec {
  /** Letters, digits, `.`, `_`, `-`; 64 at most. Default: after the program. */
  readonly name?: string;
  /** Default `pty`; `pipes` is a job without a terminal, stdout and stderr apart; `kernel` is a Jupyter kernel. */
  readonly kind?: "pty" | "pipes" | "kernel";
  /** Name of the kernelspec, of kind `kernel`. */
  readonly kernel?: string;
  /** Empty or absent: `shell`, integrated. */
  readonly command?: readonly string[];
  readonly shell?: string;
  /** Complete environment; default: this process's, byte for byte, and in a page that of a login on the host's machine. Like `command` and `cwd` it may hold any bytes: protocol/exact-text.ts. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Besides `env`, or in place of what that says. */
  readonly addEnv?: Readonly<Record<string, string>>;
  /** Default: this process's. */
  readonly cwd?: string;
  readonly size?: { readonly cols: number; readonly rows: number };
  /** The size stays whatever the seat's terminal is. */
  readonly pinnedSize?: { readonly cols: number; readonly rows: number };
  /** One steers at a time (default), or all type, frame by frame (default of a kernel: what is asked of it queues). */
  readonly floor?: "turn" | "open";
  /** Every input is on the disk before the program reads it. */
  readonly syncInput?: boolean;
  /** It is listed under this. */
  readonly group?: string;
  /** Ends it after so long. */
  readonly ttlMs?: number;
  /** Ends it when nothing came or went for so long. */
  readonly idleTtlMs?: number;
  /** How long an attachment whose link is lost keeps its place; default 10 min, 0: not at all, at most a day. */
  readonly graceMs?: number;
  /** The session of that name, if one lives. */
  readonly attachIfLives?: boolean;
  readonly noIntegration?: boolean;
  /** The programs get an SSH_AUTH_SOCK of the session's own; it leads to the agent of `env`, then to those of {@link AttachOptions.agentPath}. */
  readonly agentForward?: boolean;
}

export interface RunResult {
  /**
   * `incomplete`: the shell waits for more (a quote or a heredoc left open); the line was taken back. `not_run`: the shell ran
   * nothing, for a syntax error or because the line held none. Of a kernel: {@link KernelRunResult}'s, whose code is 0 or 1.
   */
  readonly state: "ended" | "not_run" | "incomplete" | "interrupted" | "timed_out" | "cancelled" | "voided" | "lost" | "unknown";
  /** null: not known. */
  readonly code: number | null;
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly omittedBytes: number;
  /** Of the output: bytes that are `*` in place of a secret that no AI is shown. */
  readonly maskedBytes: number;
  /** Where the journal stood when the call ended: a later {@link HostClient.wait} from here misses nothing. */
  readonly seq: number;
}

export interface ExecResult {
  /** The session that the program was: its record stays. */
  readonly session: string;
  readonly exit: Exit;
  readonly cwd: string /** of when the environment is: the last `prompt`, or the session's `start` */;
  readonly environment: string;
}

/** What is waited for; the first of several. */
export interface WaitSpec {
  readonly exit?: boolean;
  /** The end of a command in an integrated shell. */
  readonly command?: boolean;
  /** A regular expression, in output without its escape sequences. */
  readonly match?: string;
  /** So long without output. */
  readonly idleMs?: number;
  /** A program reads from the terminal and has written nothing since. */
  readonly inputNeeded?: boolean;
  /** Then it answers `timeout`. 0: looks once. Absent: as long as it takes. */
  readonly timeoutMs?: number;
  /**
   * What came strictly after this seq counts as if it came now: nothing between two waits is missed. Default: the newest when it is asked. 0: all that is
   * kept. The host looks through it in pieces of 256 KiB, other work in between, until something was found: it takes the time that reading so much takes,
   * which `timeoutMs` does not cut short, and no more memory than a piece.
   */
  readonly fromSeq?: number | bigint;
  readonly link?: LinkTold;
}

/** Told when a call has lost its link, and when it goes on with another one. */
export type LinkTold = (state: "offline" | "attached") => void;

export interface ScreenOptions {
  /** Lines of scrollback above the screen; default 0. */
  readonly scrollback?: number;
  /** As a terminal would be told to draw it, too. */
  readonly vt?: boolean;
}

export interface SendOptions {
  /** Takes the floor first, where this operator may. */
  readonly take?: boolean;
  /** Bracketed where the program asked for it, control characters taken out. */
  readonly paste?: boolean;
  /** Overtakes what is queued, which is dropped: for Ctrl-C. */
  readonly interrupt?: boolean;
  /** Ends the input of a job without a terminal. */
  readonly eof?: boolean;
  /** Answered when it is on the disk, not when the program has it. */
  readonly durable?: boolean;
  /**
   * 8 to 64 characters that name this one input of this operator. Sent again under its name it is not typed again: the answer is the
   * first one's (its `seq` too), whatever bytes come with it. The host remembers some thousand names a session.
   */
  readonly writer?: string;
  /** Asks what became of the input of that `writer`: one that was never recorded is refused `writer_unknown`, and not typed. */
  readonly again?: boolean;
}

export interface RunOptions {
  /** Then it answers `timed_out`; the command runs on. */
  readonly timeoutMs?: number;
  /** Takes the floor first, where this operator may. */
  readonly take?: boolean;
  /** Of output; what is more is counted in `omittedBytes`. */
  readonly maxBytes?: number;
  /** Gives the waiting up; the command runs on. */
  readonly signal?: AbortSignal;
  /** Told as it comes. */
  readonly output?: (bytes: Uint8Array) => void | Promise<void>;
  readonly link?: LinkTold;
  /** Names this one command, as of {@link SendOptions}: under a name that is known nothing is typed, and what is known of it is told. */
  readonly writer?: string;
}

export interface ExecOptions {
  /** Bytes, or null for none. */
  readonly stdin?: AsyncIterable<Uint8Array> | Uint8Array | null;
  /** After so long it is ended (asked, then forced), which rejects with `timed_out`. */
  readonly timeoutMs?: number;
  /** Interrupts it, as Ctrl-C would. */
  readonly signal?: AbortSignal;
  /** Ends it: asked, then forced. */
  readonly end?: AbortSignal;
  /** Leaves it: rejects with `cancelled`, and the program goes on as a session. */
  readonly leave?: AbortSignal;
  /** Told the id of the session that the program is, before any output. */
  readonly started?: (session: string) => void;
  /** `masked` as of {@link Output}. */
  readonly output?: (stream: 1 | 2, bytes: Uint8Array, masked: number) => void | Promise<void>;
  readonly link?: LinkTold;
}
