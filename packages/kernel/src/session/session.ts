/**
 * What is known of a kernel session: a fold over what operators asked and what the bridge told. The kernel itself is held, not rebuilt.
 *
 *   S1  Runs are queued here, in one order, each with who asked for it; the kernel has one at a time. So nobody's failure throws away
 *       what another has queued, and what waits can still be cancelled.
 *   S2  A run is over when its reply and its `idle` have come, in either order. Output may come later; it is still that run's.
 *   S3  A prompt is the session's. Whoever may operate answers it, also when who asked has gone; a second answer is refused.
 *   S4  A restart begins a new incarnation: what waits for the old heap is `voided`, what ran in it is `lost`, and neither runs in
 *       the new one (D8). Displays and comms end with it.
 *   S5  What may have been missed is never called finished: a run under way when a bridge was away is `uncertain` until the
 *       kernel is known to be past it, and then `unknown`. A kernel throws its own output away, `idle` with it, when nobody takes it
 *       fast enough: a run that was replied to is over, too, once the kernel is past it. Whoever waits long for an `idle` asks for
 *       kernel_info on shell; the answer tells.
 * Pure: `decide` and `hear` give events, `apply` the next state, `nextRun` what is to be sent. Who may operate is the host's to say.
 */
import { type HeaderOperator, headOf, type Message, parentOf, parsed } from "../message/index.ts";
import type { BridgeRecord, BridgeWord } from "../record/index.ts";
import { type Comms, commsAfter } from "./comms.ts";
import { type Displays, type Shown, shown } from "./displays.ts";
import { type Outcome, outcomeOf, queued, type Run, type RunRequest } from "./run.ts";

export type KernelPhase = "starting" | "ready" | "restarting" | "dead" | "ended";

export interface Prompt {
  /** The `msg_id` of the kernel's input_request. */
  readonly id: string;
  /** Its whole header: the parent of the answer. */
  readonly header: Readonly<Record<string, unknown>>;
  readonly runId: string;
  readonly text: string;
  readonly isPassword: boolean;
}

export interface KernelSession {
  readonly phase: KernelPhase;
  readonly incarnation: number;
  /** The kernel's process; null before the first and after its end. */
  readonly pid: number | null;
  /** The content of its kernel_info_reply, once it is ready. */
  readonly info: Readonly<Record<string, unknown>> | null;
  /** What it last said of itself: `starting`, `idle`, `busy`, …; `unknown` while nobody hears it. */
  readonly execution: string;
  readonly isSilent: boolean;
  readonly current: Run | null;
  readonly queue: readonly Run[];
  /** Who asked for the last {@link MAX_ENDED} runs that are over: late output is theirs (S2). */
  readonly ended: ReadonlyMap<string, { readonly by: HeaderOperator; readonly outcome: Outcome }>;
  readonly prompt: Prompt | null;
  readonly displays: Displays;
  readonly comms: Comms;
}

export const MAX_QUEUED = 1_024;
export const MAX_ENDED = 1_024;

export const openKernelSession = (): KernelSession => ({
  phase: "starting",
  incarnation: 0,
  pid: null,
  info: null,
  execution: "unknown",
  isSilent: false,
  current: null,
  queue: [],
  ended: new Map(),
  prompt: null,
  displays: new Map(),
  comms: new Map(),
});

export type KernelCommand =
  | { readonly verb: "execute"; readonly run: RunRequest }
  | { readonly verb: "cancel"; readonly runId: string }
  | { readonly verb: "answer"; readonly promptId: string };

export type KernelRefusal =
  | { readonly code: "duplicate_run"; readonly runId: string }
  | { readonly code: "queue_full"; readonly waiting: number }
  | { readonly code: "kernel_dead" | "kernel_ended" }
  /** `started`: only an interrupt ends it now. */
  | { readonly code: "run_not_waiting"; readonly runId: string; readonly started: boolean }
  | { readonly code: "no_such_prompt"; readonly waiting: string | null };

