/** `hold operator add`. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { exitCodeOf, type HoldError, openSshPublicKey } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { operatorJson } from "../show/session.ts";
import { operatorKindOf } from "../show/words.ts";

interface AddFlags {
  kind: "human" | "service" | "ai" | undefined;
  role: string | undefined;
  onBehalfOf: string | undefined;
  publicKey: string | undefined;
  oidcSubject: string | undefined;
  passphrase: boolean;
  protected: boolean;
  json: boolean;
}

/** A file, a line of OpenSSH, or the raw key in base64 or hex. */
export function readPublicKey(text: string, cwd: string): Uint8Array {
  if (/^ssh-|^ecdsa-|^sk-/.test(text)) return openSshPublicKey(text);
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, "hex");
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return Buffer.from(text, "base64");
  const path = resolve(cwd, text);
  if (!existsSync(path))
    throw usage(
      "--public-key takes an Ed25519 public key: a .pub file, its line (ssh-ed25519 AAAA…), or 32 bytes in base64 or hex",
    );
  return openSshPublicKey(
    readFileSync(path, "utf8")
      .split("\n")
      .find((l) => l.trim() !== "" && !l.startsWith("#")) ?? "",
  );
}

export async function run(context: Context, flags: AddFlags, args: readonly string[]): Promise<undefined> {
  const name = args[0]!;
  if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name))
    throw usage(`${JSON.stringify(name)} can't be an operator's name: letters, digits and ._@- are, at most 64`);
  const kind = flags.kind ?? "human";
  if (flags.onBehalfOf !== undefined && kind !== "ai") throw usage("--on-behalf-of is for --kind ai");
  if (flags.passphrase && (flags.publicKey !== undefined || flags.oidcSubject !== undefined))
    throw usage(
      "--passphrase is for a key that is made here; whoever made the one of --public-key keeps it: say --protected if so that no program can use it",
    );
  if (flags.protected && flags.publicKey === undefined)
    throw usage("--protected says how a key of --public-key is kept; for one that is made here: --passphrase");
  const given = flags.publicKey === undefined ? null : readPublicKey(flags.publicKey, context.cwd);
  const client = await context.client();
  const keys = await context.keys();
  const makes = given === null && flags.oidcSubject === undefined;
  if (makes && (await keys.names()).includes(name))
    throw usage(`there is a key named ${name} already; \`hold operator ls\` lists operators, or choose another name`);
  const passphrase = flags.passphrase ? await context.newPassphrase(name) : undefined;
  const made = makes ? await keys.generate(name, passphrase) : { publicKey: given, path: null };
  const operator = await client
    .operatorAdd({
      name,
      kind: operatorKindOf(kind)!,
      role: flags.role ?? "operator",
      ...(made.publicKey ? { publicKey: made.publicKey } : {}),
      ...(flags.oidcSubject === undefined ? {} : { oidcSubject: flags.oidcSubject }),
      ...(flags.passphrase || flags.protected ? { protected: true } : {}),
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
