/**
 * Calls on what AIs have asked for (approval/approvals.ts): who sees which requests, and a person's word on one.
 *
 *   V1  All requests are seen by who decides or audits, as they come (a narrowed grant is neither unless it names that); others see those that
 *       they are among the actors of, or may answer.
 *   V2  An AI that is not among the actors is shown no bytes that are typed and no environment, and no secret in the rest.
 */
import { MonotonicMs } from "@holdfast/core";
import { ApprovalListAnswerSchema, ApprovalSchema, bytesOf, create, type Approval as OnWire } from "@holdfast/protocol";
import type { Request } from "../approval/approvals.ts";
import type { Host } from "../host.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { CallContext, Result, Verb } from "./context.ts";

/** How soon a caller that does not keep up is looked at again. */
const ROOM_MS = 100;

export async function approvalList(ctx: CallContext): Promise<Result> {
  return listFor(ctx);
}

/** Streams the list, now and after each change, until the caller gives up. A slow caller gets the newest, once there is room. */
export function approvalWatch(ctx: CallContext): Promise<Result> {
  const { gate, ports } = ctx.host;
  return new Promise((resolve) => {
    let told = "";
    let stopLooking: (() => void) | null = null;
    const tell = (): void => {
      const result = listFor(ctx);
      const state = JSON.stringify(result.value.approvals.map(({ id, state: s }) => [id, s]));
      if (state === told) return;
      if (!ctx.hasRoom()) return again();
      told = state;
      ctx.more(result);
    };
    const again = (): void => {
      stopLooking ??= ports.wakeAt(MonotonicMs(ports.clock.monoMs() + ROOM_MS), () => {
        stopLooking = null;
        tell();
      });
    };
    const stop = gate.approvals.listen(tell);
    const over = (): void => {
      stop();
      stopLooking?.();
      resolve(listFor(ctx));
    };
    if (ctx.signal.aborted) return over();
    ctx.signal.addEventListener("abort", over, { once: true });
    tell();
  });
}

export async function approvalDecide(ctx: CallContext, call: Verb<"approvalDecide">): Promise<Result> {
  const { host, operator, keyId = "", via } = ctx;
  const request = host.gate.approvals.decide(call.approval, operator, via, {
    mayApprove: mayApprove(host, operator),
    isProtected: host.registry.isProtected(operator.id, keyId),
    allow: call.allow,
    binding: Buffer.from(call.binding).toString("hex"),
    why: call.reason,
  });
  return { case: "approvalDecide", value: shown(host, operator, request) };
}

/** How many an operator may decide on, and how many AIs of theirs have asked for. */
export function waitingFor(host: Host, operator: RegisteredOperator): { readonly waiting: number; readonly own: number } {
  const pending = host.gate.approvals.list().filter((r) => r.approval.phase.name === "pending");
  const waiting = pending.filter((r) => maySay(host, operator, r)).length;
  const own = pending.filter((r) => !r.question && r.approval.actors.includes(operator.id)).length;
  return { waiting, own };
}

function mayApprove(host: Host, operator: RegisteredOperator): boolean {
  return host.may(operator, "approve", null);
}

/** Core/approval Q5. */
export function mayAnswer(host: Host, operator: RegisteredOperator, request: Request): boolean {
  return operator.kind === "human" && host.may(operator, "session.input", request.bound.session);
}

/** Decides on it, or answers it. */
function maySay(host: Host, operator: RegisteredOperator, request: Request): boolean {
  if (request.question) return mayAnswer(host, operator, request);
  return mayApprove(host, operator) && !request.approval.actors.includes(operator.id);
}

function listFor({ host, operator }: CallContext): Extract<Result, { case: "approvalList" }> {
  const seesAll = mayApprove(host, operator) || host.may(operator, "audit.read", null);
  const seen = host.gate.approvals
    .list()
    .filter((r) => seesAll || r.approval.actors.includes(operator.id) || maySay(host, operator, r));
  const approvals = seen.map((request) => shown(host, operator, request));
  return { case: "approvalList", value: create(ApprovalListAnswerSchema, { approvals }) };
}

export function shown(host: Host, asks: RegisteredOperator, request: Request): OnWire {
  const { approval, bound, by, shown: seen, question } = request;
  const { phase } = approval;
  const isOthers = asks.kind === "ai" && !approval.actors.includes(asks.id);
  const told = (text: string): string => (isOthers ? (host.secretsOf(bound.session)?.text(text) ?? text) : text);
  return create(ApprovalSchema, {
    id: approval.id,
    session: bound.session,
    sessionName: seen.sessionName,
    deed: bound.deed,
    actor: by.id,
    actorName: by.name,
    onBehalfOf: [...bound.actors.slice(1)],
    state: phase.name === "over" ? phase.outcome : phase.name,
    by: phase.name === "pending" ? "" : phase.by,
    reason: phase.name === "over" ? phase.why : "",
    askedUnixMs: BigInt(request.askedUnixMs),
    expiresUnixMs: BigInt(request.expiresUnixMs),
    leftMs: BigInt(Math.max(0, Math.ceil(approval.expiresAt - host.ports.clock.monoMs()))),
    what: told(bound.what).toWellFormed(),
    argv: seen.argv.map((arg) => bytesOf(told(arg))),
    data: isOthers ? new Uint8Array(0) : seen.data,
    dataBytes: BigInt(seen.dataBytes),
    cwd: bytesOf(bound.cwd),
    executable: bytesOf(seen.executable),
    env: isOthers ? [] : seen.env.map(bytesOf),
    epoch: BigInt(bound.epoch),
    binding: Buffer.from(approval.binding, "hex"),
    mayDecide: phase.name === "pending" && maySay(host, asks, request),
    ...(question && {
      options: [...question.options],
      handoff: question.handoff,
      reads: readsFor(host, asks, request).toWellFormed(),
    }),
  });
}

/** What a program printed before its cursor. An AI is shown no secret in it. */
function readsFor(host: Host, { kind }: RegisteredOperator, { bound, question }: Request): string {
  const reads = question?.reads ?? "";
  return kind === "ai" ? (host.secretsOf(bound.session)?.text(reads) ?? reads) : reads;
}
