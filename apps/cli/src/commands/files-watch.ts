/** `hold files watch`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { escapeText } from "@holdfast/sdk";

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const client = await context.client();
  await client.files(args[0]!).watch(
    args[1] ?? "",
    ({ path, change }) => {
      if (change === "watching") {
        if (context.err.isTty) line(context.err, escapeText(`watching ${path}; Ctrl-C ends`));
      } else if (flags.json) jsonLine(context.out, { path, change });
      else line(context.out, escapeText(`${change} ${path}`));
    },
    context.cancelled,
  );
  return;
}
