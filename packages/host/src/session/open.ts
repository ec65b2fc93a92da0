/**
 * Opening a session: the record first, then the shim, then the program. What could not be started is a session that failed,
 * with the reason in its record.
 */
import {
  bytesOf,
  create,
  EventBody_OpenedSchema,
  EventBody_StartedSchema,
  FloorMode,
  HoldError,
  limits,
  SessionKind,
  SessionState,
  type Size,
} from "@holdfast/protocol";
import type { ShimSpec, ShimWelcome } from "@holdfast/shim";
import { bridgeCommand, type KernelPlace } from "../kernel/launch.ts";
import { prepareShell } from "../shell/index.ts";
import type { Actor } from "./book.ts";
import type { LiveSession } from "./session.ts";

export interface OpenRequest {
  readonly name: string;
  readonly kind: "pty" | "pipes";
  /** Empty: `shell`. */
  readonly command: readonly string[];
  readonly shell: string;
  readonly env: readonly string[];
  readonly cwd: string;
  readonly size: { readonly cols: number; readonly rows: number };
  readonly pinned: boolean;
  readonly umask: number;
  readonly nofile: { readonly soft: number; readonly hard: number } | null;
  readonly floorMode: "turn" | "open";
  readonly syncInput: boolean;
  readonly group: string;
  readonly ttlMs: number;
  readonly idleTtlMs: number;
  /** Absent: core/continuity's. */
  readonly graceMs?: number;
  readonly integrate: boolean;
  readonly parent: string;
  /** Gives the programs an SSH_AUTH_SOCK that may be pointed at another agent later. */
  readonly agentForward: boolean;
  /** Name of a kernelspec, of a kernel session, which is on pipes. Absent: it is none. */
  readonly kernel?: string;
}

export interface SessionFiles {
  /** Absolute path of the socket that this session's shim will listen on. */
  socketPath(id: string): string;
  /** Where the shell keeps its environment as of the last prompt; in an owner-only folder. */
  environmentPath(id: string): string;
  agentPath(id: string): string;
  pointAgent(id: string, target: string): void;
  /** Of a kernel session: a spec file that starts its bridge once more, which its shim removes; null: there is none. */
  specAgain(id: string): string | null;
  forgetAgent(id: string): void;
  /** The session is over. `isShimGone`: nobody is left to remove the socket. */
  forget(id: string, isShimGone: boolean): void;
}

/** What opening asks of the host. */
export interface Opener {
  /** What stands in the run folder for a session (run-folder.ts). */
  readonly files: SessionFiles;
  readonly shellFolder: string;
  newNonce(): string;
  readonly bootId: string;
  readonly kernels: KernelPlace;
  /** Whether a shim may still listen at this path; default: the socket's file is there. */
  readonly hasShim?: (socketPath: string) => boolean;
  /** Has the keeper start a shim; resolves when it listens. Rejects with `errno` and `step`. */
  startShim(id: string, spec: ShimSpec): Promise<{ readonly pid: number }>;
}

const RECORDED_BYTES = 60_000;

/** Variables of a terminal that the session is not in, and of one that it is in. */
const OUTER = [
  "TMUX",
  "TMUX_PANE",
  "STY",
  "WINDOW",
  "LINES",
  "COLUMNS",
  "TERM_PROGRAM",
  "TERM_PROGRAM_VERSION",
  "TERMCAP",
  "VTE_VERSION",
  "WINDOWID",
  "HOLDFAST_SESSION",
  "HOLDFAST_AS",
];

export function checkSize(size: Size | undefined, otherwise: { cols: number; rows: number }): { cols: number; rows: number } {
  if (!size || (size.cols === 0 && size.rows === 0)) return otherwise;
  const { cols, rows } = limits;
  if (size.cols < cols.min || size.cols > cols.max || size.rows < rows.min || size.rows > rows.max) {
    throw new HoldError(
      "bad_request",
      `a size of ${size.cols}x${size.rows}; columns ${cols.min} to ${cols.max}, rows ${rows.min} to ${rows.max}`,
    );
  }
  return { cols: size.cols, rows: size.rows };
}

