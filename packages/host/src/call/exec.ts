/**
 * `hold exec`: an argv beside the terminal, in the session's directory of now and its environment as of the last prompt, else
 * of the start. It is a session of its own on pipes, so it outlives the host and its caller; the caller attaches to it.
 */
import { create, type ExecAnswer, ExecAnswerSchema, HoldError, textOf } from "@holdfast/protocol";
import { directoryOf, environmentOf } from "../session/surroundings.ts";
import type { CallContext, Result, Verb } from "./context.ts";

export async function execCall(ctx: CallContext, call: Verb<"exec">): Promise<Result> {
  return { case: "exec", value: await openBeside(ctx, call, null) };
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
  if (parent.isOver)
    throw new HoldError(
      "session_ended",
      `session ${parent.facts.name} (${parent.id}) has ended: it has no directory and environment of now`,
      { session: parent.id },
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
      parent: parent.id,
      agentForward: false,
    },
    { id: operator.id, via },
  );
  return create(ExecAnswerSchema, { session: host.shown(child), cwd, environment: of });
}
