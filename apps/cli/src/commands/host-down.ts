/** `hold host down`: never starts a host in order to stop it, and says that it is down only when it is. */
import type { HoldError } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";

export async function run(context: Context, flags: { force: boolean; json: boolean }): Promise<undefined> {
  const running = await ask(context, flags.force);
  // Where nothing answers there may be a host all the same: one that can't start, or hangs.
  const ran = await context.hostDown({ end: running === null });
  if (flags.json) jsonLine(context.out, { down: true, ran: running !== null || ran, running });
  else if (context.err.isTty) line(context.err, told(running, ran));
  return;
}

/** How many sessions run on; null if no host answers. */
async function ask(context: Context, force: boolean): Promise<number | null> {
  try {
    const client = await context.client({ start: false });
    const { running } = await client.status();
    await client.down(force);
    return running;
  } catch (error) {
    if ((error as HoldError).code === "unreachable") return null;
    throw error;
  }
}

function told(running: number | null, ran: boolean): string {
  if (running === null)
    return ran ? "the host did not answer; it and its keeper were ended, what runs in sessions runs on" : "no host runs";
  if (running === 0) return "stopped";
  return `stopped; ${running} ${running === 1 ? "session runs" : "sessions run"} on, and the next command takes ${running === 1 ? "it" : "them"} up`;
}
