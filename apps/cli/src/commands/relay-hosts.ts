/** `hold relay hosts`. */
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { table } from "../show/table.ts";
import { ago, iso } from "../show/time.ts";
import { asking } from "./relay-asked.ts";

export async function run(
  context: Context,
  flags: { readonly folder: string | undefined; readonly json: boolean },
): Promise<undefined> {
  const ask = await asking(context, flags.folder);
  const { hosts } = await ask("hosts", {});
  const { paint } = context;
  if (flags.json) {
    for (const { joinedUnixMs, seenUnixMs, headUnixMs, ...host } of hosts)
      jsonLine(context.out, {
        ...host,
        headAt: host.headLsn > 0n ? iso(headUnixMs) : null,
        joinedAt: iso(joinedUnixMs),
        onlineSince: seenUnixMs > 0n ? iso(seenUnixMs) : null,
      });
    return;
  }
  if (hosts.length === 0) {
    line(context.err, "no host has joined yet; `hold relay invite` makes a token for one");
    return;
  }
  const isGroup = hosts.some(({ relay }) => relay !== "");
  const rows = hosts.map((h) => [
    `${h.fleet}/${escapeText(h.name)}`,
    h.id,
    h.revoked ? "revoked" : h.online ? `online ${ago(h.seenUnixMs, context.now())}` : "away",
    // Of a host at another relay that one knows it.
    h.online && h.relay === "" ? String(h.tunnels) : "",
    h.online ? escapeText(h.from) : "",
    h.headConflicts > 0 ? paint.red("CONTRADICTED") : h.headLsn > 0n ? ago(h.headUnixMs, context.now()) : "",
    escapeText(h.version),
    ...(isGroup ? [h.online ? escapeText(h.relay || "here") : ""] : []),
  ]);
  const columns = [
    { title: "HOST", paint: paint.bold },
    { title: "ID", paint: paint.dim },
    { title: "STATE" },
    { title: "TUNNELS", right: true },
    { title: "FROM" },
    { title: "WITNESSED" },
    { title: "VERSION", paint: paint.dim },
    ...(isGroup ? [{ title: "RELAY" }] : []),
  ];
  for (const l of table(columns, rows, context.out.columns, { head: paint.dim })) line(context.out, l);
  return;
}
