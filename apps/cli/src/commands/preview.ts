/** `hold preview`. */
import { preview } from "@holdfast/sdk/preview";
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { meant, untilOver } from "./led.ts";

interface PreviewFlags {
  local: number | undefined;
  json: boolean;
}

export async function run(context: Context, flags: PreviewFlags, args: readonly string[]): Promise<undefined> {
  const [asked, text] = args as [string, string];
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535)
    throw usage(`${JSON.stringify(text)} is no port; \`hold forward ${asked} --list\` shows those that there are`);
  const session = meant(context, asked);
  const client = await context.client();
  await untilOver(context, client, session, async (failed) => {
    const made = await preview(client, session, {
      port,
      failed,
      ...(flags.local === undefined ? {} : { localPort: flags.local }),
    });
    if (context.json) jsonLine(context.out, { url: made.url, port, local: made.localPort });
    else {
      line(context.out, made.url);
      line(context.err, escapeText(`port ${port} of ${session}, for the first who opens that; Ctrl-C ends it`));
    }
    return made;
  });
  return;
}
