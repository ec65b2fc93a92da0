/** `hold host down`: never starts a host in order to stop it. */
import { HoldError } from "@holdfast/sdk";
import { type Context, line } from "../app/context.ts";

export async function run(context: Context, flags: { force: boolean }): Promise<undefined> {
  let client: Awaited<ReturnType<Context["client"]>>;
  try {
    client = await context.client({ start: false });
  } catch (error) {
    if (error instanceof HoldError && error.code === "unreachable") {
      if (context.err.isTty) line(context.err, "no host runs");
      return;
    }
    throw error;
  }
  const { running } = await client.status();
  await client.down(flags.force);
  if (context.err.isTty)
    line(
      context.err,
      running > 0
        ? `stopped; ${running} ${running === 1 ? "session runs" : "sessions run"} on, and the next command takes ${running === 1 ? "it" : "them"} up`
        : "stopped",
    );
  return;
}
