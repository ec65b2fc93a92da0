/** `hold console`. */
import { join } from "node:path";
import { formatInvite, HoldError, type HostClient, pagesOf, type ServedPage } from "@holdfast/sdk";
import { folders } from "@holdfast/sdk/node";
import { type Context, jsonLine, line, type RecordPage } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { formatDuration } from "../read/duration.ts";
import { NOT_END_TO_END, relayedPage } from "./invited.ts";
import { openBrowserPrivately } from "./open-browser.ts";

/** As a host has it for its own page. */
const RECORD_REDEEM_MS = 10 * 60_000;

interface ConsoleFlags {
  readonly noOpen: boolean;
  readonly off: boolean;
  readonly byNetwork: boolean;
  readonly byRelay: boolean;
  readonly redeemWithin: number | undefined;
  readonly json: boolean;
}

export async function run(context: Context, flags: ConsoleFlags): Promise<undefined> {
  const { off, byRelay, byNetwork, redeemWithin, json } = flags;
  if (redeemWithin === 0) throw usage("a time of more than nothing is wanted: 10m, 30s");
  if (byRelay && byNetwork) throw usage("--by-relay and --by-network are two ways: say one");
  const isElsewhere = context.host !== undefined || context.relayUrls.length > 0;
  if (off && (byRelay || byNetwork || isElsewhere))
    throw usage(
      "--off closes the page of this machine's loopback; others are over where they began: hold host join URL, or hold host up --listen, without pages",
    );
  // Of a host that is asked how it lets others in, its record is no answer.
  const instead = !off && !byRelay && !byNetwork;
  const record = await context.recordPage(Math.min(redeemWithin ?? RECORD_REDEEM_MS, RECORD_REDEEM_MS), instead);
  if (record) return serveRecord(context, record, flags);
  const client = await context.client();
  if (off) {
    await client.console("off");
    if (json) jsonLine(context.out, { url: null });
    return;
  }
  const { url, at } = await (byRelay ? relayedPage : byNetwork || isElsewhere ? networkPage : ownPage)(client);
  const own = client.operator.operator!;
  const within = redeemWithin === undefined ? {} : { redeemMs: redeemWithin };
  const invited = await client.invite({ operator: own.id, plain: byRelay, ...within });
  const { token, hostKey, invitation } = invited;
  const invite = formatInvite({ at, hostKey, token, operator: own.name, ...(byRelay ? { plain: true } : {}) });
  const link = `${url}/#${invite}`;
  if (json) {
    const until = new Date(Number(invitation.redeemUntilUnixMs)).toISOString();
    jsonLine(context.out, { url, link, invitation: invitation.id, redeemUntil: until });
    return;
  }
  line(context.out, link);
  if (!context.err.isTty) return;
  const isHere = instead && !isElsewhere;
  const left = formatDuration(Math.ceil((Number(invitation.redeemUntilUnixMs) - context.now()) / 1_000) * 1_000);
  const where = isHere ? "a browser of this machine" : "any browser that gets there";
  line(context.err, `open it in ${where}: it works once, within ${left}, and that browser is ${own.name} from then on`);
  line(context.err, `a browser that has been let in needs no link: ${url}`);
  if (byRelay) line(context.err, NOT_END_TO_END);
  if (instead && !flags.noOpen) openBrowserPrivately(link, join(folders.run(await context.home()), "console.html"));
  return;
}

/** In the foreground: the page is there until Ctrl-C. */
async function serveRecord(context: Context, record: RecordPage, flags: ConsoleFlags): Promise<undefined> {
  try {
    if (flags.off || flags.byRelay || flags.byNetwork)
      throw usage(
        "a mirror is read on this machine, for as long as the command runs: Ctrl-C ends it, and there is no other way in",
      );
    const { url, hostKey, token, redeemUntilUnixMs } = record;
    const link = `${url}/#${formatInvite({ at: [url.replace(/^http/, "ws")], hostKey, token })}`;
    if (flags.json) {
      jsonLine(context.out, { url, link, redeemUntil: new Date(redeemUntilUnixMs).toISOString(), ...context.origin });
    } else {
      line(context.out, link);
      if (context.err.isTty) {
        const left = formatDuration(Math.ceil((redeemUntilUnixMs - context.now()) / 1_000) * 1_000);
        line(context.err, `open it in a browser of this machine: it works once, within ${left}, and that browser may read`);
        line(context.err, "Ctrl-C ends the page, and nothing of it stays");
        if (!flags.noOpen) openBrowserPrivately(link, join(folders.run(await context.home()), "console.html"));
      }
    }
    const { cancelled } = context;
    if (!cancelled.aborted)
      await new Promise<void>((resolve) => cancelled.addEventListener("abort", () => resolve(), { once: true }));
    return;
  } finally {
    await record.close();
  }
}

/** Where the host listens for other machines. */
async function networkPage(client: HostClient): Promise<ServedPage> {
  const page = pagesOf(await client.status()).find(({ by }) => by === "network");
  if (page) return page;
  throw new HoldError(
    "unsupported",
    "this host serves no page to other machines: hold host up --listen ADDRESS:PORT --tls-cert FILE --tls-key FILE --console; by ssh its own is reached: ssh -L 7434:127.0.0.1:7434 HOST hold console --no-open",
  );
}

/** Of this machine's host. */
async function ownPage(client: HostClient): Promise<ServedPage> {
  const url = await client.console().catch(async (fault: HoldError) => {
    // Who may not open it may be let in where an admin has.
    const { addresses } = await client.status();
    if (fault.code === "not_permitted" && addresses["console"]) return addresses["console"];
    throw fault;
  });
  if (!url) throw new HoldError("internal", "the host says of its console that it is not open");
  return { by: "here", url, at: [url.replace(/^http/, "ws")] };
}
