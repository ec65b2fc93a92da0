/**
 * Questions of AIs to people, over calls: what is asked and who answers. Each is a request among the others (approval/approvals.ts P5).
 *
 *   U1  AIs ask, people answer, by core/approval Q5. No answer lets anything through: what the AI does with it is judged as before.
 *   U2  Where the floor was offered, a person's taking it is an answer, whichever way they take it.
 *   U3  A secret goes from the person to the program (secret-prompt.ts); who asked is told that it was given, and by whom.
 */
import { createHash } from "node:crypto";
import { AskAnswerSchema, create, FloorVerb, HoldError } from "@holdfast/protocol";
import type { Asked, Request } from "../approval/approvals.ts";
import type { Bound } from "../approval/binding.ts";
import type { Host } from "../host.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { LiveSession } from "../session/session.ts";
import type { CallContext, Result, Verb } from "./context.ts";
import { floorCommand } from "./floor-command.ts";
import { PromptWatch, standingPrompt, watchOf } from "./secret-prompt.ts";
import { mayAnswer, shown } from "./approvals.ts";

/** What is recorded whole (approvals.ts). */
const WORDS_CHARS = 1_000;
const OPTIONS = 10;
const OPTION_CHARS = 200;
const USUAL_TTL_MS = 60_000;
const LEAST_TTL_MS = 5_000;
const MOST_TTL_MS = 3_600_000;
/** A terminal's line holds no more (protocol.md I6). */
const SECRET_BYTES = 4_000;

export async function askCall(ctx: CallContext, call: Verb<"ask">): Promise<Result> {
  const { host, operator, signal } = ctx;
  const { approvals } = host.gate;
  const session = host.find(call.session);
  checkWords(call, operator);
  if (call.secret) host.demand(operator, "session.input", session.id);
  if (session.isOver)
    throw new HoldError("session_ended", `session ${session.facts.name} (${session.id}) has ended`, { session: session.id });
  const asked = askedIn(ctx, session, call);
  const known = approvals.like(asked);
  const isKnown = known && (known.approval.phase.name === "pending" || !call.secret || call.id !== "");
  const request = isKnown ? known : call.secret ? await askForSecret(host, session, asked, known) : ask(host, session, asked);
  await approvals.wait(request, signal, call.waitMs > 0n ? Number(call.waitMs) : undefined);
  const { phase } = request.approval;
  if (phase.name !== "over") throw new HoldError("internal", `the question ${request.approval.id} is not over`);
  return {
    case: "ask",
    value: create(AskAnswerSchema, {
      approval: request.approval.id,
      outcome: phase.outcome,
      text: phase.why,
      by: phase.by,
      byName: host.registry.byName(phase.by)?.name ?? phase.by,
      seq: BigInt(session.facts.seq),
    }),
  };
}

function checkWords({ question, options, handoff, secret, id }: Verb<"ask">, operator: RegisteredOperator): void {
  const wrong = (what: string): never => {
    throw new HoldError("bad_request", what);
  };
  if (operator.kind !== "ai") wrong("questions are what AIs ask people");
  if (question.trim() === "" || question.length > WORDS_CHARS) wrong(`a question has 1 to ${WORDS_CHARS} characters`);
  if (options.length > OPTIONS || options.some((o) => o.trim() === "" || o.length > OPTION_CHARS))
    wrong(`a question has at most ${OPTIONS} options of 1 to ${OPTION_CHARS} characters`);
  if (secret && (handoff || options.length > 0)) wrong("who is asked for a secret gives it or does not: no options, no handoff");
  if (id.length > WORDS_CHARS) wrong(`an id has at most ${WORDS_CHARS} characters`);
}

function askedIn({ host, operator: by, via }: CallContext, session: LiveSession, call: Verb<"ask">): Asked {
  const known = host.registry.byName(by.id) ?? by;
  const bound: Bound = {
    deed: call.secret ? "secret" : "question",
    session: session.id,
    incarnation: session.facts.incarnation,
    epoch: 0,
    actors: [known.id, ...(known.onBehalfOf === "" ? [] : [known.onBehalfOf])],
    what: call.question,
    argv: call.options,
    data: createHash("sha256")
      .update(JSON.stringify([call.id, call.handoff]))
      .digest("hex"),
    cwd: "",
    executable: "",
    env: "",
  };
  const nothing = new Uint8Array(0);
  return {
    by,
    via,
    bound,
    now: () => bound,
    shown: { sessionName: session.facts.name, argv: [], data: nothing, dataBytes: 0, env: [], executable: "" },
    question: { options: call.options, handoff: call.handoff, reads: "" },
    lifetimeMs: Math.min(MOST_TTL_MS, Math.max(LEAST_TTL_MS, Number(call.ttlMs) || USUAL_TTL_MS)),
  };
}

