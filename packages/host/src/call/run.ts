/**
 * `hold run`: types one command into the session's shell when its line is empty, and waits for its end by the shell's own marks.
 *
 *   R1  (writer, n) is the command: who asks with it again is told of the one that was typed, as if they had stayed (run-follower.ts).
 *   R2  What comes again and is not known is typed only if it is sure that it never was.
 */
import { command, MonotonicMs } from "@holdfast/core";
import { create, FloorVerb, HoldError, InputSchema, InputStatus } from "@holdfast/protocol";
import { type Act, commandOf } from "../approval/gate.ts";
import { confineOf } from "../operator/rights.ts";
import { runRefusal } from "../session/input-refusal.ts";
import type { Tell } from "../session/inputs.ts";
import { quoteWords, wrapCommand } from "../shell/index.ts";
import type { LiveSession } from "../session/session.ts";
import { FREE, type Pass } from "../session/typing.ts";
import { demandMeant, mayBeForgotten } from "./again.ts";
import { type CallContext, demandCaller, type Result, type Verb } from "./context.ts";
import { floorCommand } from "./floor-command.ts";
import { runInKernel } from "./kernel-run.ts";
import { RunFollower } from "./run-follower.ts";
import { checkWriter } from "./sessions.ts";

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
/** A shell with slow start-up files. */
const SHELL_STARTS_MS = 15_000;

export async function runCall(ctx: CallContext, call: Verb<"run">): Promise<Result> {
  const { host, operator, signal } = ctx;
  if (call.writer) checkWriter(call.writer);
  const writer = `${operator.id}/${call.writer || host.ports.newId(16)}`;
  const key = command.runKey(writer, call.n || 1n);
  const session = meant(ctx, call, key);
  if (session.kernel) return runInKernel(ctx, call, session);
  const text =
    call.words.length > 0 ? (call.words.length === 1 ? call.words[0]! : quoteWords(session.shell, call.words)) : call.text;
  const of = {
    key,
    maxBytes: Number(call.maxBytes) || DEFAULT_MAX_BYTES,
    isOneLine: !text.trimEnd().includes("\n"),
    again: call.again,
  };
  let deadline: MonotonicMs | null = null;
  /** The caller's patience counts from the first time that this is asked. */
  const until = (): MonotonicMs | null =>
    (deadline ??= call.timeoutMs === undefined ? null : MonotonicMs(host.ports.clock.monoMs() + Number(call.timeoutMs)));
  const isKnown = (): boolean => session.commands.run(key) !== null;
  for (;;) {
    // R1, after each wait: another link of the same caller may have got it typed meanwhile.
    if (isKnown()) {
      const result = await new RunFollower(ctx, session, { ...of, deadline: until() }).follow();
      if (result) return result;
    }
    refuseUntold(ctx, session, call, writer);
    await shellReads(ctx, session);
    if (isKnown()) continue;
    // What was typed while a program ran may be about to be echoed.
    if (session.doubt.isOpen) await session.doubt.settled();
    if (isKnown()) continue;
    const { bracketedPaste } = session.commands.state;
    refuseRun(session);
    if (text.trim() === "") throw new HoldError("usage", "hold run SESSION -- CMD…: no command given");
    const bytes = wrapCommand(session.shell, text, { bracketedPaste });
    if (!bytes)
      throw new HoldError("bad_request", "that command can't be typed: it holds a NUL byte or the sequence that ends a paste");
    const act = actOf(session, text, bytes);
    if (call.take && !host.gate.isAsked(operator, act))
      session.changeFloor(floorCommand(host, session, operator, "", FloorVerb.TAKE, ""), { id: operator.id, via: ctx.via });
    const pass = await admitted(ctx, act, until());
    if (isKnown()) continue;
    if (pass !== FREE) {
      // A person was asked, and the shell may have gone on meanwhile.
      refuseRun(session);
      if (session.commands.state.bracketedPaste !== bracketedPaste)
        throw new HoldError(
          "approval_void",
          `the shell of ${labelOf(session)} reads otherwise than when a person was asked; ask again`,
          { session: session.id },
        );
    }
    demandCaller(signal);
    const result = await new RunFollower(ctx, session, { ...of, deadline: until() }).follow((fail, left) => {
      const tell: Tell = (r) => {
        // Only here is it told why nothing was recorded; what became of a record is told to all who follow it.
        if (r.status === InputStatus.REFUSED && r.error) fail(r.error);
      };
      const input = create(InputSchema, { n: call.n || 1n, data: bytes });
      const letting = pass === FREE ? host.gate.whileAllowed(operator, act) : pass;
      session.offer(operator, ctx.via, null, writer, input, tell, { pass: letting, patience: left, isRun: true });
    });
    if (result) return result;
  }
}

const labelOf = (session: LiveSession): string => `session ${session.facts.name} (${session.id})`;

/** The session that the caller meant when they asked first: a name may have moved on since. */
function meant({ host, operator }: CallContext, call: Verb<"run">, key: string): LiveSession {
  if (call.again && confineOf(operator) === null)
    for (const session of host.sessions.values()) if (session.commands.run(key)) return session;
  return host.find(call.session);
}

/** R2: what is not known to be untyped is not typed. */
function refuseUntold({ host }: CallContext, session: LiveSession, call: Verb<"run">, writer: string): void {
  const label = labelOf(session);
  if (session.isOver) throw new HoldError("session_ended", `${label} has ended`, { session: session.id });
  demandMeant(session, call.again, host.ports);
  if (session.lastN(writer) >= (call.n || 1n) || mayBeForgotten(session, call.again, host.ports))
    throw new HoldError(
      "code_unknown",
      `whether the command was typed into ${label}, and how it ended, is not known any more; hold screen ${session.id} shows what it printed, hold log ${session.id} all of it`,
      { session: session.id },
    );
}

function refuseRun(session: LiveSession): void {
  const refusal = runRefusal(session.facts, session.commands);
  if (refusal) throw refusal;
}

function actOf(session: LiveSession, text: string, bytes: Uint8Array): Act {
  return { deed: "run", session, what: `runs in the session's shell: ${text}`, data: bytes, ...commandOf(text) };
}

/** What the policy has to say, of an AI. */
async function admitted({ host, operator, via, signal }: CallContext, act: Act, deadline: MonotonicMs | null): Promise<Pass> {
  if (deadline === null) return host.gate.admit(operator, via, act, signal);
  const late = new AbortController();
  const stop = host.ports.wakeAt(deadline, () => late.abort());
  try {
    return await host.gate.admit(operator, via, act, AbortSignal.any([signal, late.signal]));
  } finally {
    stop();
  }
}

/** A shell that has just been opened, or that is drawing its prompt, is given a moment until it reads. */
function shellReads({ host, signal }: CallContext, session: LiveSession): Promise<void> {
  const soon = (): boolean =>
    session.facts.integrated &&
    !session.isOver &&
    (session.commands.state.phase === "unknown" || session.commands.state.phase === "prompt");
  if (!soon()) return Promise.resolve();
  return new Promise((resolve) => {
    const over = (): void => {
      for (const stop of stops) stop();
      resolve();
    };
    const look = (): void => {
      if (!soon()) over();
    };
    const stops = [
      session.commands.listen(look),
      session.listen(look),
      host.ports.wakeAt((host.ports.clock.monoMs() + SHELL_STARTS_MS) as never, over),
    ];
    signal.addEventListener("abort", over, { once: true });
  });
}
