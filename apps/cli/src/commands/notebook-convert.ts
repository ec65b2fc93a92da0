/** `hold notebook convert`. */
import { access } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { HoldError } from "@holdfast/sdk";
import { toMarkdown, writeNotebook } from "@holdfast/sdk/notebook";
import { type Context, line } from "../app/context.ts";
import { openNotebook, writeWhole } from "../notebook/file.ts";

interface ConvertFlags {
  readonly output: string | undefined;
  readonly ids: boolean;
  readonly force: boolean;
}

export async function run(context: Context, flags: ConvertFlags, args: readonly string[]): Promise<undefined> {
  const file = args[0]!;
  const { notebook, isMarkdown } = await openNotebook(resolve(context.cwd, file));
  const text = isMarkdown ? writeNotebook(notebook) : toMarkdown(notebook, { ids: flags.ids });
  if (flags.output === "-") {
    context.out.write(text);
    return;
  }
  const to = flags.output ?? `${file.slice(0, file.length - extname(file).length)}${isMarkdown ? ".ipynb" : ".md"}`;
  const path = resolve(context.cwd, to);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere && !flags.force)
    throw new HoldError("file_failed", `${to} is there already; --force writes over it, --output names another`);
  await writeWhole(path, text);
  if (context.err.isTty) line(context.err, `written: ${to}`);
  return;
}
