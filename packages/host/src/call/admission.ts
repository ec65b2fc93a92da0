/**
 * What an AI's call is about, for the policy (approval/gate.ts). What is typed is judged where it is admitted (session/inputs.ts),
 * `run` where its bytes are known (run.ts), and a file's new content once all of it has come (files.ts).
 */
import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { constants } from "node:os";
import type { Deed } from "@holdfast/core";
import { bytesOf, FloorMode, HoldError, OpenCallSchema, SessionKind, textOf, toBinary } from "@holdfast/protocol";
import type { Act } from "../approval/gate.ts";
import type { LiveSession } from "../session/session.ts";
import { FREE } from "../session/typing.ts";
import type { Asking, Verb } from "./context.ts";
import { begunBefore } from "./exec.ts";
import { located } from "./files.ts";
import { moves } from "./floor-command.ts";

/** Resolves with whether somebody was asked, and has allowed it. Rejects with the denial, or with what became of the question. */
export async function admitAi(ctx: Asking): Promise<boolean> {
  const act = actOf(ctx);
  if (!act) return false;
  const { host, operator, via, signal } = ctx;
  const pass = await host.gate.admit(operator, via, act, signal);
  if (pass === FREE) return false;
  const gone = pass.use();
  if (gone) throw gone;
  return true;
}

/** Null: nothing is to be judged here any more. Throws what is denied without a question. */
function actOf(ctx: Asking): Act | null {
  const { host, verb, operator } = ctx;
  const { gate } = host;
  const sees = (name: string): null => {
    gate.demand(operator, "observe", host.find(name));
    return null;
  };
  const beside = (deed: Deed, name: string, what: Act["what"]): Act => ({ deed, session: host.find(name), what });
  switch (verb.case) {
    case "show":
    case "screen":
    case "search":
    case "wait":
    case "probe":
    case "portList":
    case "ask":
      return sees(verb.value.session);
    case "signal":
      return beside(
        "signals",
        verb.value.session,
        `sends ${signalName(verb.value.signal)} to the ${verb.value.target || "foreground"}`,
      );
    case "kill":
      return beside(
        "end",
        verb.value.session,
        `ends the session${verb.value.graceMs > 0n ? ` (asks, forces after ${verb.value.graceMs} ms)` : " by force"}`,
      );
    case "remove":
      return beside(
        "end",
        verb.value.session,
        `removes the session and its output${verb.value.force ? ", ending it first" : ""}`,
      );
    case "rename":
      gate.demandRename(operator, host.find(verb.value.session), verb.value.name);
      return beside("open", verb.value.session, `renames the session to ${verb.value.name}`);
    case "agent":
      return beside("open", verb.value.session, `points the session's SSH agent to ${verb.value.path}`);
    case "resize":
      gate.demand(operator, "resize", host.find(verb.value.session));
      return null;
    case "floor":
      if (moves(verb.value.verb)) gate.demand(operator, "floor", host.find(verb.value.session));
      return null;
    case "send":
    case "run":
      if (verb.value.take) gate.demand(operator, "floor", host.find(verb.value.session));
      return null;
    case "exec":
      // What was started is started: it was judged then.
      return begunBefore(ctx, verb.value) ? null : execAct(host.find(verb.value.session), verb.value);
    case "open":
      return openAct(ctx, verb.value);
    case "fileList":
      return beside("files.read", verb.value.session, onPlace(ctx, verb.value, "lists"));
    case "fileRead":
      return beside("files.read", verb.value.session, onPlace(ctx, verb.value, "reads"));
    case "fileWatch":
      return beside("files.read", verb.value.session, onPlace(ctx, verb.value, "watches"));
    // Judged once all of it has come (files.ts F6), and session by session (sessions.ts).
    case "fileWrite":
    case "list":
    case "sessionWatch":
    // Judged by what is asked (kernel.ts).
    case "kernel":
    // About no session: what an AI may of it is what its role holds. No `default`: the next verb is to be judged, or named here.
    case "whoami":
    case "hostStatus":
    case "auditHead":
    case "auditRead":
    case "auditVerify":
    case "mirrorStatus":
    case "operatorList":
    case "invitationList":
    case "policy":
    case "policyTry":
    case "kernelSpecs":
    case "approvalList":
    case "approvalWatch":
    case "witness":
    // No AI holds the right to any of these (core/policy).
    case "policySave":
    case "approvalDecide":
    case "approvalAnswer":
    case "redact":
    case "hostDown":
    case "hostLog":
    case "mirror":
    case "mirrorKey":
    case "console":
    case "relayJoin":
    case "relayLeave":
    case "operatorAdd":
    case "operatorRevoke":
    case "operatorLink":
    case "keyAdd":
    case "keyRevoke":
    case "invite":
    case "invitationRevoke":
    case "witnessAccept":
    case undefined:
      return null;
  }
}

