/** `hold host trust`: makes sure of a host once, and remembers its key. */
import { HoldError } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";

export async function run(
  context: Context,
  flags: { readonly id: string | undefined; readonly yes: boolean; readonly json: boolean },
  args: readonly string[],
): Promise<undefined> {
  const host = await context.lookAtHost(args[0]!);
  const { address, id, knownId } = host;
  // A key that changed is not waved through: whoever stands between would ask for just that.
  if (knownId !== null && knownId !== id && flags.id === undefined)
    throw new HoldError(
      "host_key_changed",
      `${address} is known here as ${knownId}, and who answers has the id ${id}. If its key was replaced on purpose, compare the id with \`hold host status\` there, then: hold host trust ${args[0]} --id ${id}`,
      { address, id, knownId },
    );
  if (flags.id !== undefined && flags.id !== id)
    throw new HoldError(
      "host_key_unknown",
      `who answers at ${address} has the id ${id}, and ${flags.id} is meant; nothing was signed for it`,
      {
        address,
        id,
      },
    );
  if (flags.id === undefined && !flags.yes && !(await isAgreed(context, address, id)))
    throw new HoldError(
      "host_key_unknown",
      `${address} stays unknown; compare its id ${id}, then: hold host trust ${args[0]} --id ${id}`,
      {
        address,
        id,
      },
    );
  await host.remember();
  if (flags.json) jsonLine(context.out, { address, id });
  else line(context.out, id);
  return;
}

async function isAgreed(context: Context, address: string, id: string): Promise<boolean> {
  if (!context.input.isTty || !context.err.isTty) return false;
  context.err.write(`${address} has the id ${id}. Is it what \`hold host status\` says there? [y/N] `);
  return /^y(es)?$/i.test((await context.input.line()) ?? "");
}
