/** `hold policy edit`. */
import { existsSync, writeFileSync } from "node:fs";
import { escapeText } from "@holdfast/sdk";
import { type Context, line } from "../app/context.ts";
import { edit } from "./config-edit.ts";
import { problemsOf } from "./policy-check.ts";

/** One that asks about what changes something, and looks at everything. */
export const EXAMPLE = `# What AIs may do here; docs/policy.md and \`hold help policy\` say what each line means.
# A change takes no effect before: hold policy reload
version = 1

[ai]
otherwise = "allow"    # what is not named below
run = "ask"
exec = "ask"
keys = "ask"
files.write = "ask"
signals = "ask"
open = "ask"
end = "ask"

# Commands that nobody is asked about. A line with anything but plain words in it is no such command.
[[ai.commands]]
starts = ["git", "status"]
rule = "allow"

# Sessions in which an AI is at home.
# [[session]]
# name = "scratch-*"
# run = "allow"

[approvals]
seconds = 60           # then it is denied

# Variables whose values no AI is shown, in place of the usual names; [] for none.
# [secrets]
# names = ["*_TOKEN", "*_SECRET", "*_PASSWORD", "*_API_KEY"]
`;

export async function run(context: Context): Promise<undefined> {
  // The home is made by the first command that needs the host.
  await context.client();
  const file = await context.policyFile();
  if (!existsSync(file)) writeFileSync(file, EXAMPLE, { mode: 0o600, flag: "wx" });
  await edit(context, file);
  const problems = await problemsOf(context, file);
  for (const problem of problems) line(context.err, context.errPaint.yellow(escapeText(`${file}: ${problem}`)));
  if (problems.length === 0) line(context.err, "it takes effect with: hold policy reload");
  return;
}
