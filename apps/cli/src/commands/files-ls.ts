/** `hold files ls`. */
import type { FileEntry } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { escapeText } from "@holdfast/sdk";
import { table } from "../show/table.ts";
import { ago, bytesText, iso } from "../show/time.ts";

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const { entries, omitted } = await (await context.client()).files(args[0]!).list(args[1] ?? "");
  if (flags.json) {
    for (const { modifiedUnixMs, mode, ...e } of entries)
      jsonLine(context.out, { ...e, mode: mode.toString(8), modifiedAt: iso(modifiedUnixMs) });
  } else {
    const rows = entries.map((e) => [
      named(e),
      e.kind === "file" ? bytesText(e.size) : e.kind,
      e.mode.toString(8),
      ago(e.modifiedUnixMs, context.now()),
    ]);
    const { paint } = context;
    const columns = [
      { title: "NAME", least: 12, give: 2, paint: paint.bold },
      { title: "SIZE", right: true },
      { title: "MODE", give: 1 },
      { title: "CHANGED" },
    ];
    const width = context.out.isTty ? context.out.columns : Number.POSITIVE_INFINITY;
    if (rows.length > 0) for (const l of table(columns, rows, width, { head: paint.dim })) line(context.out, l);
  }
  if (omitted > 0) line(context.err, `${omitted} more are not listed; name a folder below`);
  return;
}

function named({ name, kind, target }: FileEntry): string {
  return escapeText(kind === "folder" ? `${name}/` : kind === "link" ? `${name} -> ${target}` : name);
}
