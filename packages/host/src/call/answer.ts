/** Calls: one request, one answer (or a stream of them). This file knows which right each verb needs; the handlers stand beside it. */
import type { Capability, Deed } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import { confineOf } from "../operator/rights.ts";
import { operatorOf } from "../session/steering.ts";
import { admitAi } from "./admission.ts";
import { auditRead, auditVerify } from "./audit.ts";
import { approvalDecide, approvalList, approvalWatch } from "./approvals.ts";
import { type Asking, type CallContext, demandCaller, type Result } from "./context.ts";
import { execCall } from "./exec.ts";
import { fileWrite } from "./file-write.ts";
import * as files from "./files.ts";
import { hostLog } from "./host-log.ts";
import { invitationList, invitationRevoke, invite } from "./invitations.ts";
import { kernelCall, kernelSpecs } from "./kernel.ts";
import * as machine from "./machine.ts";
import * as mirror from "./mirror.ts";
import { answerMasked } from "./masked.ts";
import { policyCall, policySave } from "./policy.ts";
import { policyTry } from "./policy-try.ts";
import { approvalAnswer, askCall } from "./questions.ts";
import * as reading from "./reading.ts";
import { runCall } from "./run.ts";
import { sessionWatch } from "./session-watch.ts";
import * as sessions from "./sessions.ts";
import { waitCall } from "./wait.ts";
import { witnessAccept, witnessCall } from "./witness.ts";

export type { CallContext } from "./context.ts";

/** The right that each verb needs; null: every known operator. Who reads the history only (an auditor) finds sessions, and sees no screen. */
export const rights = {
  open: "session.create",
  list: "history.read",
  sessionWatch: "history.read",
  show: "history.read",
  screen: "session.observe",
  wait: "session.observe",
  signal: "session.signal",
  kill: "session.terminate",
  rename: "session.create",
  remove: "session.terminate",
  floor: null,
  resize: "session.resize",
  operatorAdd: "policy.write",
  operatorList: null,
  operatorRevoke: "policy.write",
  operatorLink: "policy.write",
  // A person's own keys are theirs to add and to take away: see the handlers.
  keyRevoke: null,
  keyAdd: null,
  invite: null,
  whoami: null,
  hostStatus: null,
  hostDown: "host.admin",
  hostLog: "host.admin",
  mirror: "host.admin",
  mirrorStatus: "audit.read",
  // And never an AI: see the handler.
  mirrorKey: "audit.read",
  console: "host.admin",
  relayJoin: "host.admin",
  relayLeave: "host.admin",
  run: "session.input",
  exec: "session.input",
  redact: "redact",
  auditHead: "audit.read",
  // And never an AI: see the handlers.
  auditRead: "audit.read",
  auditVerify: "audit.read",
  probe: "session.observe",
  agent: "session.input",
  send: "session.input",
  search: "history.read",
  invitationList: "host.admin",
  invitationRevoke: "host.admin",
  // Who may type may read whatever the session's user may.
  fileList: "session.input",
  fileRead: "session.input",
  fileWrite: "session.input",
  fileWatch: "session.input",
  portList: "session.observe",
  // Everybody may know the rules that hold; loading others asks for its right itself.
  policy: null,
  policySave: "policy.write",
  policyTry: null,
  // Of what they may see: their own requests, and of all who decides or audits.
  approvalList: null,
  approvalWatch: null,
  approvalDecide: "approve",
  // One for a secret asks for the right to type itself.
  ask: "session.observe",
  // To look; what else is asked has rights of its own: see the handler.
  kernel: "session.observe",
  kernelSpecs: "session.create",
  approvalAnswer: "session.input",
  // A head says how many records there are, and nothing of them.
  witness: null,
  witnessAccept: "host.admin",
} as const satisfies Record<NonNullable<CallContext["verb"]["case"]>, Capability | null>;

