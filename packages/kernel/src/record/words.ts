/**
 * Words: what host and bridge say to each other about the kernel, beside its own messages. Each is one JSON object with `word`.
 * A host that hears an unknown one, or an unknown field, goes on; so does a bridge, which answers `unknown_word`.
 */

/** Asked by a host. `id` comes back in the {@link Answer}; an answer is given once each, also to what is refused. */
export type HostWord =
  /**
   * Stops what runs and keeps the state. Without `confirmed` nothing is tried that may end this kernel: the answer is then
   * `may_end_kernel`. `mode` overrides the policy's way; default that of the kernelspec.
   */
  | { readonly word: "interrupt"; readonly id: string; readonly mode?: "signal" | "message"; readonly confirmed?: boolean }
  /** Ends the kernel and starts it again, as a new incarnation, with the same connection file. Also after its death. */
  | { readonly word: "restart"; readonly id: string }
  /** Ends kernel and bridge. `graceMs` until it is killed: default 5,000, 0 at once. */
  | { readonly word: "shutdown"; readonly id: string; readonly graceMs?: number }
  /** How things are. */
  | { readonly word: "status"; readonly id: string };

/** Told by a bridge. Times are Unix milliseconds. */
export type BridgeWord =
  /** First of each life of a bridge. `resumed`: a bridge before it has been here. */
  | {
      readonly word: "hello";
      readonly version: 1;
      readonly pid: number;
      readonly kernel: string;
      readonly displayName: string;
      readonly language: string;
      readonly connectionFile: string;
      readonly routingId: string;
      readonly resumed: boolean;
      readonly atUnixMs: number;
    }
  | {
      readonly word: "started";
      readonly incarnation: number;
      readonly pid: number;
      readonly transport: "ipc" | "tcp";
      readonly atUnixMs: number;
    }
  /** All sockets have shaken hands and output is heard. `info`: the content of the kernel's kernel_info_reply. */
  | {
      readonly word: "ready";
      readonly incarnation: number;
      readonly tookMs: number;
      readonly info: object;
      readonly atUnixMs: number;
    }
  /** A kernel that did not become ready is still there; whoever waits may wait on, restart or shut down. */
  | { readonly word: "unready"; readonly incarnation: number; readonly missing: readonly string[]; readonly waitedMs: number }
  /**
   * A bridge took up the kernel that one before it had started. What the kernel published in between is lost: `missed`. `confirmed`
   * is false where the kernel is there and did not answer on control in time (some never do while busy).
   */
  | {
      readonly word: "adopted";
      readonly incarnation: number;
      readonly pid: number;
      readonly confirmed: boolean;
      readonly missed: { readonly fromUnixMs: number; readonly untilUnixMs: number };
    }
  /** Output that was dropped because nobody read for so long that the spool is full. Stands where it would have stood. */
  | {
      readonly word: "gap";
      readonly records: number;
      readonly bytes: number;
      readonly fromUnixMs: number;
      readonly untilUnixMs: number;
      readonly why: "spool_full" | "spool_failed";
    }
  /** The kernel's heartbeat: nothing for `forMs` (15,000), or back after that. A busy kernel beats, a stopped one does not. */
  | { readonly word: "heartbeat"; readonly incarnation: number; readonly state: "silent" | "back"; readonly forMs: number }
  /**
   * The kernel's process is gone. `code` and `signal` are null where another bridge had started it: its exit status is not ours to
   * have. `expected`: a restart or shutdown was asked for.
   */
  | {
      readonly word: "died";
      readonly incarnation: number;
      readonly code: number | null;
      readonly signal: string | null;
      readonly expected: boolean;
      readonly atUnixMs: number;
    }
  /** It could not be started at all. */
  | { readonly word: "failed"; readonly incarnation: number; readonly code: string; readonly detail: string }
  /** A request of the host's that was not sent to the kernel, and never will be. */
  | { readonly word: "refused"; readonly msgId: string; readonly code: RefusalCode; readonly detail: string }
  /** Something of the kernel's that is no message: its signature or its form is wrong. It was dropped. */
  | { readonly word: "malformed"; readonly incarnation: number; readonly channel: string; readonly fault: string }
  /** Bytes on the bridge's input that are no record. */
  | { readonly word: "skipped"; readonly bytes: number }
  | Answer
  /** Last of a life. */
  | { readonly word: "bye"; readonly reason: "shutdown" | "stdin_closed" | "terminated" | "failed" };

export interface Answer {
  readonly word: "answer";
  readonly id: string;
  readonly ok: boolean;
  /** Absent if ok. */
  readonly code?: "may_end_kernel" | "no_kernel" | "no_reply" | "kernel_ended" | "busy_ending" | "unknown_word" | "failed";
  readonly detail?: string;
  /** Of `status`. */
  readonly status?: BridgeStatus;
}

export interface BridgeStatus {
  readonly phase: "starting" | "ready" | "restarting" | "dead" | "ending";
  readonly incarnation: number;
  readonly pid: number | null;
  /** What the kernel last said of itself. */
  readonly execution: string;
  readonly spooledBytes: number;
  readonly gapRecords: number;
  readonly heldBytes: number;
}

/** `stale_incarnation`: meant for a heap that is gone (D8). `not_ready`: there is no kernel that could take it. */
export type RefusalCode = "stale_incarnation" | "not_ready" | "bad_message" | "wrong_channel";
