/** `run` under an input_id: a command that was typed already is followed, not typed (input-id.ts). */
import { cursorAt } from "../text/cursor.ts";
import type { Call } from "./call.ts";
import { run, type RunArguments } from "./commands.ts";
import { earlierRun, writerOf } from "./input-id.ts";
import type { ToolResult } from "./result.ts";
import { wait } from "./waiting.ts";

export async function runOnce(call: Call, args: RunArguments & { readonly input_id?: string | undefined }): Promise<ToolResult> {
  const { input_id: inputId } = args;
  if (inputId === undefined) return run(call, args);
  const writer = writerOf(inputId);
  const typed = await call.way.read(async (client) => {
    const { id } = await client.show(args.session);
    const outcome = await earlierRun(client, id, args.command, writer);
    return outcome && { session: id, after: outcome.seq };
  });
  if (!typed) return run(call, { ...args, writer });
  const until = ["exit", "command", "input_needed"] as const;
  const { session, after } = typed;
  const { wait_seconds: timeout_seconds, max_bytes } = args;
  return wait(call, { session, until, cursor: cursorAt(after), timeout_seconds, max_bytes }, { repeated: true });
}
