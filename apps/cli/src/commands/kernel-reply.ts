/** `hold kernel reply`. */
import { escapeText, HoldError } from "@holdfast/sdk";
import { type Context, jsonLine } from "../app/context.ts";
import { answerTo } from "./kernel-prompt.ts";

export async function run(context: Context, flags: { readonly json: boolean }, args: readonly string[]): Promise<undefined> {
  const session = args[0]!;
  const client = await context.client();
  const { prompt } = await client.kernels.show(session);
  if (!prompt)
    throw new HoldError(
      "no_such_prompt",
      `the kernel of session ${session} asks nothing now; hold kernel show ${escapeText(session)} tells how it is`,
    );
  const value = args[1] ?? (await answerTo(context, prompt));
  if (value === null) throw new HoldError("cancelled", "no answer was given: standard input has ended");
  await client.kernels.reply(session, prompt.prompt, value);
  if (flags.json) jsonLine(context.out, { session, prompt: prompt.prompt, run: prompt.run });
  return;
}
