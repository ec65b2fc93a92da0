/** `hold resize`. */
import { type Context, jsonLine } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { parseSize } from "../read/size.ts";
import { sessionJson } from "../show/session.ts";

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const size = args[1] === "auto" ? null : parseSize(args[1]!);
  if (size === null && args[1] !== "auto")
    throw usage(`${JSON.stringify(args[1])} is no size: write columns and rows, 1x1 to 1000x500 (120x40), or \`auto\``);
  const client = await context.client();
  await client.resize(args[0]!, size);
  if (flags.json) jsonLine(context.out, sessionJson(await client.show(args[0]!)));
  return;
}
