/** `hold audit show`: who did what, over all sessions, in the order of the host's one record. */
import type { HostClient } from "@holdfast/sdk";
import { type Context, jsonLine } from "../app/context.ts";
import { type Entry, readJournal } from "../record/journal.ts";
import { escapeText } from "../show/escape.ts";
import { eventJson } from "../show/event.ts";
import { cutTo, padTo } from "../show/width.ts";
import { actorIds, printer, wants } from "./log.ts";
import { sinceMs } from "./since.ts";

export interface AuditEntry {
  readonly session: string;
  readonly name: string;
  readonly entry: Entry & { readonly type: "event" };
}

/** Events of all sessions since `since`, by their position in the host's ledger. Output is not among them. */
export async function auditEntries(client: HostClient, since: number, wanted: (entry: Entry) => boolean, signal: AbortSignal): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  for (const s of await client.list({ all: true })) {
    if (Number(s.lastActivityUnixMs) > 0 && Number(s.lastActivityUnixMs) < since) continue;
    for await (const entry of readJournal(client, s.id, { noOutput: true, signal })) {
      if (entry.type === "event" && entry.atMs >= since && wanted(entry)) found.push({ session: s.id, name: s.name, entry });
    }
  }
  return found.sort((a, b) => Number(a.entry.event.lsn - b.entry.event.lsn) || a.entry.atMs - b.entry.atMs);
}

export async function run(context: Context, flags: { actor: string | undefined; since: string | undefined; kind: readonly string[]; json: boolean }): Promise<undefined> {
  const since = sinceMs(flags.since, context.now());
  const client = await context.client();
  const entries = await auditEntries(client, since, wants(flags.kind, await actorIds(context, flags.actor)), context.cancelled);
  const width = Math.min(16, Math.max(8, ...entries.map((e) => (e.name || e.session.slice(0, 8)).length)));
  for (const { session, name, entry } of entries) {
    if (flags.json) jsonLine(context.out, { session, name: name || null, lsn: Number(entry.event.lsn), ...eventJson(entry.event) });
    else (await printerFor(context, padTo(cutTo(escapeText(name || session.slice(0, 8)), width), width)))(entry);
    await context.out.drained();
  }
  return;
}

const printers = new Map<string, ReturnType<typeof printer>>();
function printerFor(context: Context, prefix: string): ReturnType<typeof printer> {
  let made = printers.get(prefix);
  if (!made) printers.set(prefix, (made = printer(context, false, `${context.paint.bold(prefix)} `)));
  return made;
}
