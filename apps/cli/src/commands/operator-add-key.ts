/** `hold operator add-key`. */
import { createHash } from "node:crypto";
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { readPublicKey } from "./operator-add.ts";

export async function run(
  context: Context,
  flags: { readonly protected: boolean; readonly json: boolean },
  args: readonly string[],
): Promise<undefined> {
  const [operator, text] = args as [string, string];
  const publicKey = readPublicKey(text, context.cwd);
  await (await context.client()).keyAdd(operator, publicKey, { protected: flags.protected });
  const id = createHash("sha256").update(publicKey).digest("hex");
  if (flags.json) jsonLine(context.out, { operator, key: id, protected: flags.protected });
  else {
    line(context.out, id);
    if (context.err.isTty)
      line(
        context.err,
        `it is ${escapeText(operator)}'s; take it away with: hold operator revoke ${escapeText(operator)} --key ${id.slice(0, 16)}`,
      );
  }
  return;
}
