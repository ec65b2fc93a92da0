/** `hold hosts`. */
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { table } from "../show/table.ts";
import { relayedAddress } from "../app/target.ts";

export async function run(context: Context, flags: { readonly json: boolean }): Promise<undefined> {
  const url = context.relay;
  if (url === undefined) throw usage("which relay? name it with --relay URL, or a context that has one");
  const hosts = [...(await context.findHosts(url))].sort((a, b) => a.name.localeCompare(b.name));
  if (flags.json) {
    for (const { id, name } of hosts) jsonLine(context.out, { id, name, address: relayedAddress(url, id) });
    return;
  }
  if (hosts.length === 0) {
    line(context.err, "no host that lets you in is connected to that relay now");
    return;
  }
  const rows = hosts.map(({ id, name }) => [escapeText(name), id]);
  for (const l of table([{ title: "NAME" }, { title: "ID" }], rows, context.out.columns, { head: context.paint.dim }))
    line(context.out, l);
  return;
}
