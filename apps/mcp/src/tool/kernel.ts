/**
 * Kernels: code that keeps its variables, run in its turn among everybody's.
 *   E1  Time that is up ends the waiting, not the code; so does a question that it asks, which whoever may answers.
 *   E2  Pictures come as pictures, some and of some size: beside the bound of a result's text (result.ts, R1), and what is left out is counted.
 */
import {
  HoldError,
  type HostClient,
  type KernelRunResult,
  type KernelSaid,
  type Session,
  SessionKind,
  textOfSaid,
} from "@holdfast/sdk";
import { cursorAt } from "../text/cursor.ts";
import { limits } from "../text/limits.ts";
import { type Call, patience, tellProgress } from "./call.ts";
import { Gathered } from "./commands.ts";
import { writerOf } from "./input-id.ts";
import { answer, type Facts, type ToolResult } from "./result.ts";
import type { State } from "./states.ts";

export interface ExecuteArguments {
  readonly session: string;
  readonly code: string;
  readonly wait_seconds: number;
  readonly max_bytes: number;
  readonly input_id?: string | undefined;
}

export async function kernelExecute(call: Call, args: ExecuteArguments): Promise<ToolResult> {
  const { seconds, isClamped } = patience(call, args.wait_seconds);
  return call.way.change(async (client) => {
    const session = await kernelSession(client, args.session);
    const gathered = new Gathered(Number(session.seq));
    const pictures = new Pictures();
    const asked = new AbortController();
    let run = "";
    let question: Facts | null = null;
    const quiet = tellProgress(call, seconds, `${args.session}: the code runs`);
    const began = performance.now();
    try {
      const result = await client.kernels
        .run(session.id, args.code, {
          timeoutMs: Math.round(seconds * 1_000),
          signal: AbortSignal.any([call.signal, asked.signal]),
          ...(args.input_id === undefined ? {} : { writer: writerOf(args.input_id) }),
          queued: (id) => {
            run = id;
          },
          message: (said) => {
            const text = said.channel === "iopub" ? textOfSaid(said) : null;
            if (text) gathered.take(Buffer.from(text));
            pictures.add(said);
            if (said.type !== "input_request") return;
            question = questionOf(said);
            asked.abort();
          },
        })
        .catch((fault: unknown) => {
          if (question && (fault as HoldError).code === "cancelled") return null;
          throw fault;
        });
      gathered.excerpt.masked(result?.maskedBytes ?? 0);
      gathered.end();
      const seen = await call.way.read((living) => living.show(session.id));
      const state: State = result ? stateAfter(result) : question!["password"] === true ? "waiting_secret" : "waiting_input";
      const told = answer(
        {
          session: session.id,
          incarnation: seen.incarnation,
          actor: client.operator.operator?.id,
          state,
          run: result?.run ?? run,
          ended: result?.state ?? null,
          outcome: result?.outcome ?? null,
          execution_count: result?.executionCount ?? null,
          duration_ms: Math.round(performance.now() - began),
          cursor: cursorAt(result?.seq ?? Number(seen.seq)),
          wait_clamped_to_seconds: isClamped ? seconds : undefined,
          ...(question ? { question } : {}),
          ...pictures.facts(),
          next_step: nextAfter(state, result),
        },
        [{ name: "output", session: session.id, stream: 0, excerpt: gathered.excerpt }],
        args.max_bytes,
      );
      return { ...told, content: [...told.content, ...pictures.content()], ...(isDone(result) ? {} : { isError: true }) };
    } finally {
      quiet();
    }
  });
}

/** What came of it is no error of the call, but for code that was not run or of which nobody knows. */
const isDone = (result: KernelRunResult | null): boolean =>
  result === null || result.state === "ended" || result.state === "timed_out";

function stateAfter({ state }: KernelRunResult): State {
  return state === "timed_out" ? "running" : "finished";
}

