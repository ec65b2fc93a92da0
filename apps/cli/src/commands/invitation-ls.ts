/** `hold invitation ls`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { formatDuration } from "../read/duration.ts";
import { invitationJson, invitationState } from "../show/session.ts";
import { table } from "../show/table.ts";
import { operatorKindWord } from "../show/words.ts";
import type { Invitation } from "@holdfast/sdk";

export async function run(context: Context, flags: { json: boolean }): Promise<undefined> {
  const client = await context.client();
  const invitations = [...(await client.invitations())].reverse();
  const now = context.now();
  if (flags.json) {
    for (const i of invitations) jsonLine(context.out, invitationJson(i, now));
    return;
  }
  if (invitations.length === 0) {
    line(context.err, "no invitations; `hold share SESSION` and `hold operator invite NAME` make some");
    return;
  }
  const sessions = new Map((await client.list({ all: true })).map((s) => [s.id, s.name]));
  const rows = invitations.map((i) => [
    i.id,
    invitationState(i, now),
    i.redeemedBy || i.operator,
    `${operatorKindWord(i.kind) === "human" ? "" : `${operatorKindWord(i.kind)} `}${i.role}`,
    i.session === "" ? "" : sessions.get(i.session) || i.session,
    lasts(i, now),
    i.invitedBy,
  ]);
  const { paint } = context;
  const columns = [
    { title: "ID", least: 8, give: 4, paint: paint.bold },
    { title: "STATE" },
    { title: "FOR", least: 6, give: 2 },
    { title: "ROLE" },
    { title: "SESSION", least: 6, give: 2 },
    { title: "LASTS" },
    { title: "BY", least: 6, give: 2 },
  ];
  for (const l of table(columns, rows, context.out.isTty ? context.out.columns : Number.POSITIVE_INFINITY, { head: paint.dim }))
    line(context.out, l);
  return;
}

/** Until when it can be taken up, and of one that was: how long its guest may stay. */
function lasts(i: Invitation, now: number): string {
  const state = invitationState(i, now);
  const until = Number(state === "open" ? i.redeemUntilUnixMs : i.untilUnixMs);
  if (state !== "open" && state !== "taken") return "";
  if (until === 0) return "";
  return until > now ? formatDuration(until - now) : "over";
}
