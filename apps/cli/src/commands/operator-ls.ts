/** `hold operator ls`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { operatorJson } from "../show/session.ts";
import { table } from "../show/table.ts";
import { ago } from "../show/time.ts";
import { operatorKindWord } from "../show/words.ts";

export async function run(context: Context, flags: { json: boolean }): Promise<undefined> {
  const operators = await (await context.client()).operatorList();
  if (flags.json) {
    for (const o of operators) jsonLine(context.out, operatorJson(o));
    return;
  }
  const names = new Map(operators.map((o) => [o.id, o.name]));
  const rows = operators.map((o) => [
    o.name,
    o.id,
    operatorKindWord(o.kind),
    o.revoked ? "revoked" : `${o.role}${o.session === "" ? "" : " (guest)"}`,
    names.get(o.onBehalfOf) ?? o.onBehalfOf,
    String(o.keyIds.length),
    ago(o.addedUnixMs, context.now()),
    names.get(o.addedBy) ?? o.addedBy,
  ]);
  const { paint } = context;
  const columns = [
    { title: "NAME", least: 8, give: 1, paint: paint.bold },
    { title: "ID", least: 8, give: 3, paint: paint.dim },
    { title: "KIND" },
    { title: "ROLE" },
    { title: "FOR", least: 6, give: 2 },
    { title: "KEYS", right: true },
    { title: "ADDED" },
    { title: "BY", least: 6, give: 2 },
  ];
  for (const l of table(columns, rows, context.out.isTty ? context.out.columns : Number.POSITIVE_INFINITY, { head: paint.dim }))
    line(context.out, l);
  return;
}
