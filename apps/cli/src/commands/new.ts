/** `hold new`: opens a session, then attaches. */
import { escapeText, type OpenSpec } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import type { TerminalSize } from "../read/size.ts";
import { sessionJson } from "../show/session.ts";

interface NewFlags {
  detached: boolean;
  attach: boolean;
  pipes: boolean;
  kernel: string | undefined;
  cwd: string | undefined;
  env: readonly string[];
  size: TerminalSize | undefined;
  group: string | undefined;
  floor: "turn" | "open" | undefined;
  syncInput: boolean;
  ttl: number | undefined;
  idleTtl: number | undefined;
  grace: number | undefined;
  noIntegration: boolean;
  agentForward: boolean;
  json: boolean;
}

/** The caller's environment with `K=V` set and `K` taken out. */
export function environment(
  base: Readonly<Record<string, string | undefined>>,
  changes: readonly string[],
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [key, value] of Object.entries(base)) if (value !== undefined) env[key] = value;
  for (const change of changes) {
    const at = change.indexOf("=");
    const key = at < 0 ? change : change.slice(0, at);
    if (key === "" || key.includes("\0")) throw usage(`--env takes K=V, or K to take it out; got ${JSON.stringify(change)}`);
    if (at < 0) delete env[key];
    else env[key] = change.slice(at + 1);
  }
  return env;
}

export async function run(context: Context, flags: NewFlags, args: readonly string[]): Promise<number | undefined> {
  // What a name may be is the host's to say.
  const name = args[0];
  if (name === "") throw usage("the NAME is empty; leave it away, and the session is called after its program");
  if (context.tail?.length === 0) throw usage("no command stands after `--`; leave `--` away for your shell");
  if (flags.pipes && !context.tail) throw usage("--pipes needs a command: `hold new NAME --pipes -- CMD…`");
  if (flags.kernel !== undefined && (flags.pipes || context.tail))
    throw usage("a kernel session runs its kernel: leave --pipes and the command away");
  if (flags.attach && name === undefined) throw usage("-A needs a NAME: `hold new NAME -A`");
  const settings = await context.settings();
  if (context.err.isTty) for (const problem of settings.problems) line(context.err, context.errPaint.yellow(escapeText(problem)));
  const shell = settings.shell ?? context.env["SHELL"];
  const outer = context.out.isTty && context.input.isTty ? await context.outer() : undefined;
  const spec: OpenSpec = {
    ...(flags.kernel === undefined ? { kind: flags.pipes ? "pipes" : "pty" } : { kind: "kernel", kernel: flags.kernel }),
    env: environment(context.env, flags.env),
    cwd: flags.cwd === undefined ? context.cwd : (await import("node:path")).resolve(context.cwd, flags.cwd),
    // What is asked of a kernel queues, whoever steers elsewhere.
    floor: flags.floor ?? (flags.kernel === undefined ? settings.floor : "open"),
    syncInput: flags.syncInput,
    attachIfLives: flags.attach,
    noIntegration: flags.noIntegration,
    agentForward: flags.agentForward,
    ...(name === undefined ? {} : { name }),
    ...(context.tail ? { command: context.tail } : {}),
    ...(shell ? { shell } : {}),
    ...(outer && !flags.pipes && flags.kernel === undefined ? { size: outer.size() } : {}),
    ...(flags.size ? { size: flags.size, pinnedSize: flags.size } : {}),
    ...(flags.group === undefined ? {} : { group: flags.group }),
    ...(flags.ttl === undefined ? {} : { ttlMs: flags.ttl }),
    ...(flags.idleTtl === undefined ? {} : { idleTtlMs: flags.idleTtl }),
    ...(flags.grace === undefined ? {} : { graceMs: flags.grace }),
  };
  const client = await context.client();
  const { session, existed } = await client.open(spec);
  if (flags.json) {
    jsonLine(context.out, { ...sessionJson(session), existed });
    return;
  }
  if (flags.detached || !outer) {
    line(context.out, session.id);
    if (context.err.isTty)
      line(
        context.err,
        `${existed ? "lives already" : "opened"}: ${session.name || session.id}; attach with \`hold attach ${session.name || session.id}\``,
      );
    return;
  }
  const { attachAtTerminal } = await import("../attach/at-terminal.ts");
  return attachAtTerminal(context, { session: session.id, observe: false, take: false });
}
