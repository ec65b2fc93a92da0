/**
 * The closed list of error codes: what a caller should do about each, and what it maps to elsewhere. Nobody branches on text.
 */

/** What to do next. `take_snapshot`: the cursor is no longer there; start from a snapshot. */
export type Advice = "retry" | "wait" | "reattach" | "take_snapshot" | "stop";

interface CodeFacts {
  readonly advice: Advice;
  readonly exit: number;
  readonly grpc: number;
  readonly http?: number;
}

/** HTTP by gRPC's status, where a code does not say another: gRPC's own mapping, but that what is not so now (9) is a conflict. */
const httpOfGrpc = [200, 499, 500, 400, 504, 404, 409, 403, 429, 409, 409, 400, 501, 500, 503, 500, 401] as const;

/** exit: the command line's exit code (design: 1 failed, 2 usage, 3 no such session, 4 refused, 5 unreachable, 124 timed out). grpc, http: status numbers. */
export const codes = {
  // requests
  usage: { advice: "stop", exit: 2, grpc: 3 },
  bad_request: { advice: "stop", exit: 2, grpc: 3 },
  no_such_session: { advice: "stop", exit: 3, grpc: 5 },
  ambiguous_session: { advice: "stop", exit: 3, grpc: 9 },
  // Of a runbook.
  no_such_cell: { advice: "stop", exit: 3, grpc: 5 },
  ambiguous_cell: { advice: "stop", exit: 3, grpc: 9 },
  no_such_operator: { advice: "stop", exit: 1, grpc: 5 },
  name_taken: { advice: "stop", exit: 1, grpc: 6 },
  session_ended: { advice: "stop", exit: 1, grpc: 9 },
  session_running: { advice: "stop", exit: 1, grpc: 9 },
  attach_to_itself: { advice: "stop", exit: 4, grpc: 9 },
  no_such_file: { advice: "stop", exit: 1, grpc: 5 },
  file_changed: { advice: "stop", exit: 1, grpc: 10, http: 412 },
  file_damaged: { advice: "retry", exit: 1, grpc: 15, http: 422 },
  file_failed: { advice: "stop", exit: 1, grpc: 9, http: 422 },
  // Of a session: nothing of it listens there. And what became of a connection to one.
  no_such_port: { advice: "wait", exit: 1, grpc: 5 },
  port_failed: { advice: "retry", exit: 1, grpc: 14, http: 502 },
  start_failed: { advice: "stop", exit: 1, grpc: 9, http: 422 },
  unsupported: { advice: "stop", exit: 1, grpc: 12 },
  // rights and the floor
  not_permitted: { advice: "stop", exit: 4, grpc: 7 },
  unknown_credential: { advice: "stop", exit: 4, grpc: 16 },
  grant_expired: { advice: "retry", exit: 4, grpc: 16 },
  revoked: { advice: "stop", exit: 4, grpc: 7 },
  key_revoked: { advice: "stop", exit: 4, grpc: 16, http: 401 },
  invitation_unknown: { advice: "stop", exit: 4, grpc: 16, http: 403 },
  login_required: { advice: "stop", exit: 4, grpc: 16, http: 401 },
  login_refused: { advice: "stop", exit: 4, grpc: 16, http: 403 },
  access_ended: { advice: "stop", exit: 4, grpc: 7 },
  continuity_over: { advice: "reattach", exit: 4, grpc: 16 },
  continuity_unknown: { advice: "reattach", exit: 4, grpc: 16 },
  continuity_busy: { advice: "retry", exit: 4, grpc: 10 },
  continuity_copied: { advice: "reattach", exit: 4, grpc: 16 },
  floor_held: { advice: "wait", exit: 4, grpc: 9, http: 423 },
  floor_not_yours: { advice: "stop", exit: 4, grpc: 9 },
  fenced: { advice: "reattach", exit: 4, grpc: 10 },
  ai_paused: { advice: "wait", exit: 4, grpc: 9, http: 423 },
  line_not_empty: { advice: "wait", exit: 4, grpc: 9 },
  // what AIs may do, and what a person says to it
  policy_denied: { advice: "stop", exit: 4, grpc: 7 },
  needs_approval: { advice: "retry", exit: 4, grpc: 9 },
  approval_denied: { advice: "stop", exit: 4, grpc: 7 },
  approval_expired: { advice: "stop", exit: 4, grpc: 4 },
  approval_void: { advice: "retry", exit: 4, grpc: 10 },
  no_such_approval: { advice: "stop", exit: 1, grpc: 5 },
  not_protected: { advice: "stop", exit: 4, grpc: 7 },
  not_at_prompt: { advice: "wait", exit: 4, grpc: 9 },
  no_integration: { advice: "stop", exit: 4, grpc: 9 },
  incomplete_command: { advice: "stop", exit: 1, grpc: 9, http: 422 },
  not_run: { advice: "stop", exit: 1, grpc: 9, http: 422 },
  other_state: { advice: "stop", exit: 4, grpc: 9 },
  code_unknown: { advice: "stop", exit: 1, grpc: 2, http: 422 },
  // kernels
  no_such_kernel: { advice: "stop", exit: 1, grpc: 5 },
  kernel_dead: { advice: "stop", exit: 1, grpc: 9 },
  // A run that is under way, or over.
  run_not_waiting: { advice: "stop", exit: 1, grpc: 9 },
  no_such_prompt: { advice: "stop", exit: 1, grpc: 9 },
  may_end_kernel: { advice: "stop", exit: 4, grpc: 9 },
  // input
  input_blocked: { advice: "wait", exit: 1, grpc: 8 },
  line_too_long: { advice: "stop", exit: 1, grpc: 3 },
  input_void: { advice: "retry", exit: 1, grpc: 10 },
  input_cut: { advice: "stop", exit: 1, grpc: 10 },
  seq_gap: { advice: "reattach", exit: 1, grpc: 9 },
  writer_unknown: { advice: "reattach", exit: 1, grpc: 9 },
  // reading
  gap: { advice: "take_snapshot", exit: 1, grpc: 11, http: 410 },
  behind: { advice: "take_snapshot", exit: 1, grpc: 8 },
  // host, journal, machine
  unreachable: { advice: "retry", exit: 5, grpc: 14 },
  draining: { advice: "retry", exit: 5, grpc: 14 },
  version_mismatch: { advice: "stop", exit: 5, grpc: 9 },
  host_key_unknown: { advice: "stop", exit: 5, grpc: 16, http: 502 },
  host_key_changed: { advice: "stop", exit: 5, grpc: 16, http: 502 },
  // The host's record is not the one that was there: something was cut off, rolled back or written anew.
  witness_contradicted: { advice: "stop", exit: 1, grpc: 15 },
  journal_frozen: { advice: "wait", exit: 1, grpc: 8, http: 503 },
  journal_unwritable: { advice: "wait", exit: 1, grpc: 8, http: 503 },
  disk_full: { advice: "wait", exit: 1, grpc: 8, http: 507 },
  /** What a mirror of a host's record holds is not what that host wrote there. */
  mirror_tampered: { advice: "stop", exit: 1, grpc: 15, http: 502 },
  too_many: { advice: "wait", exit: 1, grpc: 8 },
  shim_unavailable: { advice: "stop", exit: 1, grpc: 9, http: 503 },
  shim_lost: { advice: "stop", exit: 1, grpc: 15 },
  node_too_old: { advice: "stop", exit: 1, grpc: 9, http: 500 },
  timed_out: { advice: "retry", exit: 124, grpc: 4 },
  cancelled: { advice: "stop", exit: 1, grpc: 1 },
  internal: { advice: "stop", exit: 1, grpc: 13 },
} as const satisfies Record<string, CodeFacts>;

