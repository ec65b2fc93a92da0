/** `hold runbook print`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { documentsOf, tasksOf, type TreeFlags, type Which } from "../runbook/chosen.ts";

export async function run(
  context: Context,
  flags: Which & TreeFlags & { raw: boolean; json: boolean },
  args: readonly string[],
): Promise<undefined> {
  for (const { file, cell } of await tasksOf(await documentsOf(context.cwd, args, flags), flags)) {
    const script = flags.raw ? cell.content : cell.script;
    if (flags.json) jsonLine(context.out, { name: cell.name, file, index: cell.index, language: cell.language, script });
    else line(context.out, script);
  }
  return;
}
