/** `hold kernel interrupt`. */
import type { Context } from "../app/context.ts";

interface InterruptFlags {
  readonly confirm: boolean;
  readonly mode: "signal" | "message" | undefined;
}

export async function run(context: Context, { confirm, mode }: InterruptFlags, args: readonly string[]): Promise<undefined> {
  const client = await context.client();
  await client.kernels.interrupt(args[0]!, { confirmed: confirm, ...(mode ? { mode } : {}) });
  return;
}
