/** `hold operator show`. */
import { HoldError, type OperatorInfo } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { operatorJson } from "../show/session.ts";
import { pairs, table } from "../show/table.ts";
import { ago, iso } from "../show/time.ts";
import { operatorKindWord } from "../show/words.ts";

/** What of a key's id is shown, and is enough to name it. */
const ID_CHARS = 16;

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const operators = await (await context.client()).operatorList();
  const o = operators.find((one) => one.id === args[0] || one.name === args[0]);
  if (!o) throw new HoldError("no_such_operator", `no operator ${JSON.stringify(args[0])}; hold operator ls shows who there is`);
  if (flags.json) {
    jsonLine(context.out, operatorJson(o));
    return;
  }
  const entries = [
    ["name", o.name],
    ["id", o.id],
    ["kind", operatorKindWord(o.kind)],
    ["role", o.revoked ? `${o.role} (revoked)` : o.role],
    ["may", o.revoked ? "" : o.capabilities.join(", ")],
    ["for", o.onBehalfOf],
    ["guest of", o.session],
    ["until", iso(o.untilUnixMs) ?? ""],
    ["login", o.oidcSubject === "" ? "" : `${o.oidcSubject} of ${o.oidcIssuer}`],
    ["added", `${ago(o.addedUnixMs, context.now())} by ${o.addedBy}`],
    ["keys", o.keys.length === 0 ? String(o.keyIds.length) : ""],
  ] as const;
  for (const l of pairs(entries, context.paint.dim)) line(context.out, l);
  if (o.keys.length > 0) showKeys(context, o);
  return;
}

function showKeys(context: Context, { keys, protectedKeyIds }: OperatorInfo): void {
  const now = context.now();
  const isProtected = (id: Uint8Array): boolean => protectedKeyIds.some((known) => Buffer.from(known).equals(id));
  const rows = keys.map((k) => [
    Buffer.from(k.id).toString("hex").slice(0, ID_CHARS),
    k.revokedUnixMs > 0n
      ? `revoked ${ago(k.revokedUnixMs, now)}`
      : isProtected(k.id)
        ? "holds, may approve"
        : k.plain
          ? "holds, not end to end"
          : "holds",
    ago(k.addedUnixMs, now),
    k.addedBy,
    ago(k.usedUnixMs, now),
    k.usedVia,
  ]);
  const { paint } = context;
  const columns = [
    { title: "KEY", paint: paint.bold },
    { title: "STATE" },
    { title: "ADDED" },
    { title: "BY", least: 6, give: 1 },
    { title: "USED" },
    { title: "VIA" },
  ];
  line(context.out, "");
  for (const l of table(columns, rows, context.out.isTty ? context.out.columns : Number.POSITIVE_INFINITY, { head: paint.dim }))
    line(context.out, l);
}
