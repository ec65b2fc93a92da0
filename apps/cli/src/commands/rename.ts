/** `hold rename`. */
import type { Context } from "../app/context.ts";
import { checkName } from "./new.ts";

export async function run(context: Context, _flags: object, args: readonly string[]): Promise<undefined> {
  await (await context.client()).rename(args[0]!, checkName(args[1]!));
  return;
}
