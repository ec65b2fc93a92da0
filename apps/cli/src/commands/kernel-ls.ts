/** `hold kernel ls`. */
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { table } from "../show/table.ts";

export async function run(context: Context, flags: { readonly json: boolean }): Promise<undefined> {
  const client = await context.client();
  const specs = await client.kernels.specs(context.env);
  if (flags.json) {
    for (const { name, displayName, language, folder, fault } of specs)
      jsonLine(context.out, { name, displayName: displayName || null, language: language || null, folder, fault: fault || null });
    return;
  }
  const usable = specs.filter(({ fault }) => fault === "");
  for (const { name, folder, fault } of specs)
    if (fault !== "")
      line(
        context.err,
        context.errPaint.yellow(`${escapeText(name)} can't be used: ${escapeText(folder)}: ${escapeText(fault)}`),
      );
  if (usable.length === 0) {
    line(
      context.err,
      "no kernel is installed there; Python's comes with `pip install ipykernel` or `apt install python3-ipykernel`",
    );
    return;
  }
  const rows = usable.map(({ name, displayName, language, folder }) => [name, displayName, language, folder].map(escapeText));
  const heads = [{ title: "NAME" }, { title: "KERNEL" }, { title: "LANGUAGE" }, { title: "FOLDER" }];
  for (const l of table(heads, rows, context.out.columns, { head: context.paint.dim })) line(context.out, l);
  return;
}
