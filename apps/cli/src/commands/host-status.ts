/** `hold host status`: asks, and does not start one. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { pairs } from "../show/table.ts";
import { ago, bytesText, iso } from "../show/time.ts";
import { sshFingerprint } from "../show/ssh.ts";
import { alarmLine } from "../show/witness.ts";
import { escapeText } from "@holdfast/sdk";

export async function run(context: Context, flags: { json: boolean }): Promise<undefined> {
  const s = await (await context.client({ start: false })).status();
  if (flags.json) {
    jsonLine(context.out, {
      pid: s.pid,
      version: s.version,
      startedAt: iso(s.startedUnixMs),
      hostId: s.hostId,
      home: s.home,
      sessions: s.sessions,
      running: s.running,
      links: s.links,
      attachments: s.attachments,
      rssBytes: Number(s.rssBytes),
      journalBytes: Number(s.journalBytes),
      frozen: s.frozen || null,
      shim: s.shim,
      protocol: s.protocol,
      lagUsP99: Number(s.lagUsP99),
      limits: Object.fromEntries(
        Object.entries(s.limits).map(([key, value]) => [key, /^\d+$/.test(value) ? Number(value) : value]),
      ),
      addresses: s.addresses,
      sshHostKey: s.sshHostKey || null,
      sshFingerprint: s.sshHostKey ? sshFingerprint(s.sshHostKey) : null,
      uplinks: s.uplinks.map(({ sinceUnixMs, ...u }) => ({ ...u, since: iso(sinceUnixMs) })),
      notices: s.notices,
      witnessAlarms: s.witnessAlarms.map(({ found, by, head, lastLsn, atUnixMs }) => ({
        ...{ found, by, lsn: Number(head?.lsn ?? 0), chain: Buffer.from(head?.chain ?? []).toString("hex") },
        ...{ signedAt: iso(head?.atUnixMs ?? 0n), endedAtLsn: Number(lastLsn), at: iso(atUnixMs) },
      })),
    });
    return;
  }
  const entries = [
    ["host", `${s.version}, pid ${s.pid}, started ${ago(s.startedUnixMs, context.now())}`],
    ["id", s.hostId],
    ["home", s.home],
    ["listens", Object.values(s.addresses).join(" ") || "on nothing but its socket"],
    ...s.uplinks.map(
      (u) =>
        [
          "relay",
          `${u.url} ${u.name} ${u.state} ${ago(u.sinceUnixMs, context.now())}${u.version === "" ? "" : `, version ${escapeText(u.version)}`}${u.rttUs === 0 ? "" : `, answers in ${(u.rttUs / 1_000).toFixed(1)} ms`}${u.allowPlain ? `, pages let in (not end to end)${u.page === "" ? "" : `, console at ${escapeText(u.page)}`}` : ""}${u.why ? `: ${escapeText(u.why)}` : ""}`,
        ] as const,
    ),
    ["ssh key", s.sshHostKey ? sshFingerprint(s.sshHostKey) : ""],
    ["sessions", `${s.running} running, ${s.sessions} in all`],
    ["links", `${s.links}, with ${s.attachments} attachments`],
    ["memory", bytesText(s.rssBytes)],
    ["journal", bytesText(s.journalBytes)],
    ["frozen", s.frozen],
    ["shim", s.shim],
    ["protocol", String(s.protocol)],
    ["loop lag", s.lagUsP99 > 0n ? `${(Number(s.lagUsP99) / 1000).toFixed(1)} ms at p99` : ""],
    ...Object.entries(s.limits)
      .sort()
      .map(([key, value]) => [`limit ${key}`, value] as const),
  ] as const;
  for (const l of pairs(entries, context.paint.dim)) line(context.out, l);
  for (const alarm of s.witnessAlarms) line(context.err, context.errPaint.red(alarmLine(alarm)));
  for (const notice of s.notices) line(context.err, context.errPaint.yellow(escapeText(notice)));
  return;
}