/** What goes beside the terminal (core/floor F8), and whether it disturbs who steers there. Typing and the floor refuse by themselves. */
const beside = {
  signal: true,
  kill: true,
  resize: true,
  rename: false,
  remove: false,
  exec: false,
  agent: false,
  fileList: false,
  fileRead: false,
  fileWrite: false,
  fileWatch: false,
} as const satisfies Partial<Record<NonNullable<CallContext["verb"]["case"]>, boolean>>;

/** Who is confined to a session (a guest, or a grant for one) calls on that, which from here on goes by its id, asks who they are, and keeps heads; there is nothing else for them. */
function admitConfined({ host, operator, verb }: Asking, confine: string): void {
  if (verb.case === undefined || verb.case === "whoami" || verb.case === "witness") return;
  const right = rights[verb.case];
  const isList = verb.case === "list" || verb.case === "sessionWatch";
  const called = "session" in verb.value && verb.case !== "invite" ? verb.value : null;
  // Which right it needs hangs on what is asked (the floor's verbs): the handler demands it, of that session.
  if (!called || right !== null) host.demand(operator, right ?? "host.admin", called || isList ? confine : null);
  if (called) called.session = host.findFor(operator, called.session).id;
}

function demand(ctx: Asking): void {
  const { host, operator, verb } = ctx;
  const right = verb.case && rights[verb.case];
  const confine = confineOf(operator);
  if (confine !== null) admitConfined(ctx, confine);
  else if (right) host.demand(operator, right, null);
}

/** Core/floor F8, of an AI's call. */
function refuseBeside({ host, operator, verb }: Asking): void {
  if (!verb.case || !(verb.case in beside)) return;
  const session = host.find((verb.value as { session: string }).session);
  session.refuseBeside(operatorOf(operator), beside[verb.case as keyof typeof beside]);
  host.gate.demandUnpaused(operator, session);
}

/** Throws where this operator may not make that call now; what a person would be asked about is left to {@link admitCall}. A guest's call goes by their session's id from here on. */
export function demandCall(ctx: Asking): void {
  const { operator, verb } = ctx;
  if (verb.case === undefined)
    throw new HoldError(
      "unsupported",
      "this host does not know that call; it may be older than its client: hold host down && hold host up",
    );
  demand(ctx);
  if (operator.kind === "ai") refuseBeside(ctx);
}

/** Rejects where this operator may not make that call now. An AI's waits for a person where the policy says so. */
export async function admitCall(ctx: Asking): Promise<void> {
  demandCall(ctx);
  // Looked at again when a person was asked meanwhile.
  if (ctx.operator.kind === "ai" && (await admitAi(ctx))) demandCall(ctx);
}

export async function answerCall(ctx: CallContext): Promise<Result> {
  return ctx.operator.kind === "ai" ? answerMasked(ctx, () => answered(ctx)) : answered(ctx);
}

async function answered(ctx: CallContext): Promise<Result> {
  await admitCall(ctx);
  demandCaller(ctx.signal);
  return ctx.operator.kind === "ai" ? handledInSight(ctx) : handled(ctx);
}

/** What follows a session, and under which deed of the policy an AI may do so (approval/sight.ts S1). */
const follows = { run: "observe", wait: "observe", fileWatch: "files.read" } as const satisfies Partial<
  Record<NonNullable<CallContext["verb"]["case"]>, Deed>
>;

async function handledInSight(ctx: CallContext): Promise<Result> {
  const { host, operator, verb } = ctx;
  if (verb.case !== "run" && verb.case !== "wait" && verb.case !== "fileWatch") return handled(ctx);
  const sight = host.sight.following(operator, follows[verb.case], host.find(verb.value.session));
  try {
    const result = await handled({ ...ctx, signal: AbortSignal.any([ctx.signal, sight.signal]) });
    sight.signal.throwIfAborted();
    return result;
  } catch (fault) {
    throw sight.signal.aborted ? sight.signal.reason : fault;
  } finally {
    sight.stop();
  }
}

