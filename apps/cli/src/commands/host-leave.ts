/** `hold host leave`. */
import { type Context, jsonLine, line } from "../app/context.ts";

export async function run(context: Context, flags: { readonly json: boolean }, args: readonly string[]): Promise<undefined> {
  const [url] = args;
  await (await context.client()).leaveRelay(url!);
  if (flags.json) jsonLine(context.out, { url, left: true });
  else if (context.err.isTty) line(context.err, `${url} is not dialled any more`);
  return;
}