/** As most have it: what a person is not told. */
const USUAL_UMASK = 0o022;

/** Each particular that is not the usual one. */
function withParticulars(what: string, particulars: readonly (string | false)[]): string {
  return [what, ...particulars.filter((text) => text !== false)].join(", ");
}

function umaskOf(call: { readonly umask: number }): string | false {
  const umask = call.umask & 0o777;
  return umask !== USUAL_UMASK && `umask ${umask.toString(8).padStart(3, "0")}`;
}

export function execAct(session: LiveSession, call: Verb<"exec">): Act {
  const argv = call.exactArgv.length > 0 ? call.exactArgv.map(textOf) : call.argv;
  return {
    deed: "exec",
    session,
    what: withParticulars("starts a program beside the terminal", [umaskOf(call)]),
    command: argv,
    argv,
    program: argv[0] ?? "",
    isInEnvironment: true,
  };
}

export function openAct({ host, operator }: Pick<Asking, "host" | "operator">, call: Verb<"open">): Act | null {
  const living = call.attachIfLives && call.name !== "" ? host.living(call.name) : null;
  if (living) {
    host.gate.demand(operator, "observe", living);
    return null;
  }
  const command = call.exactCommand.length > 0 ? call.exactCommand.map(textOf) : call.command;
  const kernel = call.kind === SessionKind.KERNEL ? [call.kernel] : [];
  const argv = [kernel, command].find((words) => words.length > 0) ?? [call.shell || "/bin/sh"];
  return {
    deed: "open",
    session: null,
    // By the name that it will have: a program's own may be one that has rules.
    names: {
      name: call.name || host.freeName({ command: kernel.length > 0 ? kernel : command, shell: call.shell }),
      group: call.group,
    },
    what: withParticulars(
      `opens a session${call.name === "" ? "" : ` named ${call.name}`}${call.group === "" ? "" : ` in the group ${call.group}`}`,
      [
        call.kind === SessionKind.PIPES && "on pipes",
        call.kind === SessionKind.KERNEL && `with the kernel ${call.kernel}`,
        call.pinned !== undefined && call.pinned.cols > 0 && `pinned to ${call.pinned.cols}x${call.pinned.rows}`,
        call.floorMode === FloorMode.OPEN && "where all may type at once",
        umaskOf(call),
        call.nofileHard !== 0n && `open files ${filesOf(call.nofileSoft)} (at most ${filesOf(call.nofileHard)})`,
        call.syncInput && "input on the disk first",
        call.ttlMs > 0n && `ended after ${call.ttlMs} ms`,
        call.idleTtlMs > 0n && `ended after ${call.idleTtlMs} ms without use`,
        call.graceMs !== undefined && `places kept for ${call.graceMs} ms`,
        call.noIntegration && "without shell integration",
        call.agentForward && "with an SSH agent",
      ],
    ),
    // Bound to whole: a field that comes later is not forgotten here.
    dataHash: createHash("sha256").update(toBinary(OpenCallSchema, call)).digest("hex"),
    argv,
    program: argv[0]!,
    cwd: call.exactCwd.length > 0 ? textOf(call.exactCwd) : call.cwd,
    env: call.env.map(textOf),
  };
}

function filesOf(limit: bigint): string {
  return limit < 0n ? "unlimited" : String(limit);
}

/** A person is shown where a path leads, and what leads elsewhere by then is another deed. */
function onPlace(ctx: Asking, call: { readonly session: string; readonly path: Uint8Array }, does: string): () => string {
  const { path } = located(ctx, call);
  return () => {
    const leadsTo = realPathOf(path);
    return leadsTo === path ? `${does} ${path}` : `${does} ${path}, which is ${leadsTo}`;
  };
}

function realPathOf(path: string): string {
  try {
    return textOf(realpathSync(Buffer.from(bytesOf(path)), { encoding: "buffer" }));
  } catch {
    // Not there: the call itself will say so.
    return path;
  }
}

function signalName(number: number): string {
  const name = Object.entries(constants.signals).find(([, n]) => n === number)?.[0];
  if (!name && (number < 1 || number > 64)) throw new HoldError("bad_request", `no signal ${number}`);
  return name ?? `signal ${number}`;
}
