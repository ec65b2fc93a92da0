/** `hold policy reload`. */
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { policyJson } from "./policy-show.ts";

export async function run(context: Context, flags: { json: boolean }): Promise<undefined> {
  const policy = await (await context.client()).policyReload();
  if (flags.json) jsonLine(context.out, policyJson(policy));
  else line(context.err, escapeText(`${policy.path} is in force now, sha256 ${policy.sha256}`));
  return;
}
