/** `hold approvals allow`: a person's word, on what was just printed. */
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { approvalJson } from "../show/approval.ts";
import { namesOf, print, theOne } from "./approvals-show.ts";

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const client = await context.client();
  const approval = await theOne(client, args[0]!);
  // The host compares the hash: what is allowed is what was listed here, or nothing.
  if (!flags.json) await print(context, flags, approval);
  const decided = await client.approvals.allow(approval);
  if (flags.json) jsonLine(context.out, approvalJson(decided, await namesOf(context)));
  else line(context.err, escapeText(`allowed, once: ${decided.id}`));
  return;
}
