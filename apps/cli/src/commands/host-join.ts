/** `hold host join`. */
import { readFile } from "node:fs/promises";
import { relayedAddress } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";

interface JoinFlags {
  readonly token: string | undefined;
  readonly name: string | undefined;
  readonly ca: string | undefined;
  readonly allowPlain: boolean;
  readonly json: boolean;
}

const TOKEN_BYTES = 32;

export async function run(context: Context, flags: JoinFlags, args: readonly string[]): Promise<undefined> {
  const token = flags.token === undefined ? undefined : tokenFrom(await said(context, flags.token));
  const client = await context.client();
  const { url, name, fleet } = await client.joinRelay({
    url: args[0]!,
    allowPlain: flags.allowPlain,
    ...(token === undefined ? {} : { token }),
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.ca === undefined ? {} : { ca: await readFile(flags.ca, "utf8") }),
  });
  const { hostId } = await client.status();
  const at = relayedAddress(url, name);
  if (flags.json) jsonLine(context.out, { url, name, fleet, hostId, address: at });
  else {
    line(context.out, at);
    if (context.err.isTty)
      line(
        context.err,
        `this host is ${name} of ${fleet} there; operators reach it with: hold --relay ${url} attach ${name}/SESSION`,
      );
  }
  return;
}

async function said({ input }: Context, text: string): Promise<string> {
  if (text !== "-") return text;
  return (await input.line()) ?? "";
}

function tokenFrom(text: string): Uint8Array {
  const token = Buffer.from(text.trim(), "base64url");
  if (token.length === TOKEN_BYTES) return token;
  throw usage("--token is no token of a relay: who runs it makes one with `hold relay invite`, and it must be copied whole");
}
