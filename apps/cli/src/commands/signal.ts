/** `hold signal`. */
import type { Context } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { didYouMean } from "../read/near.ts";
import { parseSignal, signalNames } from "../read/signal.ts";

export async function run(
  context: Context,
  flags: { to: "leader" | "foreground" | "tree" | undefined },
  args: readonly string[],
): Promise<undefined> {
  const signo = parseSignal(args[1]!);
  if (signo === null)
    throw usage(
      `${JSON.stringify(args[1])} is no signal${didYouMean(args[1]!.replace(/^sig/i, "").toUpperCase(), signalNames())}; write a name (INT, TERM) or a number from 1 to 64`,
    );
  await (await context.client()).signal(args[0]!, flags.to ?? "foreground", signo);
  return;
}
