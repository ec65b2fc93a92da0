/** `hold audit show`: who did what, over all sessions, in the order of the host's one record. Reads the files, of which a host need not run; of a host elsewhere, what it sends. */
import type { AuditRecord } from "../app/context.ts";
import { type Context, jsonLine, line } from "../app/context.ts";
import { escapeText, auditJson, eventKind as kindOf } from "@holdfast/sdk";
import { kindsMeant } from "../show/event-kinds.ts";
import { cutTo, padTo } from "../show/width.ts";
import { printer } from "./log.ts";
import { sinceMs } from "./since.ts";

/** Ids of the operator, and names of sessions; nothing where no host runs that would tell. */
async function known(
  context: Context,
  actor: string | undefined,
): Promise<{ readonly actorId: string | undefined; readonly sessions: ReadonlyMap<string, string> }> {
  try {
    const client = await context.client({ start: false, record: null });
    const operators = actor === undefined ? [] : await client.operatorList();
    const sessions = new Map((await client.list({ all: true })).map((s) => [s.id, s.name]));
    return { actorId: operators.find((o) => o.name === actor)?.id ?? actor, sessions };
  } catch {
    return { actorId: actor, sessions: new Map() };
  }
}

export function recordJson(r: AuditRecord, names: ReadonlyMap<string, string>): Record<string, unknown> {
  return auditJson(r, names.get(r.session) || null);
}

/** What the journal records of itself, in words. It carries no time: it stands between records that do. */
export function ownText(own: unknown): string {
  const o = own as Record<string, string | number | undefined> & { type?: string; seqs?: readonly number[] };
  const t = (value: unknown): string => escapeText(String(value ?? "?"));
  switch (o?.type) {
    case "opened":
      return `journal opened, for the ${ordinal(Number(o["life"]))} time`;
    case "recovered":
      return `journal recovered: ${t(o["droppedBytes"])} bytes at the end of ${t(o["file"])} were not whole, kept as ${t(o["keptAs"])}`;
    case "damaged":
      return `journal damaged before record ${t(o["beforeLsn"])}; \`hold audit verify\` says where`;
    case "quarantined":
      return `${t(o["file"])} was put aside: ${t(o["why"])}`;
    case "erased":
      return `erased ${o.seqs?.length ?? "?"} payloads of ${t(o["session"])}`;
    case "pruned-payload":
      return `retention: output ${t(o["fromSeq"])} to ${t(o["toSeq"])} of ${t(o["session"])} is no longer kept`;
    case "pruned-records":
      return `retention: records up to ${t(o["throughLsn"])} are no longer kept`;
    case "removed":
      return `removed what was kept of ${t(o["session"])}`;
    case "rewritten":
      return `records ${t(o["fromLsn"])} to ${t(o["toLsn"])} were written anew: ${t(o["why"])}`;
    case "frozen":
      return `journal frozen: ${t(o["why"])}`;
    case "thawed":
      return "journal written again";
    default:
      return t(JSON.stringify(own));
  }
}

function ordinal(n: number): string {
  const end = n % 100 >= 11 && n % 100 <= 13 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${end}`;
}

export async function run(
  context: Context,
  flags: { actor: string | undefined; since: string | undefined; kind: readonly string[]; json: boolean },
): Promise<undefined> {
  const since = sinceMs(flags.since, context.now());
  const { actorId, sessions } = await known(context, flags.actor);
  const print = await printer(context, false, { client: false });
  const kinds = kindsMeant(flags.kind);
  for await (const r of await context.auditRecords({
    ...(since > 0 ? { sinceMs: since } : {}),
    ...(actorId === undefined ? {} : { actor: actorId }),
    ...(kinds.length > 0 ? { kinds } : { printed: false }),
  })) {
    if (context.cancelled.aborted) return;
    const kind = r.gap ? "gap" : r.event ? kindOf(r.event) : "journal";
    // What was printed is a record too, and nobody's deed: it is shown when it is asked for.
    if (kinds.length > 0 ? !kinds.includes(kind) : kind === "output" || kind === "reply_written") continue;
    if (flags.json) jsonLine(context.out, { ...recordJson(r, sessions), ...context.origin });
    else if (r.gap) line(context.out, context.paint.yellow(`records ${r.gap.fromLsn} to ${r.gap.toLsn} are no longer kept`));
    else {
      const name = context.paint.bold(padTo(cutTo(escapeText(sessions.get(r.session) || r.session), 16), 12));
      if (r.event) print({ type: "event", seq: Number(r.event.seq), event: r.event, atMs: Number(r.event.atUnixMs) }, `${name} `);
      else line(context.out, `${name} ${context.paint.dim(ownText(r.own))}`);
    }
    await context.out.drained();
  }
  return;
}
