/**
 * Asking people: a question, and a secret for a program that waits for one.
 *   Q1  Who answers is a person, and the result says who. An answer lets nothing through: what follows it is judged as before.
 *   Q2  A secret goes from that person to the program; neither this process nor any result has it.
 *   Q3  The question is the host's: a call that was cut off, or waited its time, goes on with the same arguments.
 */
import { type Answered, type AskOptions, HoldError, type Session } from "@holdfast/sdk";
import { cursorAt } from "../text/cursor.ts";
import { type Call, patience, tellProgress } from "./call.ts";
import { answer, type Facts, refusal, type ToolResult } from "./result.ts";
import { activityOf, nextStep } from "./states.ts";

/** As long as the host lets one call wait. */
const ONE_CALL_MS = 45_000;

interface Asking {
  readonly session: string;
  readonly expires_seconds: number;
  readonly wait_seconds: number;
  readonly input_id?: string | undefined;
}

export interface AskArguments extends Asking {
  readonly question: string;
  readonly options: readonly string[];
  readonly handoff: boolean;
}

export function askOperator(call: Call, args: AskArguments): Promise<ToolResult> {
  const { question, options, handoff } = args;
  return ask(call, args, question, { options, handoff }, (told, session, state) => {
    if (told.outcome === "handed")
      return {
        state: "preempted",
        outcome: "handed",
        next_step: nextStep("preempted", session),
      };
    const choice = options.indexOf(told.text);
    return { state, outcome: "answered", answer: told.text, choice: choice < 0 ? undefined : choice };
  });
}

export interface SecretArguments extends Asking {
  readonly secret: string;
}

export function sendSecret(call: Call, args: SecretArguments): Promise<ToolResult> {
  return ask(call, args, args.secret, { secret: true }, (_told, _session, state) => ({
    state,
    outcome: "given",
    next_step: "the program has it: wait with this cursor shows what followed",
  }));
}

async function ask(
  call: Call,
  args: Asking,
  words: string,
  more: AskOptions,
  tell: (told: Answered, session: Session, state: string) => Facts,
): Promise<ToolResult> {
  const { seconds, isClamped } = patience(call, args.wait_seconds);
  const deadline = performance.now() + seconds * 1_000;
  const quiet = tellProgress(call, seconds, `${args.session}: a person was asked`);
  try {
    for (;;) {
      const leftMs = deadline - performance.now();
      const told = await once(call, args, words, { ...more, waitMs: Math.max(1, Math.min(ONE_CALL_MS, leftMs)) }).catch(
        (fault: unknown) => {
          if (leftMs <= ONE_CALL_MS || (fault as { code?: unknown }).code !== "needs_approval") throw fault;
          return null;
        },
      );
      if (!told) continue;
      return await call.way.read(async (client) => {
        const session = await client.show(args.session);
        return answer({
          session: session.id,
          incarnation: session.incarnation,
          actor: client.operator.operator?.id,
          question: told.approval,
          who: told.by,
          who_name: told.byName,
          // What they did before, while they were asked, is behind a cursor of the caller's own.
          cursor: cursorAt(told.seq),
          wait_clamped_to_seconds: isClamped ? seconds : undefined,
          ...tell(told, session, await activityOf(client, session)),
        });
      });
    }
  } catch (fault) {
    const step = next[(fault as { code?: string }).code ?? ""];
    return refusal(fault, step === undefined ? {} : { next_step: step });
  } finally {
    quiet();
  }
}

/** Asked again after a lost link: it is the same question (Q3). */
function once(call: Call, args: Asking, words: string, more: AskOptions): Promise<Answered> {
  return call.way.read(async (client) => {
    // By id: a name may move on between two calls for one question.
    const { id } = await client.show(args.session);
    if (call.signal.aborted) throw new HoldError("cancelled", "the call was given up");
    return client.approvals.ask(id, words, {
      ...more,
      waitMs: Math.round(more.waitMs ?? ONE_CALL_MS),
      ttlMs: Math.round(args.expires_seconds * 1_000),
      signal: call.signal,
      ...(args.input_id === undefined ? {} : { id: args.input_id }),
    });
  });
}

const next: Readonly<Record<string, string>> = {
  needs_approval:
    "nobody has answered yet, and it still stands: call again with the very same arguments to go on waiting, or do something else meanwhile",
  approval_denied:
    "a person declines (`who`, and the message says why): go on without, or end here; do not ask again in other words",
  approval_expired: "nobody answered in time; nothing was done. Ask again only when somebody is there",
  approval_void: "its session ended, or the prompt is gone or another: look at the screen before you ask anew",
  other_state: "no program waits for a secret there now, and nobody was asked: wait with until input_needed first",
};
