/** {@link Approvals} over calls. */
import { HoldError, textOf, type Approval as OnWire } from "@holdfast/protocol";
import type { Approval, Approvals } from "../api/index.ts";
import type { CallVerb, Result } from "./connection.ts";

export type AskApprovals = <K extends Result["case"]>(
  expects: K,
  verb: CallVerb,
  options?: { readonly signal?: AbortSignal | undefined; readonly more?: (r: Result) => void | Promise<void> },
) => Promise<Extract<Result, { case: K }>>;

export function approvalsOf(ask: AskApprovals): Approvals {
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
    deny: (approval, reason = "") => decide(approval, false, reason),
  };
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
  };
}
