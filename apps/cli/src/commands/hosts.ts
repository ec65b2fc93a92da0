/** `hold hosts`. */
import { escapeText, relayedAddress } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { table } from "../show/table.ts";

export async function run(context: Context, flags: { readonly json: boolean }): Promise<undefined> {
  if (context.relayUrls.length === 0) throw usage("which relay? name it with --relay URL, or a context that has one");
  const hosts = [...(await context.findHosts())].sort((a, b) => a.name.localeCompare(b.name));
  if (flags.json) {
    for (const { id, name, relay } of hosts) jsonLine(context.out, { id, name, address: relayedAddress(relay, id) });
    return;
  }
  if (hosts.length === 0) {
    line(context.err, "no host that lets you in is connected there now");
    return;
  }
  const rows = hosts.map(({ id, name }) => [escapeText(name), id]);
  for (const l of table([{ title: "NAME" }, { title: "ID" }], rows, context.out.columns, { head: context.paint.dim }))
    line(context.out, l);
  return;
}
