/**
 * What is known about a session: a fold over the events of its journal. The live process is not in here; it is held by the shim.
 *
 *   S1  `fold` of all events gives the same state as any saved state plus the events after it.
 *   S2  There is no owner: `openedBy` is a fact of the past that no rule reads.
 *   S3  A session has ended at the first of exited, failed and lost; nothing makes it run again, and what was known of its
 *       exit is not overwritten: a later event may only add what was missing. A fact told twice counts once.
 */
import { SessionKind, SessionState, type EventBody, type Exit } from "@holdfast/protocol";
import { GRACE_MS } from "../continuity/index.ts";
import type { FloorMode } from "../floor/index.ts";
import { Offset, Seq, UnixMs } from "../id.ts";

export interface SessionFacts {
  readonly id: string;
  readonly name: string;
  readonly kind: "pty" | "pipes";
  /** Name of its kernelspec, of a kernel session, which is on pipes; else empty. */
  readonly kernel: string;
  readonly state: "opening" | "running" | "ended" | "lost" | "failed";
  readonly seq: Seq;
  /** End offset of each stream's journalled output. */
  readonly ends: readonly [Offset, Offset, Offset];
  readonly createdAt: UnixMs;
  readonly lastActivityAt: UnixMs;
  readonly openedBy: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly group: string;
  readonly size: { readonly cols: number; readonly rows: number };
  readonly sizePinned: boolean;
  readonly floorMode: FloorMode;
  readonly epoch: number;
  /** Who was granted the floor last, and when they last used it; whether they hold it still is floor/'s to say. */
  readonly holder: string;
  readonly heldAt: UnixMs;
  readonly aiPaused: boolean;
  readonly syncInput: boolean;
  readonly ttlMs: number;
  readonly idleTtlMs: number;
  /** How long an attachment whose link is lost keeps its place; 0: not at all. */
  readonly graceMs: number;
  readonly shell: string;
  readonly integrated: boolean;
  readonly nonce: string;
  readonly socketPath: string;
  readonly agentPath: string;
  readonly pid: number;
  readonly pidStart: number;
  readonly shimPid: number;
  readonly bootId: string;
  readonly incarnation: number;
  readonly exit: ExitFacts | null;
  /** Streams that nobody can write to any more. */
  readonly closed: readonly number[];
  /** End of the last query that the terminal model answered. */
  readonly repliedOffset: number;
  readonly running: string;
  /** Requests of AIs that nobody has decided or used. Absent in what an older version saved. */
  readonly openApprovals?: readonly string[];
}

export interface ExitFacts {
  readonly code: number | null;
  readonly signal: number | null;
  readonly core: boolean;
  readonly userUs: number;
  readonly systemUs: number;
  readonly maxRssKib: number;
  readonly at: UnixMs;
  readonly reason: string;
}

export interface FoldedEvent {
  readonly seq: number;
  readonly actor: string;
  readonly atUnixMs: number;
  readonly body: EventBody["kind"];
  readonly stream: number;
  readonly offset: number;
  readonly bytes: number;
}

export function unopened(id: string): SessionFacts {
  return {
    id,
    name: "",
    kind: "pty",
    kernel: "",
    state: "opening",
    seq: Seq(0),
    ends: [Offset(0), Offset(0), Offset(0)],
    createdAt: UnixMs(0),
    lastActivityAt: UnixMs(0),
    openedBy: "",
    command: [],
    cwd: "",
    group: "",
    size: { cols: 80, rows: 24 },
    sizePinned: false,
    floorMode: "turn",
    epoch: 0,
    holder: "",
    heldAt: UnixMs(0),
    aiPaused: false,
    syncInput: false,
    ttlMs: 0,
    idleTtlMs: 0,
    graceMs: GRACE_MS,
    shell: "",
    integrated: false,
    nonce: "",
    socketPath: "",
    agentPath: "",
    pid: 0,
    pidStart: 0,
    shimPid: 0,
    bootId: "",
    incarnation: 0,
    exit: null,
    closed: [],
    repliedOffset: 0,
    running: "",
  };
}