function nextAfter(state: State, result: KernelRunResult | null): string | undefined {
  if (state === "waiting_input") return "it asks something: kernel_control, verb reply, answers with the prompt of `question`";
  if (state === "waiting_secret")
    return "it asks for a password, which a person gives in `hold attach` or `hold kernel reply`; then wait with this cursor";
  switch (result?.state) {
    case "timed_out":
      return "it goes on: wait with this cursor, or kernel_control, verb interrupt, ends it";
    case "cancelled":
      return "it was taken out of the queue before it ran, by somebody or because AIs were paused";
    case "voided":
      return "the kernel ended before its turn: it was not run";
    case "lost":
      return "the kernel ended while it ran it, with all its variables: kernel_control, verb restart, starts it anew";
    case "unknown":
      return "it ran, and nobody heard how it ended: look at the variables before you repeat it";
    default:
      return undefined;
  }
}

const questionOf = (said: KernelSaid): Facts => ({
  prompt: String(said.header["msg_id"]),
  untrusted: true,
  text: String(said.content["prompt"] ?? ""),
  password: said.content["password"] === true,
});

const MIMES = ["image/png", "image/jpeg", "image/gif"] as const;

class Pictures {
  readonly #kept: { readonly data: string; readonly mimeType: string }[] = [];
  #bytes = 0;
  #leftOut = 0;

  add({ channel, type, content }: KernelSaid): void {
    if (channel !== "iopub" || (type !== "display_data" && type !== "execute_result" && type !== "update_display_data")) return;
    const data = (content["data"] ?? {}) as Record<string, unknown>;
    const mimeType = MIMES.find((mime) => typeof data[mime] === "string");
    if (!mimeType) return;
    const base64 = (data[mimeType] as string).replaceAll(/\s/g, "");
    const fits = this.#kept.length < limits.pictures && this.#bytes + base64.length <= limits.pictureBytes;
    if (!fits) {
      this.#leftOut++;
      return;
    }
    this.#kept.push({ data: base64, mimeType });
    this.#bytes += base64.length;
  }

  facts(): Facts {
    if (this.#kept.length + this.#leftOut === 0) return {};
    return { pictures: this.#kept.length, ...(this.#leftOut > 0 ? { pictures_left_out: this.#leftOut } : {}) };
  }

  content() {
    return this.#kept.map((picture) => ({ type: "image" as const, ...picture }));
  }
}

async function kernelSession(client: HostClient, name: string): Promise<Session> {
  const session = await client.show(name);
  if (session.kind === SessionKind.KERNEL) return session;
  throw new HoldError(
    "unsupported",
    `session ${session.name || session.id} is no kernel; session_open with kind kernel opens one, run types into a shell`,
  );
}

export interface ControlArguments {
  readonly session: string;
  readonly verb: "interrupt" | "restart" | "reply" | "cancel";
  readonly prompt?: string | undefined;
  readonly text?: string | undefined;
  readonly run?: string | undefined;
}

export async function kernelControl(
  call: Call,
  { session: name, verb, prompt, text, run }: ControlArguments,
): Promise<ToolResult> {
  if ((verb === "reply") !== (prompt !== undefined && text !== undefined))
    throw new HoldError("bad_request", "`prompt` and `text` go with verb reply, and reply with both");
  if ((verb === "cancel") !== (run !== undefined))
    throw new HoldError("bad_request", "`run` goes with verb cancel, and cancel with `run`");
  return call.way.change(async (client) => {
    const { id } = await kernelSession(client, name);
    if (verb === "reply") await client.kernels.reply(id, prompt!, text!);
    else if (verb === "cancel") await client.kernels.cancel(id, run!);
    else if (verb === "interrupt") await client.kernels.interrupt(id);
    else await client.kernels.restart(id);
    const now = await client.show(id);
    return answer({ session: id, incarnation: now.incarnation, done: verb, cursor: cursorAt(Number(now.seq)) });
  });
}
