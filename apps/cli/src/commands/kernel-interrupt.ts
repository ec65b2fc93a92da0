/** `hold kernel interrupt`. */
import { type Context, jsonLine } from "../app/context.ts";
import { kernelJson } from "../show/session.ts";

interface InterruptFlags {
  readonly json: boolean;
  readonly confirm: boolean;
  readonly mode: "signal" | "message" | undefined;
}

export async function run(
  context: Context,
  { confirm, mode, json }: InterruptFlags,
  args: readonly string[],
): Promise<undefined> {
  const client = await context.client();
  await client.kernels.interrupt(args[0]!, { confirmed: confirm, ...(mode ? { mode } : {}) });
  if (json) jsonLine(context.out, kernelJson((await client.kernels.show(args[0]!)).kernel!));
  return;
}
