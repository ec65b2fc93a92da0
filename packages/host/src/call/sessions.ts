/** Calls on sessions: open, list, end, and one input without an attachment. */
import { statSync } from "node:fs";
import { continuity } from "@holdfast/core";
import {
  create,
  AgentAnswerSchema,
  DoneSchema,
  FloorMode,
  FloorVerb,
  InputResultSchema,
  ListAnswerSchema,
  OpenAnswerSchema,
  SessionKind,
  EventBody_RenamedSchema,
  HoldError,
  InputStatus,
  textOf,
} from "@holdfast/protocol";
import { isAbsolute } from "node:path";
import { kernelFor } from "../kernel/launch.ts";
import { typedAct } from "../approval/gate.ts";
import type { Host } from "../host.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { confineOf } from "../operator/rights.ts";
import type { Tell } from "../session/inputs.ts";
import type { LiveSession } from "../session/session.ts";
import { checkSize } from "../session/open.ts";
import { floorOnWire } from "../session/on-wire.ts";
import type { CallContext, Result, Verb } from "./context.ts";
import { floorCommand } from "./floor-command.ts";

const done: Result = { case: "done", value: create(DoneSchema) };
/** How long a kill waits for the session's end after the forced signal. */
const KILL_WAIT_MS = 10_000;

export async function open({ host, operator, via }: CallContext, call: Verb<"open">): Promise<Result> {
  if (call.attachIfLives && call.name !== "") {
    const living = host.living(call.name);
    if (living) return { case: "open", value: create(OpenAnswerSchema, { session: host.shown(living), existed: true }) };
  }
  const command = call.exactCommand.length > 0 ? call.exactCommand.map(textOf) : call.command;
  const cwd = call.exactCwd.length > 0 ? textOf(call.exactCwd) : call.cwd;
  const pinned = call.pinned !== undefined && call.pinned.cols > 0;
  if (!isAbsolute(cwd)) throw new HoldError("bad_request", `the folder ${JSON.stringify(cwd)} must be an absolute path`);
  const env = call.env.map(textOf);
  const kernel = call.kind === SessionKind.KERNEL ? await kernelOf(call, env) : "";
  const session = await host.open(
    {
      name: call.name,
      kind: call.kind === SessionKind.PIPES || kernel !== "" ? "pipes" : "pty",
      command: kernel === "" ? command : [kernel],
      shell: call.shell,
      env,
      cwd,
      size: pinned ? checkSize(call.pinned, { cols: 80, rows: 24 }) : checkSize(call.size, { cols: 80, rows: 24 }),
      pinned,
      umask: call.umask & 0o777,
      nofile: call.nofileHard === 0n ? null : { soft: Number(call.nofileSoft), hard: Number(call.nofileHard) },
      floorMode: call.floorMode === FloorMode.OPEN || (kernel !== "" && call.floorMode !== FloorMode.TURN) ? "open" : "turn",
      ...(kernel === "" ? {} : { kernel }),
      syncInput: call.syncInput,
      group: call.group,
      ttlMs: Number(call.ttlMs),
      idleTtlMs: Number(call.idleTtlMs),
      ...(call.graceMs === undefined ? {} : { graceMs: Math.min(Number(call.graceMs), continuity.MAX_GRACE_MS) }),
      integrate: !call.noIntegration,
      parent: "",
      agentForward: call.agentForward,
    },
    { id: operator.id, via },
  );
  return { case: "open", value: create(OpenAnswerSchema, { session: host.shown(session), existed: false }) };
}

async function kernelOf(call: Verb<"open">, env: readonly string[]): Promise<string> {
  if (call.kernel === "")
    throw new HoldError("usage", "which kernel? hold kernel ls shows those that can be opened: hold new --kernel NAME");
  if (call.command.length > 0 || call.exactCommand.length > 0)
    throw new HoldError("bad_request", "a kernel session runs its kernel: give it no command");
  return (await kernelFor(env, call.kernel)).name;
}

/** Whether it is in the list that this operator asks for. */
export function isListed(
  host: Host,
  operator: RegisteredOperator,
  wanted: Pick<Verb<"list">, "all" | "group">,
  session: LiveSession,
): boolean {
  const confine = confineOf(operator);
  return (
    (confine === null || session.id === confine) &&
    (wanted.all || (!session.isOver && host.parentOf(session) === "")) &&
    (wanted.group === "" || session.facts.group === wanted.group) &&
    host.gate.allows(operator, "observe", session)
  );
}

export async function list({ host, operator }: CallContext, call: Verb<"list">): Promise<Result> {
  const sessions = [...host.sessions.values()]
    .filter((s) => isListed(host, operator, call, s))
    .sort((a, b) => a.facts.createdAt - b.facts.createdAt)
    .map((s) => host.shown(s));
  return { case: "list", value: create(ListAnswerSchema, { sessions }) };
}

export async function show({ host }: CallContext, call: Verb<"show">): Promise<Result> {
  return { case: "session", value: host.shown(host.find(call.session)) };
}

/** Answers when the session has ended. */
export async function kill({ host, operator, via, signal }: CallContext, call: Verb<"kill">): Promise<Result> {
  const session = host.find(call.session);
  if (session.isOver)
    throw new HoldError("session_ended", `session ${session.facts.name} (${session.id}) has ended already`, {
      session: session.id,
    });
  const graceMs = Math.min(Number(call.graceMs), 600_000);
  session.kill(graceMs, { id: operator.id, via });
  await ended(session, signal, graceMs + KILL_WAIT_MS, host.ports);
  return { case: "session", value: host.shown(session) };
}

