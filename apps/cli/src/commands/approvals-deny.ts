/** `hold approvals deny`. */
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { approvalJson } from "../show/approval.ts";
import { namesOf, theOne } from "./approvals-show.ts";

interface DenyFlags {
  readonly reason: string | undefined;
  readonly json: boolean;
}

export async function run(context: Context, flags: DenyFlags, args: readonly string[]): Promise<undefined> {
  const client = await context.client();
  const decided = await client.approvals.deny(await theOne(client, args[0]!), flags.reason);
  if (flags.json) jsonLine(context.out, approvalJson(decided, await namesOf(context)));
  else line(context.err, escapeText(`denied: ${decided.id}`));
  return;
}
