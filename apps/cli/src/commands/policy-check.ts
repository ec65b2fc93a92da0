/** `hold policy check`: the host reads a text as it would at a reload. */
import { readFileSync } from "node:fs";
import { escapeText, HoldError, type HostClient } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<number | undefined> {
  const given = args[0] === undefined ? null : { file: args[0], text: readFileSync(args[0], "utf8") };
  const client = await context.client();
  const { file, text } = given ?? (await fileOf(client));
  const problems = await client.policyCheck(text);
  if (flags.json) jsonLine(context.out, { file, problems });
  else {
    for (const problem of problems) line(context.out, escapeText(`${file}: ${problem}`));
    if (problems.length === 0) line(context.err, escapeText(`${file} can be loaded`));
  }
  return problems.length > 0 ? 1 : undefined;
}

/** What a reload there would read. */
async function fileOf(client: HostClient): Promise<{ readonly file: string; readonly text: string }> {
  const { path, file, fileText } = await client.policy();
  if (fileText !== null) return { file: path, text: fileText };
  if (file === "none" || file === "gone")
    throw new HoldError("no_such_file", `there is no ${path}; hold policy edit makes one`, { path });
  const { name, role, capabilities } = client.operator.operator!;
  if (!capabilities.includes("policy.write"))
    throw new HoldError(
      "not_permitted",
      `${name} is ${role} here, and reading ${path} is an admin's; hold policy check FILE checks a file of this machine`,
      { right: "policy.write" },
    );
  throw new HoldError("bad_request", `${path} can't be read by its host; hold policy reload says why, and loads it if it can`, {
    path,
  });
}