export type KernelEvent =
  | { readonly kind: "queued"; readonly run: RunRequest }
  /** The host's own word: it has given the run to the bridge. */
  | { readonly kind: "sent"; readonly runId: string }
  /** The host's own word: what it gave has not reached the bridge whole, so that no kernel has it. */
  | { readonly kind: "unsent"; readonly runId: string }
  | { readonly kind: "running"; readonly runId: string }
  | { readonly kind: "counted"; readonly runId: string; readonly executionCount: number }
  | { readonly kind: "replied"; readonly runId: string; readonly status: string }
  | { readonly kind: "idled"; readonly runId: string }
  /** `because`: the run of its batch that failed. */
  | { readonly kind: "over"; readonly runId: string; readonly outcome: Outcome; readonly because?: string }
  | { readonly kind: "prompted"; readonly prompt: Prompt }
  /** The host's own word: an answer to it has been given. */
  | { readonly kind: "answered"; readonly promptId: string }
  | { readonly kind: "said"; readonly execution: string }
  | { readonly kind: "displayed"; readonly shown: Shown }
  | { readonly kind: "comm"; readonly msgType: string; readonly message: Message }
  | { readonly kind: "bridge"; readonly word: BridgeWord };

export type KernelDecision =
  | { readonly ok: true; readonly events: readonly KernelEvent[] }
  | { readonly ok: false; readonly refusal: KernelRefusal };

export function decide(state: KernelSession, command: KernelCommand): KernelDecision {
  switch (command.verb) {
    case "execute":
      return decideExecute(state, command.run);
    case "cancel": {
      if (state.queue.some((run) => run.id === command.runId)) {
        return { ok: true, events: [{ kind: "over", runId: command.runId, outcome: "cancelled" }] };
      }
      const started = state.current?.id === command.runId;
      return { ok: false, refusal: { code: "run_not_waiting", runId: command.runId, started } };
    }
    case "answer":
      return state.prompt?.id === command.promptId
        ? { ok: true, events: [{ kind: "answered", promptId: command.promptId }] }
        : { ok: false, refusal: { code: "no_such_prompt", waiting: state.prompt?.id ?? null } };
  }
}

function decideExecute(state: KernelSession, run: RunRequest): KernelDecision {
  if (state.phase === "ended") return { ok: false, refusal: { code: "kernel_ended" } };
  if (state.phase === "dead") return { ok: false, refusal: { code: "kernel_dead" } };
  const isKnown = state.current?.id === run.id || state.queue.some((one) => one.id === run.id) || state.ended.has(run.id);
  if (isKnown) return { ok: false, refusal: { code: "duplicate_run", runId: run.id } };
  if (state.queue.length >= MAX_QUEUED) return { ok: false, refusal: { code: "queue_full", waiting: state.queue.length } };
  return { ok: true, events: [{ kind: "queued", run }] };
}

/** S1. The run that the kernel may have now, if any; whoever sends it applies `sent`. */
export const nextRun = (state: KernelSession): Run | null =>
  state.phase === "ready" && state.current === null ? (state.queue[0] ?? null) : null;

/** Who asked for the run that a message belongs to; null: nobody here, such as a client that came by the connection file. */
export function askerOf(state: KernelSession, message: Message): HeaderOperator | null {
  const id = parentOf(message);
  if (state.current?.id === id) return state.current.by;
  return state.ended.get(id)?.by ?? null;
}

/** What a record of the bridge means. Native output and whatever is unknown mean nothing here. */
export function hear(state: KernelSession, record: BridgeRecord): KernelEvent[] {
  if (record.kind === "word") return hearWord(state, record.word as BridgeWord);
  if (record.kind !== "message" || record.incarnation !== state.incarnation) return [];
  const head = headOf(record.message.header);
  // On control a kernel answers while it runs something; on shell it does when it is past that.
  if (head?.msgType === "kernel_info_reply") return record.channel === "shell" ? hearPast(state) : [];
  return head ? hearMessage(state, head.msgType, head.msgId, record.message) : [];
}

