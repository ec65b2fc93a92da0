/**
 * Running things: `run` types into the session's shell as anybody attached would see it, `exec` runs a program beside its terminal.
 *   C1  Neither ends anything when its time is up: the result says `running` and how to follow.
 *   C2  A person who takes the floor ends the waiting, not the command: the result says `preempted` and who.
 *   C3  A host that dies under either is waited for while there is time (sdk): neither is typed or started twice.
 */
import { type ExecResult, type HoldError, type HostClient, readJournal, type RunResult } from "@holdfast/sdk";
import { cursorAt } from "../text/cursor.ts";
import { Excerpt } from "../text/excerpt.ts";
import { limits } from "../text/limits.ts";
import { Plain } from "../text/plain.ts";
import { type Call, patience, tellProgress, watchFloor } from "./call.ts";
import { drawnScreen } from "./reading.ts";
import { answer, type Facts, type Output, refusal, type ToolResult } from "./result.ts";
import { activityOf, nextStep, type State, stateOf } from "./states.ts";

/** A stream that comes without offsets, gathered as it comes. */
export class Gathered {
  readonly excerpt = new Excerpt(limits.maxTextBytes);
  readonly #plain = new Plain();
  readonly #after: number;
  #at = 0;

  constructor(after: number) {
    this.#after = after;
  }

