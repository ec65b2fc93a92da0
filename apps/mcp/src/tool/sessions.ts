/** Sessions: what there is, one more, one in detail, and ends. */
import { constants } from "node:os";
import { FloorMode, HoldError, type Floor, OperatorKind, type Session, SessionKind } from "@holdfast/sdk";
import { cursorAt } from "../text/cursor.ts";
import type { Call } from "./call.ts";
import { answer, type Facts, fitting, type ToolResult } from "./result.ts";
import { activityOf } from "./states.ts";

const kindWord = (kind: OperatorKind): string =>
  kind === OperatorKind.AI ? "ai" : kind === OperatorKind.SERVICE ? "service" : kind === OperatorKind.HUMAN ? "human" : "unknown";
/** Of operators and of a command's words so many are told. */
const MOST_NAMED = 20;
/** Told whole or not at all: half a rule is another rule. */
const MOST_POLICY_CHARS = 1_500;
const iso = (ms: bigint): string => new Date(Number(ms)).toISOString();
const stateWords = ["unknown", "running", "ended", "lost", "failed"];

export function floorFacts(floor: Floor | undefined): Facts {
  if (!floor) return {};
  return {
    mode: floor.mode === FloorMode.OPEN ? "open" : "turn",
    holder: floor.holderName || floor.holder || null,
    holder_kind: floor.holder ? kindWord(floor.holderKind) : null,
    until: floor.holder && floor.expiresUnixMs > 0n ? iso(floor.expiresUnixMs) : null,
    epoch: Number(floor.epoch),
    asking: floor.asking.slice(0, MOST_NAMED),
    ai_paused: floor.aiPaused,
  };
}

function sessionFacts(s: Session): Facts {
  return {
    id: s.id,
    name: s.name,
    kind: s.kind === SessionKind.KERNEL ? "kernel" : s.kind === SessionKind.PIPES ? "pipes" : "pty",
    ...(s.kernel
      ? {
          kernel: {
            ...{ name: s.kernel.spec, language: s.kernel.language || null, phase: s.kernel.phase },
            ...{ execution: s.kernel.execution, waiting: s.kernel.waiting, asks: s.kernel.prompts },
          },
        }
      : {}),
    session_state: stateWords[s.state] ?? "unknown",
    incarnation: s.incarnation,
    cwd: s.cwd,
    command: s.command.slice(0, MOST_NAMED),
    foreground: s.running || null,
    attached: s.operators
      .slice(0, MOST_NAMED)
      .map((o) => ({ name: o.name, kind: kindWord(o.kind), via: o.via, observing: o.observing, e2e: !o.plain })),
    floor: floorFacts(s.floor),
    size: s.size ? `${s.size.cols}x${s.size.rows}` : null,
    last_activity: iso(s.lastActivityUnixMs),
    exit: s.exit ? { code: s.exit.code ?? null, signal: s.exit.signal ?? null, reason: s.exit.reason || null } : null,
    output_bytes: Number(s.outputBytes),
    cursor: cursorAt(Number(s.seq)),
  };
}

/** As many as fit, the most recently active first. */
export async function list(call: Call, args: { all: boolean; group?: string | undefined; skip: number }): Promise<ToolResult> {
  const found = await call.way.read((client) =>
    client.list({ all: args.all, ...(args.group === undefined ? {} : { group: args.group }) }),
  );
  const sorted = found.toSorted((a, b) => Number(b.lastActivityUnixMs - a.lastActivityUnixMs)).slice(args.skip);
  return fitting(
    sorted.map((s) => {
      const { id, name, kind, kernel, session_state, cwd, foreground, attached, floor, last_activity, exit } = sessionFacts(s);
      return { id, name, kind, kernel, session_state, cwd, foreground, attached, floor, last_activity, exit };
    }),
    (sessions, left) => ({
      sessions,
      left_out: left,
      ...(left > 0 ? { next_skip: args.skip + sessions.length } : {}),
    }),
  );
}

