/** `hold invitation revoke`. */
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { invitationJson } from "../show/session.ts";
import { invitationOf } from "./invited.ts";

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const client = await context.client();
  const invitation = await invitationOf(client, args[0]!);
  await client.invitationRevoke(invitation.id);
  const revoked = { ...invitation, revoked: true };
  if (flags.json) jsonLine(context.out, invitationJson(revoked, context.now()));
  else if (context.err.isTty) line(context.err, became(escapeText(invitation.redeemedBy), invitation.session !== ""));
  return;
}

function became(taker: string, isGuest: boolean): string {
  if (taker === "") return "nobody takes it up any more";
  return isGuest
    ? `${taker} is out; the session runs on`
    : `it was taken up already, and ${taker} stays; hold operator revoke ${taker} puts them out`;
}
