/** What `hold forward` and `hold preview` have in common: they go on until they are stopped, or nobody is led there any more. */
import { adviceOf, escapeText, exitCodeOf, HoldError } from "@holdfast/sdk";
import { type Context, type HostClient, line } from "../app/context.ts";
import { parseRemote } from "../read/remote.ts";

/** The session that is meant by an argument, which may name another machine too, through ssh. Before `context.client`. */
export function meant(context: Context, text: string): string {
  const far = parseRemote(text);
  if (far) context.reach(far.remote);
  return far?.session ?? text;
}

/** `begin` is given what to tell of a connection that could not be led; its end is awaited. Throws when it will never be led again. */
export async function untilOver(
  context: Context,
  client: HostClient,
  session: string,
  begin: (failed: (fault: HoldError) => void) => Promise<{ close(): Promise<void> }>,
): Promise<void> {
  // Heard from now on: who stops it may do so as soon as something is printed.
  const { cancelled } = context;
  // Wrong from the start is told at the start, and not at the first connection.
  const { reachable } = await client.ports(session);
  if (!reachable)
    throw new HoldError(
      "not_permitted",
      "the host leads nobody to its sessions' ports; an admin allows it there: hold config set host.forward on, then hold host down && hold host up",
    );
  let stop!: (fault: HoldError | null) => void;
  const over = new Promise<HoldError | null>((told) => {
    stop = told;
  });
  const led = await begin((fault) => {
    if (exitCodeOf(fault.code) === 4 && adviceOf(fault.code) === "stop") stop(fault);
    else line(context.err, escapeText(`hold: ${fault.message}`));
  });
  const leave = (): void => stop(null);
  if (cancelled.aborted) leave();
  cancelled.addEventListener("abort", leave, { once: true });
  const fault = await over;
  await led.close();
  if (fault) throw fault;
}