export function fold(state: SessionFacts, event: FoldedEvent): SessionFacts {
  const seq = Seq(event.seq);
  const at = UnixMs(event.atUnixMs);
  const { body } = event;
  switch (body.case) {
    case "output": {
      const ends: [Offset, Offset, Offset] = [state.ends[0], state.ends[1], state.ends[2]];
      ends[event.stream as 0 | 1 | 2] = Offset(event.offset + event.bytes);
      return { ...state, seq, ends, lastActivityAt: at };
    }
    case "input":
      return { ...state, seq, lastActivityAt: at, heldAt: event.actor === state.holder ? at : state.heldAt };
    case "opened": {
      const o = body.value;
      return {
        ...state,
        seq,
        createdAt: at,
        lastActivityAt: at,
        openedBy: event.actor,
        name: o.name,
        kind: o.sessionKind === SessionKind.PIPES || o.sessionKind === SessionKind.KERNEL ? "pipes" : "pty",
        kernel: o.kernel,
        command: o.command,
        cwd: o.cwd,
        group: o.group,
        size: o.size ? { cols: o.size.cols, rows: o.size.rows } : state.size,
        sizePinned: o.pinnedSize.length > 0,
        floorMode: o.floorMode === 2 ? "open" : "turn",
        syncInput: o.syncInput,
        ttlMs: Number(o.ttlMs),
        idleTtlMs: Number(o.idleTtlMs),
        graceMs: o.graceMs === undefined ? GRACE_MS : Number(o.graceMs),
        shell: o.shell,
        integrated: o.shellIntegrated,
        nonce: o.nonce,
        socketPath: o.socketPath,
        agentPath: o.agentPath,
      };
    }
    case "started":
      if (isOver(state)) return { ...state, seq };
      return {
        ...state,
        seq,
        state: "running",
        running: "",
        pid: body.value.pid,
        pidStart: Number(body.value.pidStart),
        shimPid: body.value.shimPid,
        incarnation: body.value.incarnation,
        bootId: body.value.bootId,
      };
    case "resized":
      return {
        ...state,
        seq,
        size: body.value.size ? { cols: body.value.size.cols, rows: body.value.size.rows } : state.size,
        sizePinned: body.value.pinned,
      };
    case "floorChanged":
      return { ...state, seq, epoch: Number(body.value.epoch), holder: body.value.holder, heldAt: at };
    case "aiPaused":
      return { ...state, seq, aiPaused: body.value.paused };
    case "commandStarted":
      return { ...state, seq, running: isOver(state) ? "" : body.value.text, cwd: body.value.cwd || state.cwd };
    case "commandEnded":
      return { ...state, seq, running: "" };
    case "exited":
      return {
        ...state,
        seq,
        state: isOver(state) ? state.state : "ended",
        running: "",
        exit: exitAfter(state.exit, exitFacts(body.value.exit, at)),
      };
    case "closed":
      return state.closed.includes(body.value.stream)
        ? { ...state, seq }
        : { ...state, seq, closed: [...state.closed, body.value.stream] };
    case "ended":
      return isOver(state)
        ? { ...state, seq }
        : {
            ...state,
            seq,
            state: endState(body.value.state),
            running: "",
            exit: { ...(state.exit ?? exitFacts(undefined, at)), reason: body.value.reason },
          };
    case "renamed":
      return { ...state, seq, name: body.value.name };
    case "approvalAsked":
      return { ...state, seq, openApprovals: [...(state.openApprovals ?? []), body.value.approval] };
    case "approvalDecided":
      return body.value.allowed ? { ...state, seq } : without(state, seq, body.value.approval);
    case "approvalOver":
      return without(state, seq, body.value.approval);
    case "replyWritten":
      return { ...state, seq, repliedOffset: Number(body.value.queryOffset) };
    default:
      return { ...state, seq };
  }
}

function without(state: SessionFacts, seq: Seq, approval: string): SessionFacts {
  return { ...state, seq, openApprovals: (state.openApprovals ?? []).filter((id) => id !== approval) };
}

export function isOver(state: SessionFacts): boolean {
  return state.state === "ended" || state.state === "lost" || state.state === "failed";
}

function endState(state: SessionState): "ended" | "lost" | "failed" {
  return state === SessionState.LOST ? "lost" : state === SessionState.FAILED ? "failed" : "ended";
}

/** An `ended` told before knew a reason and no code; an `exited` told before knew all. */
function exitAfter(known: ExitFacts | null, told: ExitFacts): ExitFacts {
  if (!known) return told;
  return known.code !== null || known.signal !== null ? known : { ...told, at: known.at, reason: known.reason || told.reason };
}

function exitFacts(exit: Exit | undefined, at: UnixMs): ExitFacts {
  return {
    code: exit?.code ?? null,
    signal: exit?.signal ?? null,
    core: exit?.core ?? false,
    userUs: Number(exit?.userUs ?? 0),
    systemUs: Number(exit?.systemUs ?? 0),
    maxRssKib: Number(exit?.maxRssKib ?? 0),
    at: exit && exit.atUnixMs > 0n ? UnixMs(Number(exit.atUnixMs)) : at,
    reason: exit?.reason ?? "",
  };
}