/** Opens and starts; throws `start_failed` when the program could not be started (the session is `failed` then). */
export async function openSession(session: LiveSession, request: OpenRequest, opener: Opener, by: Actor): Promise<void> {
  // All of this is in the session's record, which is kept whole (docs/journal.md, Limits: 64 KiB).
  const recordedBytes = [...request.command, request.cwd, request.group].reduce((n, text) => n + Buffer.byteLength(text) + 8, 0);
  if (recordedBytes > RECORDED_BYTES)
    throw new HoldError(
      "bad_request",
      `a command of ${recordedBytes} bytes; ${RECORDED_BYTES} at most are recorded: put what is long into a file, or give it on stdin`,
    );
  const nonce = opener.newNonce();
  const argv = request.command.length > 0 ? request.command : [request.shell || "/bin/sh"];
  const wanted = new Set(OUTER);
  const base = request.env.filter((kv) => !wanted.has(kv.slice(0, kv.indexOf("="))) || request.parent !== "");
  const agentPath = request.agentForward ? opener.files.agentPath(session.id) : "";
  const env = withDefaults(
    agentPath ? [...base, `SSH_AUTH_SOCK=${agentPath}`] : base,
    request.kind,
    request.parent || session.id,
  );
  const prepared =
    request.kind === "pty" && request.integrate
      ? prepareShell({ argv, env, folder: opener.shellFolder, nonce, environmentFile: opener.files.environmentPath(session.id) })
      : { argv, env, shell: "other", integrated: false };
  const program = request.kernel
    ? bridgeCommand(opener.kernels, session.id, request.kernel, prepared.env)
    : { argv: prepared.argv, env: prepared.env };
  const socketPath = opener.files.socketPath(session.id);
  session.record(by, {
    case: "opened",
    value: create(EventBody_OpenedSchema, {
      sessionKind: request.kernel ? SessionKind.KERNEL : request.kind === "pty" ? SessionKind.PTY : SessionKind.PIPES,
      kernel: request.kernel ?? "",
      name: request.name,
      // For reading: bytes that are no UTF-8 are U+FFFD here, and exact in what is started.
      command: request.kernel ? [request.kernel] : argv.map((arg) => arg.toWellFormed()),
      cwd: request.cwd.toWellFormed(),
      size: request.size,
      floorMode: request.floorMode === "open" ? FloorMode.OPEN : FloorMode.TURN,
      syncInput: request.syncInput,
      group: request.group,
      ttlMs: BigInt(request.ttlMs),
      idleTtlMs: BigInt(request.idleTtlMs),
      ...(request.graceMs === undefined ? {} : { graceMs: BigInt(request.graceMs) }),
      shellIntegrated: prepared.integrated,
      shell: prepared.shell,
      nonce,
      pinnedSize: request.pinned ? [1] : [],
      socketPath,
      parent: request.parent,
      agentPath,
    }),
  });
  session.secrets.learn(bytesOf(env.join("\0")));
  session.commands.opened(prepared.integrated, nonce);
  try {
    await opener.startShim(session.id, {
      mode: request.kind,
      ...(request.kernel ? { respawn: true } : {}),
      argv: program.argv,
      env: program.env,
      cwd: request.cwd,
      cols: request.size.cols,
      rows: request.size.rows,
      umask: request.umask,
      ...(request.nofile ? { nofile: request.nofile } : {}),
      socketPath,
    });
  } catch (fault) {
    const { step, errno } = fault as { step?: string; errno?: string };
    const why = (step && errno && shortage(step, errno)) || (fault instanceof Error ? fault.message : String(fault));
    session.ended(SessionState.FAILED, why);
    throw fault instanceof HoldError
      ? fault
      : new HoldError(
          "start_failed",
          `session ${session.id} could not be started: ${why}`,
          { session: session.id },
          { cause: fault },
        );
  }
  await started(session, opener.bootId);
  const { state } = session.facts;
  if (state === "opening")
    throw new HoldError(
      "journal_frozen",
      `session ${session.id} was started, and that can't be recorded: its program waits; free some space, and it goes on by itself (hold doctor tells more)`,
      { session: session.id },
    );
  if (state === "failed") throw startFault(session, request.parent);
}

/** Why the program of a session that failed could not be started. `parent`: the session that it runs beside; empty: none. */
export function startFault({ id, facts }: LiveSession, parent: string): HoldError {
  const session = parent || id;
  return new HoldError("start_failed", startFailure(session, facts.command, facts.cwd, facts.exit?.reason ?? ""), { session });
}

