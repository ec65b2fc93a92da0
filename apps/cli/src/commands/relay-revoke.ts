/** `hold relay revoke`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { asking } from "./relay-asked.ts";

interface RevokeFlags {
  readonly undo: boolean;
  readonly folder: string | undefined;
  readonly json: boolean;
}

export async function run(context: Context, flags: RevokeFlags, args: readonly string[]): Promise<undefined> {
  const ask = await asking(context, flags.folder);
  const { kind, id, tunnels } = await ask("revoke", { what: args[0]!, undo: flags.undo });
  if (flags.json) jsonLine(context.out, { kind, id, tunnels, revoked: !flags.undo });
  else if (context.err.isTty)
    line(context.err, flags.undo ? `${kind} ${id} is let in again` : `${kind} ${id} is out; ${tunnels} tunnels were ended`);
  return;
}
