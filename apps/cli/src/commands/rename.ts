/** `hold rename`. */
import { type Context, jsonLine } from "../app/context.ts";
import { sessionJson } from "../show/session.ts";

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const name = args[1]!;
  const client = await context.client();
  // By its id: the name that it had is gone afterwards.
  const session = flags.json ? (await client.show(args[0]!)).id : args[0]!;
  await client.rename(session, name);
  if (flags.json) jsonLine(context.out, sessionJson(await client.show(session)));
  return;
}