function ended(session: LiveSession, signal: AbortSignal, withinMs: number, ports: CallContext["host"]["ports"]): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = session.listen(() => {
      if (session.isOver) finish(resolve);
    });
    const late = ports.wakeAt((ports.clock.monoMs() + withinMs) as never, () =>
      finish(() =>
        reject(new HoldError("timed_out", `session ${session.id} still has processes that do not end; hold show ${session.id}`)),
      ),
    );
    const gone = (): void => finish(() => reject(new HoldError("cancelled", "the caller left")));
    signal.addEventListener("abort", gone, { once: true });
    function finish(then: () => void): void {
      stop();
      late();
      signal.removeEventListener("abort", gone);
      then();
    }
  });
}

export async function signal({ host, operator, via }: CallContext, call: Verb<"signal">): Promise<Result> {
  const target = call.target === "leader" || call.target === "tree" ? call.target : "foreground";
  if (call.signal < 1 || call.signal > 64) throw new HoldError("bad_request", `no signal ${call.signal}`);
  host.find(call.session).signal(target, call.signal, { id: operator.id, via });
  return done;
}

export async function rename({ host, operator, via }: CallContext, call: Verb<"rename">): Promise<Result> {
  const session = host.find(call.session);
  host.checkName(call.name, session);
  session.record({ id: operator.id, via }, { case: "renamed", value: create(EventBody_RenamedSchema, { name: call.name }) });
  return done;
}

export async function remove({ host, operator, via, signal: abort }: CallContext, call: Verb<"remove">): Promise<Result> {
  const session = host.find(call.session);
  if (call.force && !session.isOver) {
    session.kill(1_000, { id: operator.id, via });
    await ended(session, abort, KILL_WAIT_MS, host.ports);
  }
  host.remove(session, { id: operator.id, via });
  return done;
}

export async function resize({ host, operator, via }: CallContext, call: Verb<"resize">): Promise<Result> {
  const session = host.find(call.session);
  if (session.isOver)
    throw new HoldError("session_ended", `session ${session.facts.name} (${session.id}) has ended`, { session: session.id });
  session.resize(checkSize(call.size, session.facts.size), !call.unpin, { id: operator.id, via });
  return done;
}

export async function changeFloor({ host, operator, via }: CallContext, call: Verb<"floor">): Promise<Result> {
  const session = host.find(call.session);
  host.demand(
    operator,
    call.verb === FloorVerb.AI_PAUSE || call.verb === FloorVerb.AI_RESUME ? "floor.pause_ai" : "session.input",
    session.id,
  );
  if (session.isOver)
    throw new HoldError("session_ended", `session ${session.facts.name} (${session.id}) has ended`, { session: session.id });
  session.changeFloor(floorCommand(host, session, operator, "", call.verb, call.to), { id: operator.id, via });
  return { case: "floor", value: floorOnWire(session.floor, host.ports.clock) };
}

/** One frame; answers when it is settled. A program that does not read is told after a second as `input_blocked`; the frame stays queued. */
export function send({ host, operator, via, signal }: CallContext, call: Verb<"send">): Promise<Result> {
  const session = host.find(call.session);
  const { input } = call;
  if (!input) throw new HoldError("bad_request", "nothing to send");
  checkWriter(call.writer);
  if (call.again && session.lastN(`${operator.id}/${call.writer}`) < input.n)
    throw new HoldError(
      "writer_unknown",
      `no such input is known in session ${session.facts.name || session.id}; nothing was typed`,
      {
        session: session.id,
      },
    );
  if (call.take && !call.again && !host.gate.isAsked(operator, typedAct(session, input)))
    session.changeFloor(floorCommand(host, session, operator, "", FloorVerb.TAKE, ""), { id: operator.id, via });
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(new HoldError("cancelled", "the caller left; what was sent stays sent")), {
      once: true,
    });
    const tell: Tell = (r) => {
      if (r.error && (r.status === InputStatus.REFUSED || r.status === InputStatus.UNSPECIFIED)) return reject(r.error);
      // With an error, no word of the disk will follow.
      if (input.durable && !r.durable && !r.error && r.status === InputStatus.APPLIED) return;
      resolve({
        case: "send",
        value: create(InputResultSchema, {
          n: BigInt(r.n),
          seq: BigInt(r.seq),
          status: r.status,
          bytes: r.bytes,
          durable: r.durable ?? false,
          ...(r.error ? { error: { code: r.error.code, message: r.error.message } } : {}),
        }),
      });
    };
    session.offer(operator, via, null, `${operator.id}/${call.writer}`, input, tell, { patience: signal });
  });
}

/** A writer's name is in every record of its input. */
export function checkWriter(writer: string): void {
  if (writer.length < 8 || writer.length > 64)
    throw new HoldError("bad_request", `a writer's name has 8 to 64 characters, not ${writer.length}`);
}

/** Points the session's stable SSH agent path at this operator's agent (opt-in: the session was opened with it). */
export async function agent({ host, operator }: CallContext, call: Verb<"agent">): Promise<Result> {
  const session = host.find(call.session);
  if (!isAbsolute(call.path) || !statSync(call.path, { throwIfNoEntry: false })?.isSocket())
    throw new HoldError("bad_request", `${JSON.stringify(call.path)} is no socket`);
  const path = host.pointAgent(session, call.path, operator.id);
  return { case: "agent", value: create(AgentAnswerSchema, { path }) };
}
