/** `hold runbook ls`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { documentsOf, listedOf, type TreeFlags, type Which } from "../runbook/chosen.ts";
import { table } from "../show/table.ts";

export async function run(
  context: Context,
  flags: Which & TreeFlags & { json: boolean },
  args: readonly string[],
): Promise<undefined> {
  const documents = await documentsOf(context.cwd, args, flags);
  const tasks = await listedOf(documents, flags);
  if (flags.json) {
    for (const { file, cell } of tasks)
      jsonLine(context.out, {
        name: cell.name,
        file,
        index: cell.index,
        line: cell.line,
        language: cell.language,
        firstCommand: cell.firstCommand,
        description: cell.intro,
        named: cell.isNamed,
        runAll: !cell.settings.excludeFromRunAll,
        tags: cell.settings.tags,
        background: cell.settings.background,
      });
    return;
  }
  const rows = tasks.map(({ file, cell }) => [
    `${cell.name}${cell.settings.excludeFromRunAll ? "" : "*"}`,
    file,
    cell.firstCommand,
    cell.intro,
    cell.isNamed ? "yes" : "no",
  ]);
  const { paint } = context;
  const columns = [
    { title: "NAME", least: 12, give: 1, paint: paint.bold },
    { title: "FILE", least: 8, give: 2 },
    { title: "FIRST COMMAND", least: 12, give: 3 },
    { title: "DESCRIPTION", least: 12, give: 4 },
    { title: "NAMED" },
  ];
  const width = context.out.isTty ? context.out.columns : Number.POSITIVE_INFINITY;
  if (rows.length > 0) for (const l of table(columns, rows, width, { head: paint.dim })) line(context.out, l);
  else
    line(
      context.err,
      documents.sheets.length === 0 ? "no runbooks here" : "no cells with a name; --allow-unnamed lists the others",
    );
  return;
}
