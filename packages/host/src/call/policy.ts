/** The call on the policy of AIs: what is in force, whether a text would do, and loading the file that people write. */
import { create, EventBody_PolicyLoadedSchema, HoldError, PolicyAnswerSchema, PolicyVerb, textOf } from "@holdfast/protocol";
import { readPolicy } from "../policy/file.ts";
import { hashOf, type InForce } from "../policy/store.ts";
import type { CallContext, Result, Verb } from "./context.ts";

export async function policyCall(ctx: CallContext, call: Verb<"policy">): Promise<Result> {
  switch (call.verb) {
    case PolicyVerb.SHOW:
      return answer(ctx, []);
    case PolicyVerb.CHECK: {
      const read = readPolicy(textOf(call.text));
      return answer(ctx, read.ok ? [] : read.problems);
    }
    case PolicyVerb.RELOAD:
      return reload(ctx);
    default:
      throw new HoldError("bad_request", "no such verb of the policy");
  }
}

/** What was read is what is replaced: who saved meanwhile is not written over. */
export async function policySave(ctx: CallContext, call: Verb<"policySave">): Promise<Result> {
  const { host } = ctx;
  return taken(ctx, true, (by, nowUnixMs) =>
    host.policy.save(textOf(call.text), { inForce: call.readSha256, file: call.readFileSha256 }, by, nowUnixMs),
  );
}

async function reload(ctx: CallContext): Promise<Result> {
  const { host, operator } = ctx;
  host.demand(operator, "policy.write", null);
  return taken(ctx, false, (by, nowUnixMs) => host.policy.load(by, nowUnixMs));
}

/** What waits for approval was asked under other rules: it is void. */
function taken(ctx: CallContext, isSaved: boolean, take: (by: string, nowUnixMs: number) => InForce): Result {
  const { host, operator, via } = ctx;
  if (host.ports.journal.frozen)
    throw new HoldError(
      "journal_frozen",
      `the journal can't be written (${host.ports.journal.frozen.message}): no policy is loaded unrecorded; free some space, hold doctor tells more`,
    );
  const { text } = take(operator.id, host.ports.clock.wallMs());
  host.policyLoaded();
  const value = create(EventBody_PolicyLoadedSchema, {
    sha256: hashOf(text),
    bytes: BigInt(Buffer.byteLength(text)),
    saved: isSaved,
  });
  host.record({ id: operator.id, via }, { case: "policyLoaded", value });
  return answer(ctx, []);
}

function answer({ host, operator }: CallContext, problems: readonly string[]): Result {
  const { inForce, paths } = host.policy;
  const fileText = host.may(operator, "policy.write", null) ? host.policy.fileText() : null;
  const value = create(PolicyAnswerSchema, {
    text: Buffer.from(inForce.text),
    sha256: inForce.text === "" ? Buffer.alloc(0) : hashOf(inForce.text),
    loadedUnixMs: BigInt(Math.trunc(inForce.loadedUnixMs)),
    loadedBy: inForce.loadedBy,
    path: paths?.file ?? "",
    file: host.policy.compare(),
    problems: [...problems],
    ...(fileText === null ? {} : { fileText: Buffer.from(fileText) }),
  });
  return { case: "policy", value };
}
