/** `hold grant`: an access grant, alone on standard output. */
import { roles } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";

interface GrantFlags {
  readonly ttl: number | undefined;
  readonly session: string | undefined;
  readonly role: keyof typeof roles | undefined;
  readonly json: boolean;
}

export async function run(context: Context, { ttl, session, role, json }: GrantFlags): Promise<undefined> {
  const client = await context.client();
  const grant = await client.grant({
    ...(ttl === undefined ? {} : { ttlMs: ttl }),
    ...(session === undefined ? {} : { session }),
    ...(role === undefined ? {} : { capabilities: roles[role] }),
  });
  if (json) jsonLine(context.out, { grant });
  else line(context.out, grant);
  if (context.out.isTty && context.err.isTty)
    line(context.err, "this is a secret: whoever has it is you on that host until it is over");
  return;
}