export async function open(
  call: Call,
  args: {
    name?: string | undefined;
    command?: readonly string[] | undefined;
    cwd?: string | undefined;
    env?: Readonly<Record<string, string>> | undefined;
    kind: "pty" | "pipes" | "kernel";
    kernel?: string | undefined;
    size?: string | undefined;
    group?: string | undefined;
    reuse: boolean;
  },
): Promise<ToolResult> {
  const size = args.size === undefined ? null : /^(\d{1,4})x(\d{1,4})$/.exec(args.size);
  if (args.size !== undefined && !size) throw new HoldError("bad_request", "size is columns and rows: 120x40");
  if ((args.kind === "kernel") !== (args.kernel !== undefined))
    throw new HoldError("bad_request", "`kernel` goes with kind kernel, and kind kernel with the name of one: python3");
  return call.way.change(async (client) => {
    const { session, existed } = await client.open({
      kind: args.kind,
      ...(args.kernel === undefined
        ? { size: size ? { cols: Number(size[1]), rows: Number(size[2]) } : { cols: 120, rows: 40 } }
        : { kernel: args.kernel }),
      attachIfLives: args.reuse,
      ...(args.name === undefined ? {} : { name: args.name }),
      ...(args.command === undefined ? {} : { command: args.command }),
      ...(args.cwd === undefined ? {} : { cwd: args.cwd }),
      ...(args.env === undefined ? {} : { env: { ...process.env, ...args.env } }),
      ...(args.group === undefined ? {} : { group: args.group }),
    });
    return answer({ session: session.id, existed, actor: client.operator.operator?.id, ...sessionFacts(session) });
  });
}

export async function get(call: Call, args: { session: string }): Promise<ToolResult> {
  return call.way.read(async (client) => {
    const session = await client.show(args.session);
    const state = await activityOf(client, session);
    return answer({ session: session.id, state, you: client.operator.operator?.name, ...sessionFacts(session) });
  });
}

export const signals = ["INT", "TERM", "HUP", "QUIT", "KILL", "STOP", "CONT", "USR1", "USR2"] as const;

export async function signal(
  call: Call,
  args: { session: string; signal: (typeof signals)[number]; target: "leader" | "foreground" | "tree" },
): Promise<ToolResult> {
  return call.way.change(async (client) => {
    const session = await client.show(args.session);
    await client.signal(session.id, args.target, constants.signals[`SIG${args.signal}`]);
    return answer({ session: session.id, sent: args.signal, target: args.target, cursor: cursorAt(Number(session.seq)) });
  });
}

export async function kill(call: Call, args: { session: string; grace_ms: number }): Promise<ToolResult> {
  return call.way.change(async (client) => {
    const ended = await client.kill(args.session, args.grace_ms);
    return answer({ session: ended.id, state: "finished", ...sessionFacts(ended) });
  });
}

export async function floor(
  call: Call,
  args: { session: string; verb: "take" | "release" | "ask" | "pass"; to?: string | undefined },
): Promise<ToolResult> {
  if ((args.verb === "pass") !== (args.to !== undefined))
    throw new HoldError("bad_request", "`to` goes with verb pass, and pass with `to`");
  return call.way.change(async (client) => {
    const now = await client.floor(args.session, args.verb, args.to);
    return answer({ session: args.session, floor: floorFacts(now) });
  });
}

function policyFacts(text: string): string | null {
  if (text === "") return null;
  return text.length <= MOST_POLICY_CHARS ? text : `${text.length} characters, too long to tell here`;
}

export async function whoami(call: Call): Promise<ToolResult> {
  return call.way.read(async (client) => {
    const { operator, via, hostId } = await client.whoami();
    // Whose grant is for one session alone is not told.
    const policy = await client.policy().catch(() => undefined);
    return answer({
      operator: operator?.id,
      kind: operator ? kindWord(operator.kind) : null,
      role: operator?.role,
      on_behalf_of: operator?.onBehalfOf || null,
      may: operator?.capabilities ?? [],
      policy: policy && policyFacts(policy.text),
      via,
      host: hostId,
    });
  });
}
