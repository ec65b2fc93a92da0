/** `hold rm`. */
import type { Context } from "../app/context.ts";

export async function run(context: Context, flags: { force: boolean }, args: readonly string[]): Promise<undefined> {
  const client = await context.client();
  for (const session of args) await client.remove(session, flags.force);
  return;
}
