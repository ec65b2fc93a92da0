/** {@link Approvals} over calls. */
import { HoldError, textOf, type Approval as OnWire } from "@holdfast/protocol";
import type { Approval, Approvals } from "../api/index.ts";
import type { CallVerb, Result } from "./connection.ts";

export type AskApprovals = <K extends Result["case"]>(
  expects: K,
  verb: CallVerb,
  options?: { readonly signal?: AbortSignal | undefined; readonly more?: (r: Result) => void | Promise<void> },
) => Promise<Extract<Result, { case: K }>>;

type AnswerCall = Omit<Extract<CallVerb, { case: "approvalAnswer" }>["value"], "approval" | "binding">;

export function approvalsOf(ask: AskApprovals): Approvals {
  const say = async ({ id: approval, binding }: Approval, said: AnswerCall): Promise<Approval> => {
    const value = { ...said, approval, binding };
    return shown((await ask("approvalDecide", { case: "approvalAnswer", value })).value);
  };
  const decide = async (approval: Approval, allow: boolean, reason: string): Promise<Approval> => {
    const value = { approval: approval.id, allow, reason, binding: approval.binding };
    return shown((await ask("approvalDecide", { case: "approvalDecide", value })).value);
  };
  return {
    async list() {
      return (await ask("approvalList", { case: "approvalList", value: {} })).value.approvals.map(shown);
    },
    async watch(told, signal) {
      await ask(
        "approvalList",
        { case: "approvalWatch", value: {} },
        {
          signal,
          more: (r) => {
            if (r.case === "approvalList") told(r.value.approvals.map(shown));
          },
        },
      ).catch((fault: unknown) => {
        if (!(fault instanceof HoldError && fault.code === "cancelled")) throw fault;
      });
    },
    allow: (approval) => decide(approval, true, ""),
    deny: (approval, reason = "") =>
      isQuestion(approval) ? say(approval, { decline: true, text: reason }) : decide(approval, false, reason),
    answer: (approval, text) => say(approval, { text }),
    takeOver: (approval) => say(approval, { take: true }),
    give: (approval, secret) => say(approval, { secret }),
    async ask(session, question, options = {}) {
      const value = {
        session,
        question,
        options: [...(options.options ?? [])],
        handoff: options.handoff ?? false,
        secret: options.secret ?? false,
        id: options.id ?? "",
        ttlMs: BigInt(options.ttlMs ?? 0),
        waitMs: BigInt(options.waitMs ?? 0),
      };
      const { value: a } = await ask("ask", { case: "ask", value }, { signal: options.signal });
      const { approval, text, by, byName } = a;
      return { approval, text, by, byName, outcome: a.outcome === "handed" ? "handed" : "answered", seq: Number(a.seq) };
    },
  };
}

function isQuestion({ deed }: Approval): boolean {
  return deed === "question" || deed === "secret";
}

function shown(a: OnWire): Approval {
  return {
    id: a.id,
    session: a.session || null,
    sessionName: a.sessionName,
    deed: a.deed,
    actor: a.actor,
    actorName: a.actorName,
    onBehalfOf: a.onBehalfOf,
    state: a.state as Approval["state"],
    by: a.by,
    reason: a.reason,
    askedUnixMs: Number(a.askedUnixMs),
    expiresUnixMs: Number(a.expiresUnixMs),
    leftMs: Number(a.leftMs),
    what: a.what,
    argv: a.argv.map(textOf),
    data: a.data,
    dataBytes: Number(a.dataBytes),
    cwd: textOf(a.cwd),
    executable: a.executable.length > 0 ? textOf(a.executable) : null,
    env: a.env.map(textOf),
    epoch: Number(a.epoch),
    binding: a.binding,
    mayDecide: a.mayDecide,
    options: a.options,
    handoff: a.handoff,
    reads: a.reads || null,
  };
}
