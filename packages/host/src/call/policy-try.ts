/** The call that asks what a policy would say to one deed of an AI, of a text that need not be in force. It does nothing, and asks nobody. */
import {
  type AiPolicy,
  type Capability,
  capabilitiesOf,
  type Deed,
  deeds,
  plainWords,
  type Question,
  type Ruled,
  ruleOn,
} from "@holdfast/core";
import { create, HoldError, PolicyTryAnswerSchema, textOf } from "@holdfast/protocol";
import { commandOf } from "../approval/gate.ts";
import type { Host } from "../host.ts";
import { readPolicy } from "../policy/file.ts";
import type { PolicyStore } from "../policy/store.ts";
import type { CallContext, Result, Verb } from "./context.ts";

/** What an AI's role must hold before a policy is asked at all. */
const needs = {
  observe: "session.observe",
  run: "session.input",
  exec: "session.input",
  keys: "session.input",
  signals: "session.signal",
  "files.read": "session.input",
  "files.write": "session.input",
  resize: "session.resize",
  floor: "session.input",
  open: "session.create",
  end: "session.terminate",
} as const satisfies Record<Deed, Capability>;

export async function policyTry({ host }: CallContext, call: Verb<"policyTry">): Promise<Result> {
  const deed = deedOf(call.deed);
  const command = commandIn(deed, call);
  const lacks = lackOf(host, call.operator, needs[deed]);
  const read = call.text === undefined ? null : readPolicy(textOf(call.text));
  if (read && !read.ok) return { case: "policyTry", value: create(PolicyTryAnswerSchema, { problems: [...read.problems] }) };
  const { ofSession: name, group } = call;
  const session = name === "" && group === "" ? null : { name, group };
  const question: Question = { deed, session, ...(command === undefined ? {} : { command }) };
  const { ruling, because } = ruled(read?.policy ?? null, host.policy, question);
  return {
    case: "policyTry",
    value: create(PolicyTryAnswerSchema, { ruling, because, isOpaque: command === null, lacks }),
  };
}

function ruled(policy: AiPolicy | null, store: PolicyStore, question: Question): Ruled {
  const said = ruleOn(policy ?? store.policy, question);
  if (policy || store.inForce.text !== "") return said;
  return { ...said, because: store.fault ?? "no policy was ever loaded" };
}

function deedOf(text: string): Deed {
  const deed = deeds.find((known) => known === text);
  if (!deed) throw new HoldError("bad_request", `${JSON.stringify(text)} is no deed of a policy; there are ${deeds.join(", ")}`);
  return deed;
}

/** As core's Question has it. */
function commandIn(deed: Deed, { line, argv }: Verb<"policyTry">): readonly string[] | null | undefined {
  if (deed !== "run" && deed !== "exec") {
    if (line !== "" || argv.length > 0) throw new HoldError("bad_request", `${deed} takes no command: run and exec do`);
    return undefined;
  }
  if (deed === "exec" && argv.length > 0) return argv.map(textOf);
  if (argv.length > 0) throw new HoldError("bad_request", "run takes a line, as a shell reads it");
  if (line.trim() === "") throw new HoldError("bad_request", `which command? What ${deed} may do hangs on it`);
  if (deed === "run") return commandOf(line).command ?? null;
  const words = plainWords(line);
  if (!words) throw new HoldError("bad_request", "exec starts words and no shell; that line is not plain words");
  return words;
}

/** Empty: it holds it, or nobody was named. */
function lackOf(host: Host, operator: string, right: Capability): string {
  if (operator === "") return "";
  const ai = host.registry.byName(operator);
  if (!ai)
    throw new HoldError("no_such_operator", `no operator ${JSON.stringify(operator)}; hold operator ls shows who there is`);
  if (ai.kind !== "ai") throw new HoldError("bad_request", `${ai.name} is no AI, and the policy binds nobody else`);
  return capabilitiesOf(ai.role, ai.kind).includes(right) ? "" : right;
}
