/** `hold operator add`. */
import { exitCodeOf, type HoldError } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { operatorJson } from "../show/session.ts";
import { operatorKindOf } from "../show/words.ts";

interface AddFlags {
  kind: "human" | "service" | "ai" | undefined;
  role: string | undefined;
  onBehalfOf: string | undefined;
  publicKey: string | undefined;
  json: boolean;
}

export function readPublicKey(text: string): Uint8Array {
  const bytes = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, "hex") : Buffer.from(text, "base64");
  if (bytes.length !== 32) throw usage("--public-key takes a raw Ed25519 public key: 32 bytes in base64 or hex");
  return bytes;
}

export async function run(context: Context, flags: AddFlags, args: readonly string[]): Promise<undefined> {
  const name = args[0]!;
  if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name))
    throw usage(`${JSON.stringify(name)} can't be an operator's name: letters, digits and ._@- are, at most 64`);
  const kind = flags.kind ?? "human";
  if (flags.onBehalfOf !== undefined && kind !== "ai") throw usage("--on-behalf-of is for --kind ai");
  const client = await context.client();
  const keys = await context.keys();
  if (flags.publicKey === undefined && (await keys.names()).includes(name))
    throw usage(`there is a key named ${name} already; \`hold operator ls\` lists operators, or choose another name`);
  const made =
    flags.publicKey === undefined ? await keys.generate(name) : { publicKey: readPublicKey(flags.publicKey), path: null };
  const operator = await client
    .operatorAdd({
      name,
      kind: operatorKindOf(kind)!,
      role: flags.role ?? "operator",
      publicKey: made.publicKey,
      ...(flags.onBehalfOf === undefined ? {} : { onBehalfOf: flags.onBehalfOf }),
    })
    .catch(async (refusal: unknown) => {
      // Without an answer the operator may have been added, and this is then its only key.
      if (made.path !== null && exitCodeOf((refusal as HoldError).code) !== exitCodeOf("unreachable"))
        await keys.discard(made.path);
      throw refusal;
    });
  if (flags.json) jsonLine(context.out, { ...operatorJson(operator), key: made.path });
  else {
    line(context.out, operator.id);
    if (context.err.isTty)
      line(
        context.err,
        `${name} is ${kind === "ai" ? "an AI" : `a ${kind}`} with the role ${operator.role}${made.path ? `; its key is ${made.path}. Use it with \`hold --as ${name} …\`` : ""}`,
      );
  }
  return;
}
