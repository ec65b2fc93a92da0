/** What is told of an invitation that was made: the text, how it is taken up, and whether anybody can get here to do so. */
import {
  escapeText,
  formatInvite,
  HoldError,
  type HostClient,
  type Invited,
  pagesOf,
  placesOf,
  type ServedPage,
} from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { formatDuration } from "../read/duration.ts";
import { invitationJson } from "../show/session.ts";

const LOOPBACK = /^\w+:\/\/(localhost|127\.[\d.]+|\[::1\])(:|\/|$)/;
/** Where the host is reached: what the person says, else what it says of itself. */
export async function addressesOf(client: HostClient, said: readonly string[]): Promise<readonly string[]> {
  for (const address of said) checkAddress(address);
  if (said.length > 0) return said;
  return placesOf(await client.status());
}

/** As relays serve it. Throws `unsupported` where no relay that the host is connected to serves one, or the host lets no page in by it. */
export async function relayedPage(client: HostClient): Promise<ServedPage> {
  const status = await client.status();
  const page = pagesOf(status).find(({ by }) => by === "relay");
  if (page) return page;
  const serving = status.uplinks.filter(({ page: url }) => url !== "");
  throw new HoldError(
    "unsupported",
    serving[0]
      ? `the relay at ${serving[0].page} serves the console, and this host lets no page in by it, which the relay could read and forge; an admin allows it with: hold host join ${serving[0].url} --allow-plain`
      : "no relay that this host is connected to serves the console: who runs one starts it with --web ADDRESS:PORT --console, and then: hold host join URL --allow-plain",
  );
}

function checkAddress(address: string): void {
  if (!URL.canParse(address) || !/^\w+(\+\w+)?:\/\/./.test(address))
    throw usage(`--at takes an address such as wss://box.example:7433, not ${JSON.stringify(address)}`);
}

export interface Telling {
  readonly at: readonly string[];
  /** Of a guest. */
  readonly session?: string;
  /** Whom it is for, if they have a name already. */
  readonly operator?: string;
  /** What they will be, for a person to read: `ana is shared with an observer until …`. */
  readonly words: string;
  /** It is for a page, which is at this address: a link is printed. */
  readonly page?: string | undefined;
  readonly json: boolean;
}

export function tell(context: Context, { invitation, token, hostKey }: Invited, telling: Telling): void {
  const { at, session, operator, words, page, json } = telling;
  const invite = formatInvite({
    at,
    hostKey,
    token,
    ...(session === undefined ? {} : { session }),
    ...(operator === undefined || operator === "" ? {} : { operator }),
    ...(page === undefined ? {} : { plain: true }),
  });
  if (page !== undefined) return tellLink(context, invitation, `${page}/#${invite}`, telling);
  const command = `hold join ${invite}`;
  if (json) jsonLine(context.out, { ...invitationJson(invitation, context.now()), invite, command, at });
  else {
    line(context.out, invite);
    if (context.err.isTty) {
      const left = formatDuration(Math.ceil((Number(invitation.redeemUntilUnixMs) - context.now()) / 1_000) * 1_000);
      line(context.err, `${escapeText(words)}; it works once, within ${left}. On the other machine:`);
      line(context.err, `  ${command}`);
      if (at.length > 0)
        line(context.err, `reached at ${escapeText(at.join(", "))}; take it back with: hold invitation revoke ${invitation.id}`);
    }
  }
  const lack = lacking(at);
  if (lack !== null) line(context.err, context.errPaint.yellow(lack));
}

function tellLink(context: Context, invitation: Invited["invitation"], link: string, { words, json }: Telling): void {
  if (json) return jsonLine(context.out, { ...invitationJson(invitation, context.now()), link });
  line(context.out, link);
  if (!context.err.isTty) return;
  const left = formatDuration(Math.ceil((Number(invitation.redeemUntilUnixMs) - context.now()) / 1_000) * 1_000);
  line(context.err, `${escapeText(words)}; it opens in any browser, once, within ${left}`);
  line(context.err, NOT_END_TO_END);
  line(context.err, `take it back with: hold invitation revoke ${invitation.id}`);
}

export const NOT_END_TO_END =
  "not end to end: the relay serves that page, and can read what it shows and type as who has it open";

/** Why nobody from elsewhere can get here; null if they can. */
function lacking(at: readonly string[]): string | null {
  if (at.length === 0)
    return "this host listens nowhere: only on this machine, as its user, can the invitation be taken up. Let it listen (`hold host up --listen ADDRESS:PORT …`, `hold help host up`), and invite again";
  if (at.every((address) => LOOPBACK.test(address)))
    return "this host listens on this machine's loopback alone: the invitation can be taken up here, or through a tunnel whose end you name with --at URL";
  return null;
}

/** The invitation by that id, for those who take it back. */
export async function invitationOf(client: HostClient, id: string) {
  const found = (await client.invitations()).find((i) => i.id === id);
  if (!found)
    throw new HoldError(
      "invitation_unknown",
      `there is no invitation ${JSON.stringify(id)}; hold invitation ls shows those there are`,
    );
  return found;
}
