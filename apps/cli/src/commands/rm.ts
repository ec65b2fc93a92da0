/** `hold rm`. */
import { type Context, jsonLine } from "../app/context.ts";
import { each } from "./each.ts";

export async function run(
  context: Context,
  flags: { force: boolean; json: boolean },
  args: readonly string[],
): Promise<undefined> {
  const client = await context.client();
  await each(args, "removed", async (name) => {
    const session = flags.json ? await client.show(name) : undefined;
    await client.remove(session?.id ?? name, flags.force);
    if (session) jsonLine(context.out, { id: session.id, name: session.name, removed: true });
  });
  return;
}
