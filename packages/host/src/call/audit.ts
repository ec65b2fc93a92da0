/** Calls that read the record of the whole host. No AI makes them: what is secret in a session is masked by what that session knows, and here are all of them. */
import { AuditVerifyAnswerSchema, create, HoldError } from "@holdfast/protocol";
import type { AuditReader } from "../audit/reader.ts";
import type { CallContext, Result, Verb } from "./context.ts";

/** A caller is told often enough to see it move. */
const TOLD_MS = 200;

export async function auditRead(ctx: CallContext, call: Verb<"auditRead">): Promise<Result> {
  const reader = readerFor(ctx);
  const { host, signal } = ctx;
  const session = call.ofSession === "" ? null : [...host.sessions.values()].find(({ facts }) => facts.name === call.ofSession);
  const page = await reader.read({ ...call, ofSession: session?.id ?? call.ofSession }, signal);
  return { case: "auditRead", value: page };
}

export async function auditVerify(ctx: CallContext): Promise<Result> {
  const { host, signal, more, hasRoom } = ctx;
  const { clock } = host.ports;
  let toldAt = -TOLD_MS;
  const answer = await readerFor(ctx).verify((doneBytes, totalBytes) => {
    const now = clock.monoMs();
    if ((now - toldAt < TOLD_MS && doneBytes < totalBytes) || !hasRoom()) return;
    toldAt = now;
    const value = create(AuditVerifyAnswerSchema, { doneBytes: BigInt(doneBytes), totalBytes: BigInt(totalBytes) });
    more({ case: "auditVerify", value });
  }, signal);
  return { case: "auditVerify", value: answer };
}

function readerFor({ host, operator }: CallContext): AuditReader {
  if (operator.kind === "ai")
    throw new HoldError("not_permitted", "no AI reads the record of the whole host: it reads the sessions that it may see");
  if (!host.audit) throw new HoldError("unsupported", "this host does not read its record for others");
  return host.audit;
}
