/** `hold kernel cancel`. */
import { HoldError } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";

export async function run(context: Context, flags: { readonly json: boolean }, args: readonly string[]): Promise<undefined> {
  const session = args[0]!;
  const client = await context.client();
  const { waiting } = await client.kernels.show(session);
  const wanted = args[1];
  const meant = waiting.filter((r) =>
    wanted === undefined ? r.operator === client.operator.operator?.id : r.run.startsWith(wanted),
  );
  if (wanted !== undefined && meant.length > 1)
    throw new HoldError("bad_request", `${meant.length} runs begin with ${wanted}: ${meant.map((r) => r.run).join(", ")}`);
  // The host says what became of one that waits no more.
  if (wanted !== undefined && meant.length === 0) await client.kernels.cancel(session, wanted);
  for (const { run: id } of meant) await client.kernels.cancel(session, id);
  if (flags.json) jsonLine(context.out, { session, cancelled: meant.map((r) => r.run) });
  else if (wanted === undefined && context.err.isTty)
    line(context.err, meant.length === 0 ? "nothing of yours waits" : `cancelled ${meant.length}`);
  return;
}