  take(bytes: Uint8Array, masked = 0): void {
    this.excerpt.masked(masked);
    for (const piece of this.#plain.feed(this.#at, bytes, this.#after)) this.excerpt.push(piece);
    this.#at += bytes.length;
  }

  get drawnBytes(): number {
    return this.#plain.drawnBytes;
  }

  end(): void {
    const open = this.#plain.rest();
    if (open) this.excerpt.push(open);
  }
}

export interface RunArguments {
  readonly session: string;
  readonly command: string;
  readonly wait_seconds: number;
  readonly take: boolean;
  readonly max_bytes: number;
  /** The command's own name (run-once.ts). */
  readonly writer?: string;
}

export async function run(call: Call, args: RunArguments): Promise<ToolResult> {
  const { seconds, isClamped } = patience(call, args.wait_seconds);
  return call.way.change(async (client) => {
    const session = await client.show(args.session);
    const seq = Number(session.seq);
    const gathered = new Gathered(seq);
    const watch = await watchFloor(call, client, session, seq, true);
    const asked = new AbortController();
    const signal = AbortSignal.any([watch.signal, asked.signal]);
    let needs: State | null = null;
    const settled = new AbortController();
    watch.onCommand(() => {
      void inputNeeded(client, session.id, AbortSignal.any([signal, settled.signal])).then((state) => {
        needs = state;
        if (state) asked.abort();
      });
    });
    const quiet = tellProgress(call, seconds, `${args.session}: the command runs`);
    try {
      const began = performance.now();
      const result = await client.run(
        session.id,
        { text: args.command },
        {
          timeoutMs: Math.round(seconds * 1_000),
          take: args.take,
          signal,
          ...(args.writer === undefined ? {} : { writer: args.writer }),
          // Gathered is bounded by itself, and keeps the end: the host would keep the beginning.
          maxBytes: Number.MAX_SAFE_INTEGER,
          output: (bytes) => gathered.take(bytes),
        },
      );
      if (result.state === "timed_out" || result.state === "interrupted")
        await call.way.read((living) => untold(living, session.id, seq, result, (bytes, masked) => gathered.take(bytes, masked)));
      gathered.excerpt.masked(result.maskedBytes);
      gathered.end();
      const interference = watch.interference();
      const state =
        result.state === "ended"
          ? "finished"
          : (interference?.state ?? needs ?? (await call.way.read((living) => stateAfter(living, session.id, result))));
      const facts: Facts = {
        session: session.id,
        incarnation: session.incarnation,
        actor: client.operator.operator?.id,
        state,
        exit_code: result.state === "ended" ? result.code : undefined,
        code_known: result.state === "ended" ? result.code !== null : undefined,
        duration_ms: Math.round(performance.now() - began),
        cursor: cursorAt(result.seq),
        wait_clamped_to_seconds: isClamped ? seconds : undefined,
        ...(interference ? { who: interference.who, since: interference.since } : {}),
        ...(result.state === "ended" ? {} : { next_step: nextStep(state, session) }),
      };
      const { excerpt, drawnBytes } = gathered;
      const outputs: Output[] = [
        { name: "output", session: session.id, stream: 0, excerpt, drawnBytes, base: result.fromOffset },
        ...(await drawnScreen(client, session, state, args.max_bytes)),
      ];
      if (result.state === "not_run" || result.state === "incomplete")
        return {
          ...answer(
            {
              ...facts,
              state: "idle_prompt",
              refused: true,
              code: result.state === "incomplete" ? "incomplete_command" : "not_run",
              next_step:
                result.state === "incomplete"
                  ? "a quote, a bracket or a heredoc is left open; the line was taken back: close it and run it again"
                  : "the shell ran nothing: a syntax error, or no command in the line; screen shows what it said",
            },
            outputs,
            args.max_bytes,
          ),
          isError: true,
        };
      return answer(facts, outputs, args.max_bytes);
    } catch (fault) {
      const interference = watch.interference();
      if (interference && (fault as HoldError).code === "cancelled")
        return refusal(fault, { ...interference, session: session.id });
      return lostSight(fault, session.id, seq);
    } finally {
      quiet();
      settled.abort();
      await watch.end();
    }
  });
}

/** A host that went while something ran, and stayed away: where to look for it. Other refusals are told as they are. */
function lostSight(fault: unknown, session: string, seq: number): ToolResult {
  if (!isLinkLoss(fault)) throw fault;
  return refusal(fault, {
    session,
    cursor: cursorAt(seq),
    next_step: "it may be running: wait with this session and cursor before you repeat anything",
  });
}

function isLinkLoss(fault: unknown): boolean {
  return (fault as { code?: unknown }).code === "unreachable";
}

/** What the journal has of a command's output that was not handed over before the waiting ended: the cursor stands behind it. */
async function untold(
  client: HostClient,
  session: string,
  after: number,
  result: RunResult,
  take: (bytes: Uint8Array, masked: number) => void,
): Promise<void> {
  if (result.fromOffset === 0 && result.toOffset === 0) return;
  const told = Math.max(result.fromOffset, result.toOffset);
  for await (const e of readJournal(client, session, { after, to: result.seq }))
    if (e.type === "output" && e.stream === 0 && e.end > told) take(e.bytes.subarray(Math.max(0, told - e.offset)), e.masked);
}

/** The word for a program that waits for somebody, when it does; null when that is not to be known any more. */
async function inputNeeded(client: HostClient, session: string, signal: AbortSignal): Promise<State | null> {
  try {
    const { fired, state } = await client.wait(session, { inputNeeded: true }, signal);
    // The prompt is the command's end, which the run itself tells.
    return fired === "input_needed" && state !== "idle_prompt" ? stateOf(state) : null;
  } catch {
    // Given up, or the link is gone: the run itself tells.
    return null;
  }
}

async function stateAfter(client: HostClient, session: string, result: RunResult): Promise<State> {
  if (result.state === "interrupted") return "interrupted";
  const now = await activityOf(client, await client.show(session));
  // Before the shell has begun it, or between its end and this look: what is certain is that no end was seen.
  return now === "idle_prompt" ? "running" : now;
}

export interface ExecArguments {
  readonly session: string;
  readonly argv: readonly string[];
  readonly stdin?: string | undefined;
  readonly wait_seconds: number;
  readonly max_bytes: number;
}

export async function exec(call: Call, args: ExecArguments): Promise<ToolResult> {
  const { seconds, isClamped } = patience(call, args.wait_seconds);
  return call.way.change(async (client) => {
    const parent = await client.show(args.session);
    const outs = { 1: new Gathered(0), 2: new Gathered(0) } as const;
    let child = "";
    const leave = new AbortController();
    const gone = (): void => leave.abort();
    if (call.signal.aborted) gone();
    call.signal.addEventListener("abort", gone, { once: true });
    const timer = setTimeout(gone, seconds * 1_000);
    const quiet = tellProgress(call, seconds, `${args.session}: the program runs`);
    const began = performance.now();
    let result: ExecResult | null = null;
    try {
      result = await client.exec(parent.id, args.argv, {
        stdin: args.stdin === undefined ? null : Buffer.from(args.stdin),
        leave: leave.signal,
        started: (id) => {
          child = id;
        },
        output: (stream, bytes, masked) => outs[stream].take(bytes, masked),
      });
    } catch (fault) {
      if (child !== "" && isLinkLoss(fault)) return lostSight(fault, child, 0);
      if (!(leave.signal.aborted && child !== "" && (fault as HoldError).code === "cancelled")) throw fault;
    } finally {
      clearTimeout(timer);
      quiet();
      call.signal.removeEventListener("abort", gone);
    }
    outs[1].end();
    outs[2].end();
    const seen = await call.way.read((living) => living.show(child));
    const outputs: Output[] = ([1, 2] as const).map((stream) => ({
      name: stream === 1 ? "stdout" : "stderr",
      session: child,
      stream,
      excerpt: outs[stream].excerpt,
    }));
    const exit = result?.exit;
    return answer(
      {
        session: child,
        beside: parent.id,
        actor: client.operator.operator?.id,
        state: result ? "finished" : "running",
        exit_code: exit?.code ?? null,
        signal: exit?.signal ?? null,
        cwd: result?.cwd,
        environment_of: result?.environment,
        duration_ms: Math.round(performance.now() - began),
        cursor: cursorAt(Number(seen.seq)),
        wait_clamped_to_seconds: isClamped ? seconds : undefined,
        next_step: result ? undefined : "it goes on as this session; wait for exit with this session and cursor",
      },
      outputs,
      args.max_bytes,
    );
  });
}