/** Links to the shim and records what it holds. Used for opening and for adoption. `watch`: called in the same turn as the link stands. */
export function started(session: LiveSession, bootId: string, watch: () => void = () => {}): Promise<void> {
  return new Promise((resolve, reject) => {
    // The journal's fault, not the shim's: the session is taken up when the journal can be written again.
    session.onStall = () => {
      session.onStall = null;
      resolve();
    };
    const early = (reason: string, detail: string): void =>
      reject(
        new HoldError("shim_lost", `the shim of session ${session.id} is gone (${reason}: ${detail})`, {
          session: session.id,
          reason,
          detail,
        }),
      );
    session.onShimEnd = early;
    session.onWelcome = (w) => {
      welcome(session, w, bootId);
      session.onWelcome = null;
      session.onStall = null;
      if (session.onShimEnd === early) session.onShimEnd = null;
      watch();
      resolve();
    };
    session.connect();
  });
}

function welcome(session: LiveSession, w: ShimWelcome, bootId: string): void {
  const host = { id: "system:host", via: "host" };
  if (w.phase === "failed") {
    session.ended(SessionState.FAILED, `${w.failure?.step ?? "start"}: ${w.failure?.errno ?? "unknown"}`);
    session.shimLink?.ack({ exit: true });
    session.shimLink?.release();
    return;
  }
  if (session.facts.pid === w.pid && session.facts.shimPid === w.shimPid) return;
  session.record(host, {
    case: "started",
    value: create(EventBody_StartedSchema, {
      pid: w.pid,
      pidStart: w.pidStart,
      shimPid: w.shimPid,
      // A kernel's bridge that crashed while no host was there has started again since.
      incarnation: Math.max(1, session.facts.incarnation),
      bootId,
    }),
  });
}

/** What the machine has no more of, which limit that is, and what to do; null if that is not why. */
export function shortage(step: string, errno: string): string | null {
  if (errno === "EMFILE" || errno === "ENFILE")
    return errno === "EMFILE"
      ? `the keeper, or the session's shim, may open no more files (EMFILE at ${step}): raise its limit and start it again, which ends no session: ulimit -n 4096 && hold host down && hold host up`
      : `no process of this machine may open more files (ENFILE at ${step}): end some, or raise it: sysctl fs.file-max`;
  if (step === "pty" && ["ENOSPC", "EAGAIN", "ENOMEM", "EIO"].includes(errno))
    return `no pseudo-terminal is left (${errno}): end some sessions, or raise the machine's limit: sysctl kernel.pty.max`;
  if ((step === "fork" || step === "spawn") && (errno === "EAGAIN" || errno === "ENOMEM"))
    return `no more processes may be started (${errno} at ${step}): end some, or raise the limit that counts them: ulimit -u, pids.max of the cgroup, or memory`;
  return null;
}

function startFailure(id: string, argv: readonly string[], cwd: string, reason: string): string {
  const [step = "", errno = ""] = reason.split(": ");
  const short = shortage(step, errno);
  if (short) return `session ${id} could not be started: ${short}`;
  if (step === "chdir") return `session ${id}: the folder ${cwd} can't be entered (${errno}); give another one with --cwd`;
  if (step === "exec" && errno === "ENOENT")
    return `session ${id}: no program ${JSON.stringify(argv[0])} on the PATH; check its spelling, or give its whole path`;
  if (step === "exec" && errno === "EACCES")
    return `session ${id}: ${JSON.stringify(argv[0])} may not be run (${errno}); check its mode`;
  return `session ${id}: ${JSON.stringify(argv[0])} could not be started (${reason})`;
}

function withDefaults(env: readonly string[], kind: "pty" | "pipes", id: string): string[] {
  const given = new Map(env.map((kv) => [kv.slice(0, kv.indexOf("=")), kv]));
  given.set("HOLDFAST_SESSION", `HOLDFAST_SESSION=${id}`);
  if (kind === "pty") {
    // What stands behind the session is our model of an xterm, whatever terminal its opener sat at.
    const term = given.get("HOLDFAST_TERM")?.slice("HOLDFAST_TERM=".length) ?? "xterm-256color";
    given.set("TERM", `TERM=${term}`);
    given.set("COLORTERM", "COLORTERM=truecolor");
  }
  return [...given.values()];
}
