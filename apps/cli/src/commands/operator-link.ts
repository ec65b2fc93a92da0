/** `hold operator link`. */
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";

export async function run(
  context: Context,
  flags: { readonly oidcSubject: string | undefined; readonly json: boolean },
  args: readonly string[],
): Promise<undefined> {
  const { oidcSubject = null } = flags;
  await (await context.client()).operatorLink(args[0]!, oidcSubject);
  if (flags.json) jsonLine(context.out, { operator: args[0], oidcSubject });
  else if (context.err.isTty)
    line(
      context.err,
      oidcSubject === null
        ? `${escapeText(args[0]!)} logs in no more; keys that they have stay`
        : `${escapeText(args[0]!)} is who logs in as ${escapeText(oidcSubject)}`,
    );
  return;
}
