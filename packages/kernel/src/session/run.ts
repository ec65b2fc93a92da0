/** A run: one execute of one operator, from the queue to its end. */
import type { HeaderOperator } from "../message/index.ts";

export interface RunRequest {
  /** The `msg_id` that it is sent with: unique in the session. */
  readonly id: string;
  readonly by: HeaderOperator;
  readonly code: string;
  /** Default false: silent runs are not broadcast and count nothing. */
  readonly silent?: boolean;
  /** Default: not silent. */
  readonly storeHistory?: boolean;
  /** Whether it may ask. Default true: a prompt is the session's, and whoever may answers it. */
  readonly allowStdin?: boolean;
  /** Runs of one name stand and fall together: when one fails, those behind it are cancelled. Default: each stands alone. */
  readonly batch?: string;
  /** Of its message: a notebook's cell says `cellId`. Default {}. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** What its sender's own header says beside what the host sets; of a client of Jupyter, `session` is kept too. Default {}. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Default {}. */
  readonly userExpressions?: Readonly<Record<string, unknown>>;
}

/**
 * `queued` in the host; `sent` to the bridge; `running` since the kernel said so. `uncertain`: the bridge was away while it ran, so
 * that its end may have been missed.
 */
export interface Run extends RunRequest {
  readonly phase: "queued" | "sent" | "running";
  readonly uncertain: boolean;
  /** The status of its reply, once that has come; anything but `ok` is a failure. */
  readonly replied: string | null;
  readonly idle: boolean;
  readonly executionCount: number | null;
}

/**
 * `ok`, `error`: the kernel's own. `aborted`: the kernel threw it away. `cancelled`: taken from the queue, by somebody or because
 * its batch failed. `voided`: never sent, its heap is gone. `lost`: the kernel ended under it. `unknown`: it was sent and its end
 * was missed; the kernel is past it.
 */
export type Outcome = "ok" | "error" | "aborted" | "cancelled" | "voided" | "lost" | "unknown";

export const queued = (request: RunRequest): Run => ({
  ...request,
  phase: "queued",
  uncertain: false,
  replied: null,
  idle: false,
  executionCount: null,
});

/** What is sent. `stop_on_error` is never true: a kernel then throws away what others have queued. */
export const executeContent = (run: RunRequest): object => ({
  code: run.code,
  silent: run.silent ?? false,
  store_history: run.storeHistory ?? !(run.silent ?? false),
  user_expressions: run.userExpressions ?? {},
  allow_stdin: run.allowStdin ?? true,
  stop_on_error: false,
});

/** IRkernel and tslab say `abort`. */
export function outcomeOf(status: string): Outcome {
  if (status === "ok") return "ok";
  return status === "aborted" || status === "abort" ? "aborted" : "error";
}
