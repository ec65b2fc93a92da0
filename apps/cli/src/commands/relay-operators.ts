/** `hold relay operators`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { table } from "../show/table.ts";
import { asking } from "./relay-asked.ts";

export async function run(
  context: Context,
  flags: { readonly folder: string | undefined; readonly json: boolean },
): Promise<undefined> {
  const ask = await asking(context, flags.folder);
  const { operators } = await ask("operators", {});
  if (flags.json) {
    for (const operator of operators) jsonLine(context.out, operator);
    return;
  }
  if (operators.length === 0) {
    line(context.err, "no host that is connected lets anybody in, and no key was revoked");
    return;
  }
  const rows = operators.map((o) => [o.keyId, String(o.hosts.length), String(o.tunnels), o.revoked ? "revoked" : ""]);
  const columns = [{ title: "KEY" }, { title: "HOSTS", right: true }, { title: "TUNNELS", right: true }, { title: "" }];
  for (const l of table(columns, rows, context.out.columns, { head: context.paint.dim })) line(context.out, l);
  return;
}
