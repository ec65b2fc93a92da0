/**
 * `wait`: until something happens, with what was printed meanwhile.
 *   W1  Waiting touches nothing: it sends no input and no signal, and giving up ends nothing.
 *   W2  Who waits for a command where none runs, and has no cursor from before one, is told so: such a wait would have no end.
 *   W3  A wait that a lost host cut goes on on a new link from the same place, for the time that is left.
 *   W4  It holds one attachment at a time: a link has room for so many, and many waits may come to their end at once.
 */
import { parseCursor } from "../text/cursor.ts";
import { type Call, patience, tellProgress, watchFloor } from "./call.ts";
import { othersTyped, readOutput } from "./read-output.ts";
import { drawnScreen } from "./reading.ts";
import { answer, type Facts, type ToolResult } from "./result.ts";
import { activityOf, nextStep, stateOf } from "./states.ts";

export interface WaitArguments {
  readonly session: string;
  readonly until: readonly ("exit" | "command" | "input_needed")[];
  readonly pattern?: string | undefined;
  readonly quiet_ms?: number | undefined;
  readonly timeout_seconds: number;
  readonly cursor?: string | undefined;
  readonly max_bytes: number;
}

/** `more`: told beside what it found. */
export async function wait(call: Call, args: WaitArguments, more: Facts = {}): Promise<ToolResult> {
  const { seconds, isClamped } = patience(call, args.timeout_seconds);
  const deadline = performance.now() + seconds * 1_000;
  const isUnsaid = args.until.length === 0 && args.pattern === undefined && args.quiet_ms === undefined;
  const until: readonly string[] = isUnsaid ? ["exit", "command", "input_needed"] : args.until;
  // W2
  let isPromptTold = until.includes("command") && args.cursor === undefined;
  let from = args.cursor === undefined ? null : parseCursor(args.cursor);
  const quiet = tellProgress(call, seconds, `${args.session}: waiting`);
  try {
    return await call.way.read(async (client) => {
      const session = await client.show(args.session);
      from ??= { after: Number(session.seq), stream: null, offset: 0 };
      const watch = await watchFloor(call, client, session, Math.min(from.after, Number(session.seq)), false);
      try {
        const { after } = from;
        const ask = () =>
          client
            .wait(
              session.id,
              {
                exit: until.includes("exit"),
                command: until.includes("command"),
                inputNeeded: isPromptTold || until.includes("input_needed"),
                fromSeq: after,
                timeoutMs: Math.max(0, Math.round(deadline - performance.now())),
                ...(args.pattern === undefined ? {} : { match: args.pattern }),
                ...(args.quiet_ms === undefined ? {} : { idleMs: args.quiet_ms }),
              },
              watch.signal,
            )
            .catch((fault: unknown) => {
              if (watch.interference()) return null;
              throw fault;
            });
        let told = await ask();
        if (told?.fired === "input_needed" && told.state !== "idle_prompt" && !until.includes("input_needed")) {
          isPromptTold = false;
          told = await ask();
        }
        const now = await client.show(session.id);
        const interference = watch.interference();
        await watch.end(); // W4
        const state = interference?.state ?? (told?.state ? stateOf(told.state) : await activityOf(client, now));
        const read = await readOutput(client, now, from, { signal: call.signal });
        return answer(
          {
            ...more,
            session: session.id,
            incarnation: now.incarnation,
            fired: told?.fired ?? interference?.state ?? "preempted",
            state,
            exit_code: told?.code ?? told?.exit?.code ?? now.exit?.code ?? null,
            signal: told?.exit?.signal ?? null,
            matched: told?.text ? { untrusted: true, text: told.text } : undefined,
            cursor: read.cursor,
            wait_clamped_to_seconds: isClamped ? seconds : undefined,
            ...(interference ? { who: interference.who, since: interference.since } : {}),
            ...othersTyped(read),
            next_step: told?.fired === "command" || told?.fired === "match" ? undefined : nextStep(state, now),
          },
          [...read.outputs, ...(await drawnScreen(client, now, state, args.max_bytes))],
          args.max_bytes,
        );
      } finally {
        await watch.end();
      }
    });
  } finally {
    quiet();
  }
}
