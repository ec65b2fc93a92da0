/** `hold kernel restart`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { kernelJson } from "../show/session.ts";

export async function run(context: Context, flags: { readonly json: boolean }, args: readonly string[]): Promise<undefined> {
  const client = await context.client();
  const { waiting } = await client.kernels.show(args[0]!);
  await client.kernels.restart(args[0]!);
  if (flags.json) jsonLine(context.out, kernelJson((await client.kernels.show(args[0]!)).kernel!));
  else if (context.err.isTty)
    line(context.err, `restarted${waiting.length > 0 ? `; ${waiting.length} that waited were not run` : ""}`);
  return;
}
