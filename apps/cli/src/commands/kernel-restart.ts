/** `hold kernel restart`. */
import { type Context, line } from "../app/context.ts";

export async function run(context: Context, _flags: object, args: readonly string[]): Promise<undefined> {
  const client = await context.client();
  const { waiting } = await client.kernels.show(args[0]!);
  await client.kernels.restart(args[0]!);
  if (context.err.isTty)
    line(context.err, `restarted${waiting.length > 0 ? `; ${waiting.length} that waited were not run` : ""}`);
  return;
}