function ask(host: Host, session: LiveSession, asked: Asked): Request {
  const { approvals } = host.gate;
  const request = approvals.ask(asked);
  if (!asked.question?.handoff) return request;
  const isPending = (): boolean => request.approval.phase.name === "pending";
  const stops = [
    session.listen((entry, body) => {
      if (body?.case !== "floorChanged" || host.registry.byName(body.value.holder)?.kind !== "human") return;
      const by = { id: body.value.holder, via: entry.via };
      // In the middle of another record.
      host.ports.defer(() => {
        if (isPending()) approvals.answer(request, by, "handed", "");
      });
    }),
    approvals.listen(() => {
      if (!isPending()) for (const stop of stops.splice(0)) stop();
    }),
  ];
  return request;
}

/** `known`: what became of the same words before, which is the answer where no prompt stands any more. */
async function askForSecret(host: Host, session: LiveSession, asked: Asked, known: Request | null): Promise<Request> {
  const prompt = await standingPrompt(host, session);
  // Another call of the same may have come meanwhile.
  const now = host.gate.approvals.like(asked);
  if (now?.approval.phase.name === "pending") return now;
  if (prompt) {
    const request = host.gate.approvals.ask({ ...asked, question: { options: [], handoff: false, reads: prompt.reads } });
    new PromptWatch(host, session, request, prompt);
    return request;
  }
  if (now ?? known) return (now ?? known)!;
  throw new HoldError(
    "other_state",
    `no program in session ${session.facts.name || session.id} waits for a secret: nobody was asked`,
    { session: session.id },
  );
}

export async function approvalAnswer(ctx: CallContext, call: Verb<"approvalAnswer">): Promise<Result> {
  const { host, operator, via } = ctx;
  const { approvals } = host.gate;
  const request = approvals.found(call.approval);
  const { id } = request.approval;
  if (!request.question)
    throw new HoldError("bad_request", `${id} is no question; hold approvals allow ${id}, or deny`, { approval: id });
  approvals.demandAnswerable(request, operator, mayAnswer(host, operator, request), Buffer.from(call.binding).toString("hex"));
  const session = host.find(request.bound.session);
  if (call.text.length > WORDS_CHARS) throw new HoldError("bad_request", `an answer has at most ${WORDS_CHARS} characters`);
  if (call.decline) approvals.answer(request, { id: operator.id, via }, "denied", call.text);
  else if (request.bound.deed === "secret") await watchOf(request)?.give(operator, via, secretOf(call));
  else if (call.take) takeOver(ctx, session, request);
  else if (call.text.trim() === "") throw new HoldError("bad_request", "an answer has words");
  else approvals.answer(request, { id: operator.id, via }, "answered", call.text);
  return { case: "approvalDecide", value: shown(host, operator, request) };
}

/** One line, and nothing that a terminal takes for a key. */
function secretOf({ secret, text, take }: Verb<"approvalAnswer">): Uint8Array {
  if (text !== "" || take) throw new HoldError("bad_request", "a secret is given as one, and not in words");
  if (secret.length === 0 || secret.length > SECRET_BYTES || secret.some((b) => b < 0x20 || b === 0x7f))
    throw new HoldError("bad_request", `a secret is one line of 1 to ${SECRET_BYTES} bytes without control characters`);
  return secret;
}

/** U2 */
function takeOver({ host, operator, via }: CallContext, session: LiveSession, request: Request): void {
  if (!request.question?.handoff)
    throw new HoldError(
      "bad_request",
      `that question does not offer the floor; hold take ${session.facts.name || session.id} takes it all the same`,
    );
  const by = { id: operator.id, via };
  session.changeFloor(floorCommand(host, session, operator, "", FloorVerb.TAKE, ""), by);
  host.gate.approvals.answer(request, by, "handed", "");
}
