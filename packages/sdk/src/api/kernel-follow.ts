/** A kernel session as it goes on: its state, what runs, what it shows, what it asks. */
import type { Gap } from "./attach.ts";
import type { KernelSaid } from "./kernel-said.ts";

/** Who asked for something. */
export interface KernelOperator {
  readonly id: string;
  /** As it was then. */
  readonly name: string;
  /** `human`, `service`, `ai`; empty: not known. */
  readonly kind: string;
  /** The interface: `cli`, `page`, `mcp`, …; empty: not known. */
  readonly via: string;
  /** For whom an AI acts; empty: for nobody. */
  readonly onBehalfOf: string;
}

export type KernelPhaseWord = "starting" | "ready" | "restarting" | "dead" | "ended";
/**
 * `ok`, `error`: the kernel's own. `aborted`: the kernel threw it away. `cancelled`: taken from the queue, by somebody or because its batch failed.
 * `voided`: the kernel ended before its turn. `lost`: the kernel ended under it. `unknown`: it ran while nobody heard.
 */
export type KernelOutcome = "ok" | "error" | "aborted" | "cancelled" | "voided" | "lost" | "unknown";

export interface FollowedRun {
  /** The `msg_id` of its execute_request, and the `msg_id` of the parent of all that it causes. */
  readonly run: string;
  readonly by: KernelOperator;
  readonly code: string;
  /** `queued` in the host, `sent` to the kernel, `running` since it said so. */
  readonly phase: "queued" | "sent" | "running";
  /** As `In [n]` shows it; null: not known yet, or none. */
  readonly executionCount: number | null;
  readonly silent: boolean;
  /** Null: it stands alone. */
  readonly batch: string | null;
  /** Of its message: a notebook's cell says `cellId`. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface FollowedPrompt {
  /** For {@link Kernels.reply}. */
  readonly prompt: string;
  /** Which run asks; empty: none that is known. */
  readonly run: string;
  readonly text: string;
  /** The answer is not to be shown while it is typed, nor kept. */
  readonly password: boolean;
}

export interface KernelView {
  readonly phase: KernelPhaseWord;
  /** Which life of the kernel: one more at each restart; 0: it has not been started yet. */
  readonly incarnation: number;
  /** What it last said of itself: `idle`, `busy`, …; `unknown` while nobody hears it. */
  readonly execution: string;
  /** Its heartbeat has stopped. */
  readonly silent: boolean;
  readonly current: FollowedRun | null;
  /** In the order in which they will run. */
  readonly waiting: readonly FollowedRun[];
  readonly prompt: FollowedPrompt | null;
  /** The content of its kernel_info_reply; null: it is not ready. */
  readonly info: Readonly<Record<string, unknown>> | null;
}

/** What has happened; {@link KernelFollowing.view} has it already. */
export type KernelTold =
  | { readonly type: "asked"; readonly run: FollowedRun; readonly seq: number; readonly atMs: number }
  | { readonly type: "running"; readonly run: FollowedRun }
  /** `because`, of `cancelled`: in words, or the run of its batch that failed. */
  | { readonly type: "over"; readonly run: FollowedRun; readonly outcome: KernelOutcome; readonly because: string }
  /**
   * Of any channel and type, in the order of the record. `run`: that it belongs to, also when that is over already; null: none that is known, such as
   * what completions cause. `by`: who asked for it; null: nobody here.
   */
  | {
      readonly type: "message";
      readonly said: KernelSaid;
      readonly run: FollowedRun | null;
      readonly by: KernelOperator | null;
      readonly seq: number;
    }
  | { readonly type: "prompt"; readonly prompt: FollowedPrompt }
  /** Answered, by the operator of that id; or its run is over (`by` null). */
  | { readonly type: "prompt_over"; readonly prompt: FollowedPrompt; readonly by: string | null }
  | { readonly type: "phase"; readonly phase: KernelPhaseWord; readonly incarnation: number }
  /** What the kernel's process printed beside the protocol. */
  | { readonly type: "native"; readonly stream: "stdout" | "stderr"; readonly bytes: Uint8Array }
  /** Output that the bridge or the kernel dropped: `records` of it; 0: not known how much. */
  | { readonly type: "dropped"; readonly records: number; readonly bytes: number; readonly why: string }
  /** Of the record itself, as in an attachment. */
  | ({ readonly type: "gap" } & Gap);

/** All optional; called in order, never two at once: what returns a promise is waited for, and paces the host. */
export interface KernelHandlers {
  /**
   * First what runs and waits now, from its asking on; then, once, {@link live}; then what happens.
   */
  told?(what: KernelTold, view: KernelView): void | Promise<void>;
  /** All until now has been told. */
  live?(view: KernelView): void | Promise<void>;
  /** After anything that changes the view. */
  changed?(view: KernelView): void;
  /** As {@link AttachHandlers.link}: nothing is missed over it. */
  link?(state: "attached" | "offline"): void;
  /** Over: the session has ended, the operator was revoked, or {@link KernelFollowing.stop}. */
  detached?(reason: string, error?: { readonly code: string; readonly message: string }): void;
}

export interface KernelFollowOptions {
  /** From this seq on in place of from what runs now: 0 is from the session's beginning. */
  readonly after?: number;
  /** Not shown as presence. Default true. */
  readonly quiet?: boolean;
}

export interface KernelFollowing {
  readonly view: KernelView;
  stop(): Promise<void>;
}
