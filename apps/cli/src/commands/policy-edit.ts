/** `hold policy edit`. */
import { existsSync, writeFileSync } from "node:fs";
import { escapeText, policyExample } from "@holdfast/sdk";
import { type Context, line } from "../app/context.ts";
import { edit } from "./config-edit.ts";
import { problemsOf } from "./policy-check.ts";

export async function run(context: Context): Promise<undefined> {
  // The home is made by the first command that needs the host.
  await context.client();
  const file = await context.policyFile();
  if (!existsSync(file)) writeFileSync(file, policyExample, { mode: 0o600, flag: "wx" });
  await edit(context, file);
  const problems = await problemsOf(context, file);
  for (const problem of problems) line(context.err, context.errPaint.yellow(escapeText(`${file}: ${problem}`)));
  if (problems.length === 0) line(context.err, "it takes effect with: hold policy reload");
  return;
}
