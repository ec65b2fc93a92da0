/** `hold console`. */
import { join } from "node:path";
import { formatInvite, HoldError } from "@holdfast/sdk";
import { folders } from "@holdfast/sdk/node";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { formatDuration } from "../read/duration.ts";
import { openBrowserPrivately } from "./open-browser.ts";

interface ConsoleFlags {
  readonly noOpen: boolean;
  readonly off: boolean;
  readonly redeemWithin: number | undefined;
  readonly json: boolean;
}

export async function run(context: Context, { noOpen, off, redeemWithin, json }: ConsoleFlags): Promise<undefined> {
  if (redeemWithin === 0) throw usage("a time of more than nothing is wanted: 10m, 30s");
  const client = await context.client();
  if (off) {
    await client.console("off");
    if (json) jsonLine(context.out, { url: null });
    return;
  }
  const url = await client.console().catch(async (fault: HoldError) => {
    // Who may not open it may be let in where an admin has.
    const { addresses } = await client.status();
    if (fault.code === "not_permitted" && addresses["console"]) return addresses["console"];
    throw fault;
  });
  if (!url) throw new HoldError("internal", "the host says of its console that it is not open");
  const own = client.operator.operator!;
  const invited = await client.invite({ operator: own.id, ...(redeemWithin === undefined ? {} : { redeemMs: redeemWithin }) });
  const { token, hostKey, invitation } = invited;
  const link = `${url}/#${formatInvite({ at: [url.replace(/^http/, "ws")], hostKey, token, operator: own.name })}`;
  if (json) {
    const until = new Date(Number(invitation.redeemUntilUnixMs)).toISOString();
    jsonLine(context.out, { url, link, invitation: invitation.id, redeemUntil: until });
    return;
  }
  line(context.out, link);
  if (context.err.isTty) {
    const left = formatDuration(Math.ceil((Number(invitation.redeemUntilUnixMs) - context.now()) / 1_000) * 1_000);
    line(
      context.err,
      `open it in a browser of this machine: it works once, within ${left}, and that browser is ${own.name} from then on`,
    );
    line(context.err, `a browser that has been let in needs no link: ${url}`);
    if (!noOpen) openBrowserPrivately(link, join(folders.run(await context.home()), "console.html"));
  }
  return;
}
