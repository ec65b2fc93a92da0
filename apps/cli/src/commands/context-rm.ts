/** `hold context rm`. */
import { type Context, jsonLine } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { hasContext } from "../app/target.ts";
import { readContexts, writeContexts } from "../config/contexts.ts";
import { forgetMirror } from "../mirror/kept.ts";

export async function run(context: Context, flags: { readonly json: boolean }, args: readonly string[]): Promise<undefined> {
  const name = args[0]!;
  const folder = await context.configFolder();
  const contexts = readContexts(folder);
  const { current, places } = contexts;
  if (!hasContext(contexts, name))
    throw usage(`there is no context ${JSON.stringify(name)}; hold context ls shows those there are`);
  const { [name]: _, ...others } = places;
  writeContexts(folder, { current: current === name ? "" : current, places: others });
  forgetMirror(folder, name);
  if (flags.json) jsonLine(context.out, { name, removed: true });
  return;
}
