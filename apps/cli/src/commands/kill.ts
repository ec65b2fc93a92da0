/** `hold kill`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { escapeText } from "@holdfast/sdk";
import { sessionJson, stateText } from "../show/session.ts";
import { each } from "./each.ts";

export async function run(
  context: Context,
  flags: { grace: number | undefined; json: boolean },
  args: readonly string[],
): Promise<undefined> {
  const client = await context.client();
  await each(args, "ended", async (session) => {
    const ended = await client.kill(session, flags.grace ?? 5_000);
    if (flags.json) jsonLine(context.out, sessionJson(ended));
    else if (context.err.isTty) line(context.err, escapeText(`${ended.name || ended.id}: ${stateText(ended)}`));
  });
  return;
}
