/** `hold runbook fmt`. */
import { rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { documentsOf, type TreeFlags } from "../runbook/chosen.ts";

interface FmtFlags extends TreeFlags {
  write: boolean;
  identity: "doc" | "cell" | "all" | undefined;
  reset: boolean;
  json: boolean;
}

export async function run(context: Context, flags: FmtFlags, args: readonly string[]): Promise<undefined> {
  if (flags.reset && flags.identity !== undefined)
    throw usage("--reset takes ids away and --identity gives them: say one of them");
  const { formatted, serialise, ulid, withIdentity, withoutIdentity } = await import("@holdfast/sdk/runbook/node");
  const { root, sheets, isOne } = await documentsOf(context.cwd, args, flags);
  if (!isOne && !flags.write) throw usage("several documents are written back, not printed: add -w, or name one FILE");
  for (const { file, runbook } of sheets) {
    const plain = formatted(runbook);
    const done = flags.reset
      ? withoutIdentity(plain)
      : flags.identity === undefined
        ? plain
        : withIdentity(plain, flags.identity, () => ulid());
    const text = serialise(done);
    const isChanged = text !== runbook.text;
    if (flags.write && isChanged) await replaced(join(root, file), text);
    if (flags.json) jsonLine(context.out, { file, changed: isChanged, ...(flags.write ? {} : { text }) });
    else if (!flags.write) context.out.write(text);
    else if (isChanged) line(context.out, file);
  }
  return;
}

/** Whole, with the permissions that it had. */
async function replaced(path: string, text: string): Promise<void> {
  const { mode } = await stat(path);
  const part = `${path}.${process.pid}.part`;
  await writeFile(part, text, { mode });
  await rename(part, path);
}
