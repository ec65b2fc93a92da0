/** `hold config`: the settings in effect, with where each comes from. */
import { existsSync } from "node:fs";
import { type Context, jsonLine, line } from "../app/context.ts";
import { escapeText } from "@holdfast/sdk";
import { table } from "../show/table.ts";

export async function run(context: Context, flags: { json: boolean }): Promise<undefined> {
  const settings = await context.settings();
  if (flags.json) {
    jsonLine(context.out, {
      file: settings.file,
      problems: settings.problems,
      settings: Object.fromEntries(settings.all.map((s) => [s.key, { value: s.value, source: s.source }])),
    });
    return;
  }
  const { paint } = context;
  const rows = settings.all.map((s) => [s.key, String(s.value), s.source, s.brief]);
  const columns = [
    { title: "SETTING", paint: paint.bold },
    { title: "VALUE" },
    {
      title: "FROM",
      paint: (t: string, row: number) => (settings.all[row]?.source === "default" ? paint.dim(t) : paint.green(t)),
    },
    { title: "MEANS", least: 12, give: 1, paint: paint.dim },
  ];
  for (const l of table(columns, rows, context.out.isTty ? context.out.columns : Number.POSITIVE_INFINITY, { head: paint.dim }))
    line(context.out, l);
  for (const problem of settings.problems) line(context.err, context.errPaint.yellow(escapeText(problem)));
  if (context.err.isTty) line(context.err, `${existsSync(settings.file) ? "read from" : "there is no"} ${settings.file}`);
  return;
}
