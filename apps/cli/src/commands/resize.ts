/** `hold resize`. */
import type { Context } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { parseSize } from "../read/size.ts";

export async function run(context: Context, _flags: object, args: readonly string[]): Promise<undefined> {
  const size = args[1] === "auto" ? null : parseSize(args[1]!);
  if (size === null && args[1] !== "auto")
    throw usage(`${JSON.stringify(args[1])} is no size: write columns and rows, 1x1 to 1000x500 (120x40), or \`auto\``);
  await (await context.client()).resize(args[0]!, size);
  return;
}