function hearWord(state: KernelSession, word: BridgeWord): KernelEvent[] {
  const told: KernelEvent = { kind: "bridge", word };
  if (word.word === "died" && word.incarnation !== state.incarnation) return [];
  if (word.word === "refused" && state.current?.id === word.msgId) return [told, over(word.msgId, "voided")];
  const isEnd = word.word === "died" || word.word === "failed" || (word.word === "started" && state.pid !== null);
  if (isEnd && word.incarnation >= state.incarnation) return [...endings(state), told];
  return word.word === "bye" ? [...endings(state), told] : [told];
}

/** S4. */
function endings(state: KernelSession): KernelEvent[] {
  return [...(state.current ? [over(state.current.id, "lost")] : []), ...state.queue.map((run) => over(run.id, "voided"))];
}

const over = (runId: string, outcome: Outcome): KernelEvent => ({ kind: "over", runId, outcome });

function hearMessage(state: KernelSession, msgType: string, msgId: string, message: Message): KernelEvent[] {
  const runId = parentOf(message);
  const isCurrent = runId !== "" && state.current?.id === runId;
  switch (msgType) {
    case "status":
      return hearStatus(state, isCurrent ? runId : null, parsed(message.content)?.execution_state);
    case "execute_input": {
      const count = parsed(message.content)?.execution_count;
      return isCurrent && typeof count === "number" ? [{ kind: "counted", runId, executionCount: count }] : [];
    }
    case "execute_reply":
      return isCurrent ? hearReply(state, runId, String(parsed(message.content)?.status ?? "")) : [];
    case "input_request":
      return [{ kind: "prompted", prompt: promptOf(msgId, runId, message) }];
    case "display_data":
    case "execute_result":
    case "update_display_data":
      return hearDisplay(msgType === "update_display_data" ? "" : runId, message);
    case "comm_open":
    case "comm_msg":
    case "comm_close":
      return [{ kind: "comm", msgType, message }];
    default:
      return [];
  }
}

/** S5. The kernel has answered on shell what was asked after the run that is under way. */
function hearPast(state: KernelSession): KernelEvent[] {
  const { current } = state;
  if (current === null || current.phase === "queued") return [];
  if (current.replied !== null) return finished(state, current.id, current.replied);
  return current.uncertain ? [over(current.id, "unknown")] : [];
}

function hearStatus(state: KernelSession, runId: string | null, said: unknown): KernelEvent[] {
  if (typeof said !== "string") return [];
  const events: KernelEvent[] = said === state.execution ? [] : [{ kind: "said", execution: said }];
  if (runId === null) return events;
  if (said === "busy") return [...events, { kind: "running", runId }];
  if (said !== "idle") return events;
  const { replied } = state.current!;
  return [...events, { kind: "idled", runId }, ...(replied === null ? [] : finished(state, runId, replied))];
}

function hearReply(state: KernelSession, runId: string, status: string): KernelEvent[] {
  return [{ kind: "replied", runId, status }, ...(state.current!.idle ? finished(state, runId, status) : [])];
}

/** S2. A batch falls with its first failure. */
function finished(state: KernelSession, runId: string, status: string): KernelEvent[] {
  const outcome = outcomeOf(status);
  const { batch } = state.current!;
  const falls = outcome === "ok" || batch === undefined ? [] : state.queue.filter((run) => run.batch === batch);
  return [
    over(runId, outcome),
    ...falls.map((run): KernelEvent => ({ kind: "over", runId: run.id, outcome: "cancelled", because: runId })),
  ];
}

function promptOf(id: string, runId: string, message: Message): Prompt {
  const content = parsed(message.content);
  return {
    id,
    header: parsed(message.header) ?? {},
    runId,
    text: typeof content?.prompt === "string" ? content.prompt : "",
    isPassword: content?.password === true,
  };
}

