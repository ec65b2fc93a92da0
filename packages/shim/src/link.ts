/**
 * The host's view of one shim: the interface that `connect.ts` implements over the shim's socket and testkit's
 * scripted shim implements in memory.
 *
 *   K1  Inputs, resizes and signals reach the shim in rising `seq`; it refuses any that is not above the last one received.
 *   K2  Every one of them gets exactly one {@link ShimResult}; results wait in the shim until acknowledged, across links.
 *   K3  Output offsets are contiguous per stream; bytes stay in the shim until acknowledged as journalled.
 *   K4  One link at a time: a newer host with the same uid fences the older one.
 * Bytes on the socket: docs/shim-protocol.md.
 */

/** Output streams. A PTY has only `terminal`; a pipe session has `stdout` and `stderr`. */
export const Stream = { terminal: 0, stdout: 1, stderr: 2 } as const;
export type Stream = (typeof Stream)[keyof typeof Stream];

export type ShimMode = "pty" | "pipes";

/** What to start. Written by the host to a 0600 spec file that the new shim reads once and removes. */
export interface ShimSpec {
  readonly mode: ShimMode;
  /** argv[0] is looked up in the PATH of `env`, as execvpe does. At least one item; no NUL bytes. */
  readonly argv: readonly string[];
  /** Complete environment, `K=V`; nothing is inherited from the host. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly cols: number;
  readonly rows: number;
  /** Octal permission mask of the client that opened the session. */
  readonly umask: number;
  /** Soft and hard limit of open files of the client that opened the session; -1 = unlimited. Absent: left as is. */
  readonly nofile?: { readonly soft: number; readonly hard: number };
  /** Output ring per stream, bytes. Default 4 MiB; 64 KiB to 64 MiB. */
  readonly ringBytes?: number;
  /** Bound of queued, unwritten input, bytes. Default 256 KiB. */
  readonly inputBytes?: number;
  /** Pipe mode: keep both ends when the leader exits, so that `respawn` may start another. Default false. */
  readonly respawn?: boolean;
  /** Absolute path of the socket to listen on, in the 0700 run folder; longer paths than sun_path go through /proc/self/fd. */
  readonly socketPath: string;
}

export type ShimPhase = "running" | "exited" | "failed";

/** State as of the moment of linking; sent first on every link. */
export interface ShimWelcome {
  readonly protocol: number;
  readonly shimPid: number;
  readonly pid: number;
  /** Start time of the leader in clock ticks since boot (/proc/PID/stat field 22), so that pid and start name one process. 0 where absent (macOS). */
  readonly pidStart: bigint;
  readonly mode: ShimMode;
  readonly phase: ShimPhase;
  /** When `failed`: errno name such as `ENOENT` and the step (`chdir`, `exec`, `pty`, …) that failed. */
  readonly failure?: { readonly errno: string; readonly step: string };
  readonly cols: number;
  readonly rows: number;
  /** Highest input/resize/signal `seq` that reached the shim, and the highest that has been settled. 0 = none. */
  readonly receivedSeq: bigint;
  readonly appliedSeq: bigint;
  /** For each stream: the first retained (unacknowledged) offset and the end offset. */
  readonly streams: readonly { readonly stream: Stream; readonly start: bigint; readonly end: bigint }[];
}

export type ShimStatus = "applied" | "refused" | "void" | "cut";

export type ShimRefusal =
  | "none"
  | "queue_full" // 256 KiB of unwritten input already wait
  | "stale_seq" // not above the highest received
  | "line_too_long" // canonical mode and a line of more than 4,095 bytes
  | "exited" // no program left to take it
  | "bad_request" // wrong mode, size or signal
  | "io_error";

/** The answer to one input, resize or signal. `void`: dropped whole, unwritten. `cut`: only `bytes` of it were written. */
export interface ShimResult {
  readonly seq: bigint;
  readonly status: ShimStatus;
  readonly refusal: ShimRefusal;
  /** Bytes of an input that `write(2)` took. */
  readonly bytes: number;
  /** ECHO was off and ICANON on when it was written (or termios could not be read): the payload is a secret. */
  readonly secret: boolean;
  /** Output offset of stream 0 or 1 at that moment: what orders it against output. */
  readonly outputOffset: bigint;
  /** CLOCK_MONOTONIC, nanoseconds. */
  readonly timeNs: bigint;
}

export interface ShimExit {
  /** Exit code 0–255, or null if a signal ended it. */
  readonly code: number | null;
  /** Signal number, or null. */
  readonly signal: number | null;
  readonly core: boolean;
  readonly userUs: bigint;
  readonly systemUs: bigint;
  readonly maxRssKib: bigint;
  /** CLOCK_MONOTONIC of the reaping, ns, and the wall clock, ms. */
  readonly timeNs: bigint;
  readonly wallMs: bigint;
}

