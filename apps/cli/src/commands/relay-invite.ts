/** `hold relay invite`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { formatDuration } from "../read/duration.ts";
import { asking } from "./relay-asked.ts";

interface InviteFlags {
  readonly fleet: string | undefined;
  readonly name: string | undefined;
  readonly ttl: number | undefined;
  readonly folder: string | undefined;
  readonly json: boolean;
}

const TTL_MS = 3_600_000;

export async function run(context: Context, flags: InviteFlags): Promise<undefined> {
  const { fleet = "home", name = "", ttl = TTL_MS, folder } = flags;
  const ask = await asking(context, folder);
  const { token, untilUnixMs } = await ask("invite", { fleet, name, ttlMs: BigInt(ttl) });
  const text = Buffer.from(token).toString("base64url");
  if (flags.json)
    jsonLine(context.out, { token: text, fleet, name: name || null, until: new Date(Number(untilUnixMs)).toISOString() });
  else {
    line(context.out, text);
    if (context.err.isTty)
      line(context.err, `for one host of ${fleet}, within ${formatDuration(ttl)}: hold host join URL --token ${text}`);
  }
  return;
}
