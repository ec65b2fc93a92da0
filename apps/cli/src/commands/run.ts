/** `hold run`: one command in the session's shell. */
import { isUtf8 } from "node:buffer";
import { bytesOf, HoldError } from "@holdfast/sdk";
import { type Context, jsonLine } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { linkNotice } from "../app/link-notice.ts";
import { LineEnds } from "../record/line-ends.ts";
import { bytesText } from "../show/time.ts";

interface RunFlags {
  timeout: number | undefined;
  take: boolean;
  maxBytes: number | undefined;
  json: boolean;
}

export async function run(context: Context, flags: RunFlags, args: readonly string[]): Promise<number> {
  const words = [...args.slice(1), ...(context.tail ?? [])];
  const session = args[0]!;
  if (words.length === 0 || words.every((w) => w.trim() === "")) throw usage("no command to run: `hold run SESSION -- CMD…`");
  // What is typed for somebody must be what was given, and a call carries text.
  if (!isUtf8(bytesOf(words.join(" "))))
    throw usage(`the command has bytes that are not UTF-8: put them into a script, or type them with \`hold send ${session} …\``);
  const client = await context.client();
  const { kernel } = await client.show(session);
  if (kernel) {
    const { runInKernel } = await import("./kernel-run.ts");
    return runInKernel(context, client, flags, session, words.join(" "));
  }
  const kept: Uint8Array[] = [];
  const lineEnds = new LineEnds();
  const ran = client.run(session, words.length === 1 ? { text: words[0]! } : { words }, {
    take: flags.take,
    signal: context.cancelled,
    link: linkNotice(context, `the command in ${session}`),
    ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout }),
    ...(flags.maxBytes === undefined ? {} : { maxBytes: flags.maxBytes }),
    output: (bytes) => {
      const written = lineEnds.feed(bytes);
      if (flags.json) {
        kept.push(written);
        return;
      }
      context.out.write(written);
      return context.out.drained();
    },
  });
  const result = await ran.catch((failed: unknown) => {
    throw linkEnded(session, failed);
  });
  if (flags.json) {
    kept.push(lineEnds.rest());
    const { toOffset, fromOffset, omittedBytes, state, code } = result;
    jsonLine(context.out, { session, state, code, output: Buffer.concat(kept).toString(), fromOffset, toOffset, omittedBytes });
  } else context.out.write(lineEnds.rest());
  if (!flags.json && result.omittedBytes > 0)
    context.err.write(`(${bytesText(result.omittedBytes)} of output left out; \`hold log ${session} --raw\` has all of it)\n`);
  switch (result.state) {
    case "ended":
      if (result.code !== null) return result.code;
      throw new HoldError(
        "code_unknown",
        `the command in ${session} ended and the shell did not tell its code; \`hold screen ${session}\` shows what it printed`,
        { session },
      );
    case "not_run":
      throw new HoldError(
        "not_run",
        `the shell of ${session} ran nothing: a syntax error, or a line with no command in it; \`hold screen ${session}\` shows what it said`,
        { session },
      );
    case "incomplete":
      throw new HoldError(
        "incomplete_command",
        `the shell of ${session} waits for more: a quote, a bracket or a heredoc is left open; the line was taken back, close it and run it again`,
      );
    case "timed_out":
      throw new HoldError(
        "timed_out",
        `the command in ${session} still runs; \`hold wait ${session} --command\` waits on, \`hold send ${session} --key C-c\` interrupts it`,
      );
    case "interrupted":
      throw new HoldError("cancelled", `the command in ${session} was interrupted and its code is not known`);
    default:
      // A newer host's word: whatever it means, it is no code.
      throw new HoldError("code_unknown", `the command in ${session} is ${String(result.state)}; its code is not known`, {
        session,
      });
  }
}

/** Where the host stayed away, the shell and what was typed may live on all the same. */
function linkEnded(session: string, failed: unknown): unknown {
  if (!(failed instanceof HoldError) || failed.code !== "unreachable") return failed;
  return new HoldError(
    "unreachable",
    `${failed.message}; the command in ${session} may run on: \`hold wait ${session} --command\` waits for its end, \`hold screen ${session}\` shows what it printed`,
    { session },
  );
}