export type Code = keyof typeof codes;

export function isCode(text: string): text is Code {
  return Object.hasOwn(codes, text);
}

/** The exit code for a code received from elsewhere; 1 for one that this version does not know. */
export function exitCodeOf(code: string): number {
  return isCode(code) ? codes[code].exit : 1;
}

/** The HTTP status for a code; 500 for one that this version does not know. */
export function httpStatusOf(code: string): number {
  if (!isCode(code)) return 500;
  const { grpc, http }: CodeFacts = codes[code];
  return http ?? httpOfGrpc[grpc] ?? 500;
}

export function adviceOf(code: string): Advice {
  return isCode(code) ? codes[code].advice : "stop";
}

/** A fault or a refusal on its way to a person or a program. `message` starts without the code; {@link HoldError.toString} puts it in front. */
export class HoldError extends Error {
  readonly code: Code;
  readonly details: Readonly<Record<string, string>>;
  constructor(code: Code, message: string, details: Readonly<Record<string, string>> = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "HoldError";
    this.code = code;
    this.details = details;
  }
  override toString(): string {
    return `[${this.code}] ${this.message}`;
  }
}

/** An invariant broke: crash the smallest thing that can be rebuilt from its log. */
export function invariant(ok: unknown, law: string): asserts ok {
  if (!ok) throw new HoldError("internal", `invariant broken: ${law}`);
}