function hearDisplay(runId: string, message: Message): KernelEvent[] {
  const content = parsed(message.content);
  const transient = content?.transient as Record<string, unknown> | undefined;
  const displayId = transient?.display_id;
  if (typeof displayId !== "string") return [];
  const { data = {}, metadata = {} } = content as { data?: Shown["data"]; metadata?: Shown["metadata"] };
  return [{ kind: "displayed", shown: { displayId, runId, data, metadata, bytes: message.content.length } }];
}

export function apply(state: KernelSession, event: KernelEvent): KernelSession {
  switch (event.kind) {
    case "queued":
      return { ...state, queue: [...state.queue, queued(event.run)] };
    case "sent": {
      const run = state.queue.find((one) => one.id === event.runId);
      if (!run) return state;
      return { ...state, current: { ...run, phase: "sent" }, queue: state.queue.filter((one) => one !== run) };
    }
    case "unsent": {
      const { current } = state;
      if (current?.id !== event.runId || current.phase !== "sent") return state;
      return { ...state, current: null, queue: [{ ...current, phase: "queued" }, ...state.queue] };
    }
    case "running":
      return withCurrent(state, event.runId, { phase: "running" });
    case "counted":
      return withCurrent(state, event.runId, { executionCount: event.executionCount });
    case "replied":
      return withCurrent(state, event.runId, { replied: event.status });
    case "idled":
      return withCurrent(state, event.runId, { idle: true });
    case "over":
      return applyOver(state, event.runId, event.outcome);
    case "prompted":
      return { ...state, prompt: event.prompt };
    case "answered":
      return state.prompt?.id === event.promptId ? { ...state, prompt: null } : state;
    case "said":
      return { ...state, execution: event.execution };
    case "displayed":
      return { ...state, displays: shown(state.displays, event.shown) };
    case "comm":
      return { ...state, comms: commsAfter(state.comms, event.msgType, event.message) };
    case "bridge":
      return applyWord(state, event.word);
  }
}

function withCurrent(state: KernelSession, runId: string, change: Partial<Run>): KernelSession {
  return state.current?.id === runId ? { ...state, current: { ...state.current, ...change } } : state;
}

function applyOver(state: KernelSession, runId: string, outcome: Outcome): KernelSession {
  const run = state.current?.id === runId ? state.current : state.queue.find((one) => one.id === runId);
  if (!run) return state;
  const ended = new Map(state.ended).set(runId, { by: run.by, outcome });
  for (const id of ended.keys()) if (ended.size > MAX_ENDED) ended.delete(id);
  return {
    ...state,
    current: run === state.current ? null : state.current,
    queue: state.queue.filter((one) => one !== run),
    ended,
    prompt: state.prompt?.runId === runId ? null : state.prompt,
  };
}

function applyWord(state: KernelSession, word: BridgeWord): KernelSession {
  switch (word.word) {
    case "started":
      return { ...state, ...fresh, incarnation: word.incarnation, pid: word.pid, phase: "starting" };
    case "ready":
      // It has answered on shell, and nothing was given to it yet: what it says of that is the bridge's own, and not passed on.
      return { ...state, phase: "ready", execution: "idle", info: word.info as Record<string, unknown> };
    case "adopted": {
      const current = state.current && { ...state.current, uncertain: true };
      return {
        ...state,
        incarnation: word.incarnation,
        pid: word.pid,
        phase: "ready",
        isSilent: false,
        execution: "unknown",
        current,
      };
    }
    case "heartbeat":
      return { ...state, isSilent: word.state === "silent" };
    case "died":
      return { ...state, ...fresh, phase: word.expected ? "restarting" : "dead" };
    case "failed":
      return { ...state, ...fresh, phase: "dead" };
    case "bye":
      return { ...state, ...fresh, phase: "ended" };
    default:
      return state;
  }
}

/** S4: what ends with a kernel's process. */
const fresh = {
  pid: null,
  info: null,
  execution: "unknown",
  isSilent: false,
  prompt: null,
  displays: new Map(),
  comms: new Map(),
} as const;
