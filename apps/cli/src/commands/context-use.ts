/** `hold context use`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { hasContext, LOCAL } from "../app/target.ts";
import { readContexts, writeContexts } from "../config/contexts.ts";
import { didYouMean } from "../read/near.ts";

export async function run(context: Context, flags: { readonly json: boolean }, args: readonly string[]): Promise<undefined> {
  const name = args[0]!;
  const folder = await context.configFolder();
  const contexts = readContexts(folder);
  if (name !== LOCAL && !hasContext(contexts, name))
    throw usage(
      `there is no context ${JSON.stringify(name)}${didYouMean(name, [LOCAL, ...Object.keys(contexts.places)])}; hold context ls shows them`,
    );
  writeContexts(folder, { ...contexts, current: name });
  if (flags.json) jsonLine(context.out, { current: name });
  else if (context.err.isTty)
    line(
      context.err,
      name === LOCAL
        ? "commands are about this machine again"
        : `commands are about ${name} now; back with: hold context use ${LOCAL}`,
    );
  return;
}
