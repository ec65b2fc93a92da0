/**
 * `hold exec`: an argv beside the terminal, in the session's directory of now and its environment as of the last prompt, else
 * of the start. It is a session of its own on pipes, so it outlives the host and its caller; the caller attaches to it.
 *
 *   X1  Its id follows from who asks and from their request, so the same request again finds it, whichever host answers, and starts
 *       nothing more: also not where the host died before the program was started, which is told as the failure that it is, nor
 *       where the session was removed since.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { create, type ExecAnswer, ExecAnswerSchema, HoldError, textOf } from "@holdfast/protocol";
import { confineOf } from "../operator/rights.ts";
import { startFault } from "../session/open.ts";
import type { LiveSession } from "../session/session.ts";
import { directoryOf, environmentOf } from "../session/surroundings.ts";
import { demandMeant } from "./again.ts";
import type { Asking, CallContext, Result, Verb } from "./context.ts";
import { checkWriter } from "./sessions.ts";

export async function execCall(ctx: CallContext, call: Verb<"exec">): Promise<Result> {
  if (call.request !== "") checkWriter(call.request);
  const begun = begunBefore(ctx, call);
  const value = begun ? await answerAgain(ctx, begun) : await openBeside(ctx, call, null);
  return { case: "exec", value };
}

/** X1: what this request has become already; null if nothing. Throws where nobody can tell any more how that ended. */
export function begunBefore({ host, operator }: Pick<Asking, "host" | "operator">, call: Verb<"exec">): LiveSession | null {
  const id = call.request === "" ? null : idOf(operator.id, call.request);
  if (id !== null && host.ports.journal.isRemoved(id))
    throw new HoldError(
      "code_unknown",
      `this was started as session ${id}, which has been removed since: how it ended is not known any more, and it is not started again`,
      { session: id },
    );
  const session = id === null ? null : host.withId(id);
  if (!session || session.facts.openedBy !== operator.id) return null;
  const confine = confineOf(operator);
  const parent = host.parentOf(session);
  return parent === "" || (confine !== null && parent !== confine) ? null : session;
}

/** As the host makes ids of chance: 10 characters of 5 bits. */
function idOf(operator: string, request: string): string {
  const digest = createHash("sha256").update(`${operator}/${request}`).digest();
  return Array.from(digest.subarray(0, 10), (byte) => "0123456789abcdefghjkmnpqrstvwxyz"[byte & 31]).join("");
}

/** The same request is under way on another link, or was when a host died. */
async function answerAgain({ host, signal }: CallContext, child: LiveSession): Promise<ExecAnswer> {
  if (child.facts.state === "opening")
    await new Promise<void>((resolve) => {
      const stop = child.listen(() => {
        if (child.facts.state !== "opening") over();
      });
      const over = (): void => {
        stop();
        resolve();
      };
      signal.addEventListener("abort", over, { once: true });
    });
  const parent = host.parentOf(child);
  if (child.facts.state === "failed") throw startFault(child, parent);
  const environment = existsSync(host.environmentPath(parent)) ? "prompt" : "start";
  return create(ExecAnswerSchema, { session: host.shown(child), cwd: child.facts.cwd, environment });
}

/** A terminal of the command's own, in place of pipes. */
export interface OwnTerminal {
  readonly size: { readonly cols: number; readonly rows: number };
  /** Its TERM; empty: as the session has it. */
  readonly term: string;
}

export async function openBeside(
  { host, operator, via }: Pick<CallContext, "host" | "operator" | "via">,
  call: Verb<"exec">,
  terminal: OwnTerminal | null,
): Promise<ExecAnswer> {
  const parent = host.find(call.session);
  demandMeant(parent, call.again, host.ports);
  if (parent.isOver)
    throw new HoldError(
      "session_ended",
      `session ${parent.facts.name} (${parent.id}) has ended: it has no directory and environment of now`,
      { session: parent.id },
    );
  // X2.
  const root = host.parentOf(parent) || parent.id;
  if (root !== parent.id && confineOf(operator) === parent.id)
    throw new HoldError(
      "not_permitted",
      `${operator.name} is let into the command ${parent.id} and nothing else here: what would run beside it is outside of that`,
      { operator: operator.id },
    );
  if (call.argv.length === 0) throw new HoldError("usage", "hold exec SESSION -- CMD…: no command given");
  const { env, of } = environmentOf(parent, host.environmentPath(parent.id));
  const cwd = directoryOf(parent);
  const child = await host.open(
    {
      name: "",
      kind: terminal ? "pty" : "pipes",
      command: call.exactArgv.length > 0 ? call.exactArgv.map(textOf) : call.argv,
      shell: "",
      env: terminal?.term ? [...env.filter((kv) => !kv.startsWith("TERM=")), `TERM=${terminal.term}`] : env,
      cwd,
      size: terminal?.size ?? parent.facts.size,
      pinned: false,
      umask: call.umask & 0o777,
      nofile: null,
      floorMode: "open",
      syncInput: false,
      group: parent.facts.group,
      ttlMs: 0,
      idleTtlMs: 0,
      integrate: false,
      parent: root,
      agentForward: false,
    },
    { id: operator.id, via },
    call.request === "" ? undefined : idOf(operator.id, call.request),
  );
  return create(ExecAnswerSchema, { session: host.shown(child), cwd, environment: of });
}
