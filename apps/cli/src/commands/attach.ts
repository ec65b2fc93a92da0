/** `hold attach`: to a terminal if there is one, else a stream of output. */
import type { Context } from "../app/context.ts";

export async function run(
  context: Context,
  flags: { observe: boolean; take: boolean; carrier: "unix" | undefined; screen: "alternate" | "main" | undefined },
  args: readonly string[],
): Promise<number | undefined> {
  const options = {
    session: args[0]!,
    observe: flags.observe,
    take: flags.take,
    ...(flags.screen ? { screen: flags.screen } : {}),
  };
  if (context.input.isTty && context.out.isTty) {
    const { attachInteractive } = await import("../attach/interactive.ts");
    return attachInteractive(context, options);
  }
  const { attachStream } = await import("../attach/stream.ts");
  return attachStream(context, options);
}
