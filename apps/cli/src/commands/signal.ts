/** `hold signal`. */
import { type Context, jsonLine } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { didYouMean } from "../read/near.ts";
import { parseSignal, signalName, signalNames } from "../read/signal.ts";

export async function run(
  context: Context,
  flags: { to: "leader" | "foreground" | "tree" | undefined; json: boolean },
  args: readonly string[],
): Promise<undefined> {
  const signo = parseSignal(args[1]!);
  if (signo === null)
    throw usage(
      `${JSON.stringify(args[1])} is no signal${didYouMean(args[1]!.replace(/^sig/i, "").toUpperCase(), signalNames())}; write a name (INT, TERM) or a number from 1 to 64`,
    );
  const client = await context.client();
  const to = flags.to ?? "foreground";
  const session = flags.json ? await client.show(args[0]!) : undefined;
  await client.signal(session?.id ?? args[0]!, to, signo);
  if (session) jsonLine(context.out, { id: session.id, name: session.name, signal: signalName(signo), number: signo, to });
  return;
}
