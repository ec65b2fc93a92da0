/** `hold join`. */
import { escapeText } from "@holdfast/sdk";
import type { Joined } from "@holdfast/sdk/node";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";

interface JoinFlags {
  readonly name: string | undefined;
  readonly passphrase: boolean;
  readonly noAttach: boolean;
  readonly observe: boolean;
  readonly json: boolean;
}

export async function run(context: Context, flags: JoinFlags, args: readonly string[]): Promise<number | undefined> {
  const invite = await inviteFrom(context, args[0]!);
  const passphrase = flags.passphrase ? await context.newPassphrase(flags.name ?? "this machine") : undefined;
  const joined = await context.join(invite, { name: flags.name, passphrase });
  if (flags.json) {
    jsonLine(context.out, joined);
    return;
  }
  if (joined.session === null || flags.noAttach) {
    line(context.out, joined.operator);
    if (context.err.isTty) line(context.err, joinedText(joined));
    return;
  }
  // A guest finds one session; what it is called may have changed since.
  const [shared] = (await (await context.client()).list({ all: true })).filter((s) => s.parent === "");
  if (context.err.isTty) line(context.err, joinedText(joined));
  const { run: attach } = await import("./attach.ts");
  const options = { observe: flags.observe, take: false, carrier: undefined, screen: undefined };
  return attach(context, options, [shared?.id ?? joined.session]);
}

/** Read from a person a line, from anything else all of it. */
async function inviteFrom({ input, err }: Context, asked: string): Promise<string> {
  if (asked !== "-") return asked;
  if (input.isTty) {
    err.write("invitation: ");
    return (await input.line()) ?? "";
  }
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of input.bytes()) {
    parts.push(part);
    bytes += part.length;
    if (bytes > MOST_BYTES) throw usage("that is no invitation: it is one line that begins with hold1.");
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Longer than any invitation, blanks around it included. */
const MOST_BYTES = 64 * 1024;

function joinedText({ operator, role, as, url, session, replaces }: Joined): string {
  const way = url === null ? `--as ${as}` : `--host ${url}`;
  const then = session === null ? `hold ${way} ls` : `hold ${way} attach ${session}`;
  const before = replaces === null ? "" : `; as ${replaces}, as until now, by --as ${replaces}`;
  return `you are ${escapeText(operator)} there (${escapeText(role)}); from now on: ${escapeText(then)}${escapeText(before)}`;
}
