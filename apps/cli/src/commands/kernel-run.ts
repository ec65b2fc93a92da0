/** `hold run` in a kernel session: code, and what it shows. */
import { HoldError, type HostClient, type KernelRunResult, type KernelSaid } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { linkNotice } from "../app/link-notice.ts";
import { pictureOf, showPicture } from "../show/picture.ts";
import { bytesText } from "../show/time.ts";
import { answerTo } from "./kernel-prompt.ts";

export interface KernelRunFlags {
  readonly timeout: number | undefined;
  readonly maxBytes: number | undefined;
  readonly json: boolean;
}

/** `code`: `-` reads it from standard input. */
export async function runInKernel(
  context: Context,
  client: HostClient,
  flags: KernelRunFlags,
  session: string,
  code: string,
): Promise<number> {
  const text = code === "-" ? await allOf(context) : code;
  let lastIsLine = true;
  const show = (shown: string): void => {
    context.out.write(shown);
    lastIsLine = shown.endsWith("\n");
  };
  const messages: object[] = [];
  const result = await client.kernels
    .run(session, text, {
      signal: context.cancelled,
      link: linkNotice(context, `the code in ${session}`),
      ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout }),
      ...(flags.maxBytes === undefined ? {} : { maxBytes: flags.maxBytes }),
      message: (said) => {
        if (said.type === "input_request") void replyTo(context, client, session, said);
        if (flags.json && isShown(said)) messages.push({ type: said.type, ...said.content });
        const picture = flags.json ? null : pictureOf(said);
        if (picture) showPicture(context, picture);
      },
      text: async (shown) => {
        if (flags.json) return;
        show(shown);
        await context.out.drained();
      },
    })
    .catch((failed: unknown) => {
      throw linkEnded(session, failed);
    });
  if (flags.json) jsonLine(context.out, { session, ...result, output: messages });
  else if (!lastIsLine && context.out.isTty) context.out.write("\n");
  if (!flags.json && result.omittedBytes > 0)
    line(context.err, `(${bytesText(result.omittedBytes)} of output left out; \`hold log ${session} --raw\` has all of it)`);
  return exitOf(session, result);
}

function exitOf(session: string, { state, outcome, run }: KernelRunResult): number {
  switch (state) {
    case "ended":
      if (outcome === "aborted") throw new HoldError("not_run", `the kernel of ${session} threw the code away before it ran`);
      return outcome === "ok" ? 0 : 1;
    case "timed_out":
      throw new HoldError(
        "timed_out",
        `the code in ${session} still runs; \`hold kernel interrupt ${session}\` stops it, \`hold kernel show ${session}\` tells how it is (run ${run})`,
      );
    case "cancelled":
      throw new HoldError("cancelled", `the code was taken out of the queue of ${session} before it ran`);
    case "voided":
      throw new HoldError("kernel_dead", `the kernel of ${session} ended before the code had its turn: it was not run`);
    case "lost":
      throw new HoldError(
        "kernel_dead",
        `the kernel of ${session} ended while it ran the code; \`hold kernel restart ${session}\` starts it anew`,
      );
    default:
      throw new HoldError(
        "code_unknown",
        `the code in ${session} ran, and how it ended was not heard; \`hold log ${session}\` shows what there is`,
      );
  }
}

/** Who runs code at a terminal is asked there; whoever answers elsewhere meanwhile has answered. */
async function replyTo(context: Context, client: HostClient, session: string, said: KernelSaid): Promise<void> {
  // Who gives the code on standard input has no other line there.
  if (!context.input.isTty) return;
  const { prompt, password } = said.content as { readonly prompt?: string; readonly password?: boolean };
  const value = await answerTo(context, { text: prompt ?? "", password: password === true });
  if (value === null) return;
  await client.kernels.reply(session, String(said.header["msg_id"]), value).catch((fault: unknown) => {
    if (!(fault instanceof HoldError && fault.code === "no_such_prompt")) throw fault;
  });
}

const SHOWN = new Set(["stream", "execute_result", "display_data", "update_display_data", "error", "clear_output"]);
const isShown = ({ type, channel }: KernelSaid): boolean => channel === "iopub" && SHOWN.has(type);

async function allOf(context: Context): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const bytes of context.input.bytes()) all.push(bytes);
  return Buffer.concat(all).toString();
}

function linkEnded(session: string, failed: unknown): unknown {
  if (!(failed instanceof HoldError) || failed.code !== "unreachable") return failed;
  return new HoldError(
    "unreachable",
    `${failed.message}; the code in ${session} may run on: \`hold kernel show ${session}\` tells`,
    { session },
  );
}
