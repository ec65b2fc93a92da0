/** `hold operator revoke`. */
import { type Context, line } from "../app/context.ts";
import { escapeText } from "../show/escape.ts";

export async function run(context: Context, _flags: object, args: readonly string[]): Promise<undefined> {
  await (await context.client()).operatorRevoke(args[0]!);
  if (context.err.isTty) line(context.err, `${escapeText(args[0]!)} is out; sessions that it opened run on`);
  return;
}
