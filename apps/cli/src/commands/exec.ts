/**
 * `hold exec`: a program beside the session's terminal.
 *   X1  Whose output nobody can read any more (`hold exec S -- yes | head`) is ended, as it would be in the pipe itself.
 */
import { exitJson } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { linkNotice } from "../app/link-notice.ts";
import { exitText, shellCode } from "../show/words.ts";

/** What a shell answers for a program that wrote into a closed pipe. */
const SIGPIPE_CODE = 141;

export async function run(
  context: Context,
  flags: { stdin: boolean; timeout: number | undefined; json: boolean },
  args: readonly string[],
): Promise<number> {
  const argv = [...args.slice(1), ...(context.tail ?? [])];
  if (argv.length === 0) throw usage("no program to run: `hold exec SESSION -- CMD…`");
  const client = await context.client();
  const unread = new AbortController();
  for (const output of [context.out, context.err]) output.whenGone(() => unread.abort());
  const kept: Record<1 | 2, Uint8Array[]> = { 1: [], 2: [] };
  const result = await client.exec(args[0]!, argv, {
    stdin: flags.stdin ? context.input.bytes() : null,
    signal: context.cancelled,
    end: unread.signal,
    // In what a program reads, stderr is the command's own.
    ...(context.err.isTty ? { link: linkNotice(context, "the program") } : {}),
    ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout }),
    output: (stream, bytes) => {
      if (flags.json) {
        kept[stream].push(bytes);
        return;
      }
      const output = stream === 1 ? context.out : context.err;
      output.write(bytes);
      return output.drained();
    },
  });
  if (unread.signal.aborted) return SIGPIPE_CODE;
  if (flags.json)
    jsonLine(context.out, {
      exit: exitJson(result.exit),
      stdout: Buffer.concat(kept[1]).toString(),
      stderr: Buffer.concat(kept[2]).toString(),
      cwd: result.cwd,
      environment: result.environment,
    });
  else if (result.environment === "start" && context.err.isTty)
    line(context.err, "(environment as of the session's start: its shell tells no later one)");
  if (result.exit.code === undefined && context.err.isTty && !flags.json) line(context.err, exitText(result.exit));
  return shellCode(result.exit);
}