/** What the terminal and /proc say at one moment. Fields that the platform can't tell are absent. */
export interface ShimProbe {
  readonly token: number;
  readonly icanon: boolean;
  readonly echo: boolean;
  readonly isig: boolean;
  /** Foreground process group of the terminal; 0 = none or pipe mode. */
  readonly foregroundPgrp: number;
  readonly leaderPid: number;
  /** Bytes waiting in the terminal's input queue (TIOCINQ on the slave) and in the shim's own queue. */
  readonly kernelInputBytes: number;
  readonly queuedInputBytes: number;
  /** Members of the foreground group, at most 32: `state` as in /proc/PID/stat, `wchan`, `syscall` number and first argument; -1 = unreadable. */
  readonly processes: readonly {
    readonly pid: number;
    readonly comm: string;
    readonly state: string;
    readonly wchan: string;
    readonly syscall: number;
    readonly syscallArg0: number;
  }[];
}

export interface ShimStarted {
  readonly pid: number;
  readonly pidStart: bigint;
  readonly failure?: { readonly errno: string; readonly step: string };
}

export interface ShimHandlers {
  welcome(w: ShimWelcome): void;
  /** `bytes` is valid only during the call unless the implementation says otherwise; copy to keep. `timeNs`: when the shim read it. */
  output(stream: Stream, offset: bigint, timeNs: bigint, bytes: Uint8Array): void;
  result(r: ShimResult): void;
  /** Leader reaped, everything that it wrote has been delivered before this call. */
  exited(e: ShimExit): void;
  /** No process holds the stream any more; `end` is its final offset. */
  closed(stream: Stream, end: bigint): void;
  probe(p: ShimProbe): void;
  /** Pipe mode, after {@link ShimLink.respawn}: the new leader, or why there is none. */
  started?(s: ShimStarted): void;
  /** {@link ShimLink.release} was refused: so many processes of the session still live. */
  releaseRefused?(living: number): void;
  /** The link is over. `fenced`: a newer host took the shim. */
  end(reason: "fenced" | "gone" | "protocol" | "closed", detail: string): void;
}

/** Which of the terminal's three interrupting keys. */
export type InterruptKey = "intr" | "quit" | "susp";

/** Commands to one shim. All return at once; answers come through {@link ShimHandlers}. */
export interface ShimLink {
  /** Queues bytes for the program. At most 64 KiB a frame. `tag` groups inputs for {@link cancel} (0 = no group). */
  input(seq: bigint, tag: number, bytes: Uint8Array): void;
  /**
   * A key that interrupts, beside the queue: drops all queued input first (each reported `void` or `cut`), then, if the
   * terminal has ISIG and the key is its own INTR/QUIT/SUSP, signals the foreground group (TIOCSIG where the kernel's
   * input is not empty, so that a full queue can't hold it up); otherwise writes the byte as data.
   */
  interrupt(seq: bigint, key: InterruptKey, byte: number): void;
  resize(seq: bigint, cols: number, rows: number, xpixel: number, ypixel: number): void;
  /** `target`: the leader, the foreground group, or the whole tree of the session (keepers, hosts and other shims excepted). */
  signal(seq: bigint, target: "leader" | "foreground" | "tree", signo: number): void;
  /** Drops what is queued and unwritten: of one tag, or (0) of all. Each dropped frame is reported. Not a numbered command. */
  cancel(tag: number): void;
  /** Pipe mode: closes the program's stdin once the queue before it is written. */
  eof(seq: bigint): void;
  /**
   * Pipe mode with `ShimSpec.respawn`: starts the program of a new spec file under the same shim, on the same output streams
   * and a new stdin. Only when the last one has failed, or has exited and its exit was acknowledged; else `bad_request`.
   */
  respawn(seq: bigint, specPath: string): void;
  probe(token: number): void;
  /** Journalled up to these offsets (absent: unchanged) and results settled up to this seq; the shim may forget them. */
  ack(a: {
    readonly streams?: readonly { readonly stream: Stream; readonly offset: bigint }[];
    readonly resultSeq?: bigint;
    readonly exit?: boolean;
  }): void;
  /** Ends the session's whole tree: SIGHUP and SIGTERM (with SIGCONT) now, SIGKILL after `graceMs`. */
  endTree(graceMs: number): void;
  /** All is journalled: the shim exits and removes its socket. Refused by the shim while a process of the session lives. */
  release(): void;
  /** Pauses and resumes delivery to handlers (backpressure to the shim's ring, then to the program). */
  pause(): void;
  resume(): void;
  /** Lets go of the link; the shim goes on. */
  close(): void;
}
