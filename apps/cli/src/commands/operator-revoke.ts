/** `hold operator revoke`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { escapeText } from "@holdfast/sdk";
import { operatorJson } from "../show/session.ts";

export async function run(
  context: Context,
  flags: { readonly key: string | undefined; readonly json: boolean },
  args: readonly string[],
): Promise<undefined> {
  const client = await context.client();
  const name = args[0]!;
  // Asked before: whoever revokes itself is told nothing more.
  const operator = flags.json ? (await client.operatorList()).find((o) => o.name === name || o.id === name) : undefined;
  if (flags.key === undefined) await client.operatorRevoke(name);
  else await client.keyRevoke(name, flags.key).catch(unlessOwn);
  if (operator)
    jsonLine(
      context.out,
      flags.key === undefined
        ? { ...operatorJson(operator), revoked: true }
        : { ...operatorJson(operator), revokedKey: flags.key },
    );
  else if (context.err.isTty)
    line(
      context.err,
      flags.key === undefined
        ? `${escapeText(name)} is out; sessions that it opened run on`
        : `that key of ${escapeText(name)} is out; the others hold`,
    );
  return;
}

/** It was the key that asked: its link ended before the answer came. */
function unlessOwn(fault: unknown): void {
  if ((fault as { code?: unknown }).code !== "key_revoked") throw fault;
}
