/** `hold context ls`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { LOCAL, type Place } from "../app/target.ts";
import { readContexts } from "../config/contexts.ts";
import { table } from "../show/table.ts";

export async function run(context: Context, flags: { readonly json: boolean }): Promise<undefined> {
  const { current, places } = readContexts(await context.configFolder());
  const here: Place = {};
  const all = Object.entries({ [LOCAL]: here, ...places });
  const isCurrent = (name: string): boolean => name === (current || LOCAL);
  if (flags.json) {
    for (const [name, { relay, host, as, mirror }] of all)
      jsonLine(context.out, {
        ...{ name, current: isCurrent(name), relay: relay ?? null, host: host ?? null, as: as ?? null },
        mirror: mirror ?? null,
      });
    return;
  }
  const rows = all.map(([name, { relay = "", host = "", as = "", mirror = "" }]) => [
    ...[isCurrent(name) ? "*" : "", name, relay, host, as, mirror],
  ]);
  const columns = [
    { title: "" },
    { title: "NAME", paint: context.paint.bold },
    { title: "RELAY" },
    { title: "HOST" },
    { title: "AS" },
    { title: "MIRROR" },
  ];
  for (const l of table(columns, rows, context.out.columns, { head: context.paint.dim })) line(context.out, l);
  return;
}
