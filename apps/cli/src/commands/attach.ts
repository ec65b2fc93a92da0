/** `hold attach`: to a terminal if there is one, else a stream of output; or the far end of somebody's link. */
import { SessionKind } from "@holdfast/sdk";
import type { Context } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { parseRemote } from "../read/remote.ts";

export async function run(
  context: Context,
  flags: {
    observe: boolean;
    take: boolean;
    carrier: "unix" | "stdio" | undefined;
    screen: "alternate" | "main" | undefined;
  },
  args: readonly string[],
): Promise<number | undefined> {
  const [asked] = args;
  if (flags.observe && flags.take) throw usage("--observe only looks, and --take takes the floor: give one of the two");
  if (flags.carrier === "stdio") {
    if (asked !== undefined)
      throw usage("--carrier stdio takes no session: who speaks over it says which one, frame by frame (`hold help remote`)");
    return context.bridge();
  }
  if (asked === undefined) throw usage("which session? `hold ls` lists them, `hold` alone lets you pick one");
  const far = parseRemote(asked);
  if (far && flags.carrier === "unix") throw usage(`${asked} is on another machine, which no socket of this one leads to`);
  if (far) context.reach(far.remote);
  const options = {
    session: far?.session ?? asked,
    observe: flags.observe,
    take: flags.take,
    ...(flags.screen ? { screen: flags.screen } : {}),
  };
  if (context.input.isTty && context.out.isTty) {
    const { attachAtTerminal } = await import("../attach/at-terminal.ts");
    return attachAtTerminal(context, options);
  }
  const session = await (await context.client()).show(options.session);
  if (session.kind === SessionKind.KERNEL) {
    const { readKernel } = await import("../kernel-console/attach.ts");
    return readKernel(context, session);
  }
  const { attachStream } = await import("../attach/stream.ts");
  return attachStream(context, options);
}
