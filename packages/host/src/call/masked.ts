/**
 * What an AI is answered: in no text of it is what is secret in the session that it is about. Output has been masked where it was read, as
 * a stream (session/masked-records.ts).
 */
import { HoldError, type ListAnswer } from "@holdfast/protocol";
import type { Host } from "../host.ts";
import type { CallContext, Result } from "./context.ts";

/** Files are what they are: who may read one reads it (docs/policy.md). What approvals say is the asker's own, or masked there (approvals.ts V2). */
const own: ReadonlySet<NonNullable<Result["case"]>> = new Set([
  ...(["fileList", "fileRead", "fileWrite", "fileWatch", "approvalList", "approvalDecide"] as const),
]);

export async function answerMasked(ctx: CallContext, answer: () => Promise<Result>): Promise<Result> {
  const { host, verb } = ctx;
  const session = verb.case && "session" in verb.value ? verb.value.session : null;
  try {
    return maskedResult(host, session, await answer());
  } catch (fault) {
    if (!(fault instanceof HoldError) || session === null) throw fault;
    const { code, message, details, cause } = fault;
    throw new HoldError(code, inside(host, session, message), inside(host, session, details), { cause });
  }
}

function maskedResult(host: Host, session: string | null, result: Result): Result {
  if (own.has(result.case)) return result;
  switch (result.case) {
    case "list":
      return { case: "list", value: { sessions: (result.value as ListAnswer).sessions.map((s) => inside(host, s.id, s)) } };
    case "open":
    case "exec":
      return { ...result, value: inside(host, result.value.session?.id ?? "", result.value) } as Result;
    default:
      return session === null ? result : ({ ...result, value: inside(host, session, result.value) } as Result);
  }
}

function inside<T>(host: Host, session: string, value: T): T {
  return host.secretsOf(session)?.inside(value) ?? value;
}
