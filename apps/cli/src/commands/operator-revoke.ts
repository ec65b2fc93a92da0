/** `hold operator revoke`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { escapeText } from "@holdfast/sdk";
import { operatorJson } from "../show/session.ts";

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const client = await context.client();
  // Asked before: whoever revokes itself is told nothing more.
  const operator = flags.json ? (await client.operatorList()).find((o) => o.name === args[0] || o.id === args[0]) : undefined;
  await client.operatorRevoke(args[0]!);
  if (operator) jsonLine(context.out, { ...operatorJson(operator), revoked: true });
  else if (context.err.isTty) line(context.err, `${escapeText(args[0]!)} is out; sessions that it opened run on`);
  return;
}
