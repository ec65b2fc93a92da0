/** The kernel of a session: code, prompts, interrupts, restarts, and whatever else the Jupyter protocol has. */
import type { KernelAnswer, KernelSpec } from "@holdfast/protocol";
import type { KernelFollowing, KernelFollowOptions, KernelHandlers } from "./kernel-follow.ts";
import type { KernelSaid } from "./kernel-said.ts";
import type { LinkTold } from "./work.ts";

export interface KernelRunOptions {
  /** Told the run's id as soon as it is in the queue. */
  readonly queued?: (run: string) => void;
  /** Each message that belongs to it, in order, once; the next waits for what this returns. */
  readonly message?: (said: KernelSaid) => void | Promise<void>;
  /** The same as text: streams, `text/plain`, tracebacks. */
  readonly text?: (text: string) => void | Promise<void>;
  /** Not broadcast, not counted. Default false. */
  readonly silent?: boolean;
  /** Default: unless silent. */
  readonly storeHistory?: boolean;
  /** Whether it may ask with `input()`. Default true: whoever may answers. */
  readonly allowStdin?: boolean;
  /** Runs of one batch stand and fall together: when one fails, those behind it are cancelled. */
  readonly batch?: string;
  /** Of its message: a notebook's cell says `cellId`. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Then it answers `timed_out`; the run goes on. */
  readonly timeoutMs?: number;
  /** Of messages; what is more is counted in `omittedBytes`. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Gives the waiting up; the run goes on. */
  readonly signal?: AbortSignal;
  readonly link?: LinkTold;
  /** 8 to 64 characters that name this one run of this operator: asked again under its name it is not run again, and told from its start. */
  readonly writer?: string;
}

export interface KernelRunResult {
  /** Its id: the `msg_id` of its execute_request. */
  readonly run: string;
  /**
   * `ended`: see `outcome`. `cancelled`: taken from the queue, by somebody or because its batch failed. `voided`: the kernel ended before its
   * turn. `lost`: the kernel ended under it. `unknown`: it ran while nobody heard, and the kernel is past it.
   */
  readonly state: "ended" | "cancelled" | "voided" | "lost" | "unknown" | "timed_out";
  /** Null unless `ended`. `aborted`: the kernel threw it away. */
  readonly outcome: "ok" | "error" | "aborted" | null;
  /** As `In [n]` shows it; null: it has none, or it is not known. */
  readonly executionCount: number | null;
  readonly omittedBytes: number;
  /** Bytes that are `*` in place of a secret that no AI is shown. */
  readonly maskedBytes: number;
  readonly seq: number;
}

export interface KernelRequestOptions {
  readonly content?: object;
  readonly metadata?: object;
  readonly buffers?: readonly Uint8Array[];
  /** Fields of the header besides those that the host sets: `msg_id`, `subshell_id`, … */
  readonly header?: object;
  /** Default: by its type. */
  readonly channel?: "shell" | "control";
  /** Gives the waiting up. */
  readonly signal?: AbortSignal;
}

export interface ServeOptions {
  /** `ADDRESS:PORT` of the host's machine, loopback alone. Default: as it is, or 127.0.0.1:7435. */
  readonly listen?: string;
  /** Absolute path of a folder of that machine: where kernels begin. Default: as it is, or none. */
  readonly root?: string;
  /** By whose kernels are found and started. Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The endpoint for clients of Jupyter (docs/jupyter.md). */
export interface JupyterPlace {
  /** `http://127.0.0.1:7435` */
  readonly url: string;
  /** This operator's: whoever has it acts as they do, at this endpoint alone. */
  readonly token: string;
  /** An hour from its last use. */
  readonly untilUnixMs: number;
  readonly root: string | null;
}

/** `session`: id or name of a kernel session, else `unsupported`. */
export interface Kernels {
  /** Those that can be opened: found where Jupyter looks, for this process's environment or for `env`. */
  specs(env?: Readonly<Record<string, string | undefined>>): Promise<KernelSpec[]>;
  /** Its kernel, what runs and what waits with who asked for it, and the prompt that waits. */
  show(session: string): Promise<KernelAnswer>;
  /**
   * Queues code, and follows it until it is over. A link or a host that ends meanwhile is waited for as in {@link HostClient.run}: it runs once,
   * and each message is told once.
   */
  run(session: string, code: string, options?: KernelRunOptions): Promise<KernelRunResult>;
  /**
   * Follows the session: what runs and waits now with all that it has shown, then everything as it comes, from everybody. A link or a host that
   * ends meanwhile is waited for, and nothing is missed. Needs the right to observe.
   */
  follow(session: string, handlers: KernelHandlers, options?: KernelFollowOptions): Promise<KernelFollowing>;
  /** Takes a run out of the queue; one that has begun is refused `run_not_waiting`. */
  cancel(session: string, run: string): Promise<void>;
  /** Answers the prompt of that id; `no_such_prompt` if another answer was first. */
  reply(session: string, prompt: string, value: string): Promise<void>;
  /**
   * Stops what runs, and keeps the heap. `may_end_kernel` where nobody knows that this kernel outlives it, unless `confirmed`. `mode`:
   * default as its kernelspec says.
   */
  interrupt(session: string, options?: { readonly confirmed?: boolean; readonly mode?: "signal" | "message" }): Promise<void>;
  /** Ends the kernel and starts it anew, also after its death. Resolves when it is ready. What waits is `voided`. */
  restart(session: string): Promise<void>;
  /**
   * Any request but execute_request: `complete_request`, `inspect_request`, `history_request`, `comm_info_request`, `debug_request`, …
   * Resolves with the reply; with null for `comm_open`, `comm_msg` and `comm_close`, which have none.
   */
  request(session: string, type: string, options?: KernelRequestOptions): Promise<KernelSaid | null>;
  /**
   * Opens the endpoint for clients of Jupyter where it is not open as wished (`host.admin`), and mints a token for this operator
   * (`session.input`, by a key of their own).
   */
  serve(options?: ServeOptions): Promise<JupyterPlace>;
  /** Closes it, and voids its tokens. `host.admin`. */
  endServe(): Promise<void>;
}
