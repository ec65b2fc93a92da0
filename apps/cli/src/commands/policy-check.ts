/** `hold policy check`: the host reads a text as it would at a reload. */
import { readFileSync } from "node:fs";
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<number | undefined> {
  const file = args[0] ?? (await context.policyFile());
  const problems = await (await context.client()).policyCheck(readFileSync(file, "utf8"));
  if (flags.json) jsonLine(context.out, { file, problems });
  else {
    for (const problem of problems) line(context.out, escapeText(`${file}: ${problem}`));
    if (problems.length === 0) line(context.err, escapeText(`${file} can be loaded`));
  }
  return problems.length > 0 ? 1 : undefined;
}