async function handled(ctx: CallContext): Promise<Result> {
  const { verb } = ctx;
  switch (verb.case) {
    case undefined:
      throw new HoldError("unsupported", "no call");
    case "open":
      return sessions.open(ctx, verb.value);
    case "list":
      return sessions.list(ctx, verb.value);
    case "sessionWatch":
      return sessionWatch(ctx, verb.value);
    case "show":
      return sessions.show(ctx, verb.value);
    case "kill":
      return sessions.kill(ctx, verb.value);
    case "signal":
      return sessions.signal(ctx, verb.value);
    case "rename":
      return sessions.rename(ctx, verb.value);
    case "remove":
      return sessions.remove(ctx, verb.value);
    case "resize":
      return sessions.resize(ctx, verb.value);
    case "floor":
      return sessions.changeFloor(ctx, verb.value);
    case "send":
      return sessions.send(ctx, verb.value);
    case "agent":
      return sessions.agent(ctx, verb.value);
    case "screen":
      return reading.screen(ctx, verb.value);
    case "search":
      return reading.search(ctx, verb.value);
    case "probe":
      return reading.probe(ctx, verb.value);
    case "redact":
      return reading.redact(ctx, verb.value);
    case "auditHead":
      return reading.auditHead(ctx, verb.value);
    case "auditRead":
      return auditRead(ctx, verb.value);
    case "auditVerify":
      return auditVerify(ctx);
    case "wait":
      return waitCall(ctx, verb.value);
    case "run":
      return runCall(ctx, verb.value);
    case "kernel":
      return kernelCall(ctx, verb.value);
    case "kernelSpecs":
      return kernelSpecs(ctx, verb.value);
    case "exec":
      return execCall(ctx, verb.value);
    case "operatorAdd":
      return machine.operatorAdd(ctx, verb.value);
    case "operatorList":
      return machine.operatorList(ctx);
    case "operatorRevoke":
      return machine.operatorRevoke(ctx, verb.value);
    case "operatorLink":
      return machine.operatorLink(ctx, verb.value);
    case "keyRevoke":
      return machine.keyRevoke(ctx, verb.value);
    case "keyAdd":
      return machine.keyAdd(ctx, verb.value);
    case "invite":
      return invite(ctx, verb.value);
    case "invitationList":
      return invitationList(ctx);
    case "invitationRevoke":
      return invitationRevoke(ctx, verb.value);
    case "fileList":
      return files.fileList(ctx, verb.value);
    case "fileRead":
      return files.fileRead(ctx, verb.value);
    case "fileWrite":
      return fileWrite(ctx, verb.value);
    case "fileWatch":
      return files.fileWatch(ctx, verb.value);
    case "portList":
      return reading.portList(ctx, verb.value);
    case "policy":
      return policyCall(ctx, verb.value);
    case "policySave":
      return policySave(ctx, verb.value);
    case "policyTry":
      return policyTry(ctx, verb.value);
    case "approvalList":
      return approvalList(ctx);
    case "approvalWatch":
      return approvalWatch(ctx);
    case "approvalDecide":
      return approvalDecide(ctx, verb.value);
    case "ask":
      return askCall(ctx, verb.value);
    case "approvalAnswer":
      return approvalAnswer(ctx, verb.value);
    case "whoami":
      return machine.whoami(ctx);
    case "hostStatus":
      return machine.hostStatus(ctx);
    case "hostDown":
      return machine.hostDown(ctx, verb.value);
    case "hostLog":
      return hostLog(ctx, verb.value);
    case "mirror":
      return mirror.mirror(ctx, verb.value);
    case "mirrorStatus":
      return mirror.mirrorStatus(ctx);
    case "mirrorKey":
      return mirror.mirrorKey(ctx);
    case "console":
      return machine.consoleCall(ctx, verb.value);
    case "relayJoin":
      return machine.relayJoin(ctx, verb.value);
    case "relayLeave":
      return machine.relayLeave(ctx, verb.value);
    case "witness":
      return witnessCall(ctx, verb.value);
    case "witnessAccept":
      return witnessAccept(ctx);
  }
}
