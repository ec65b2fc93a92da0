/** `hold files put`. */
import { open } from "node:fs/promises";
import { bytesOf, HoldError } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { escapeText } from "@holdfast/sdk";
import { bytesText } from "../show/time.ts";

interface PutFlags {
  ifHash: string | undefined;
  new: boolean;
  mode: string | undefined;
  folders: boolean;
  json: boolean;
}

export async function run(context: Context, flags: PutFlags, args: readonly string[]): Promise<undefined> {
  const [session, local, path] = args as [string, string, string];
  if (flags.new && flags.ifHash !== undefined) throw usage("--new and --if-hash exclude each other");
  if (flags.ifHash !== undefined && !/^[0-9a-f]{64}$/i.test(flags.ifHash))
    throw usage("--if-hash takes a SHA-256 as 64 hex digits; `hold files get SESSION PATH LOCAL --json` prints it");
  if (flags.mode !== undefined && !/^0?[0-7]{3}$/.test(flags.mode)) throw usage("--mode takes three octal digits such as 644");
  const condition = flags.new ? { ifSha256: null } : flags.ifHash ? { ifSha256: Buffer.from(flags.ifHash, "hex") } : {};
  const files = (await context.client()).files(session);
  const wrote = await files.write(path, local === "-" ? context.input.bytes() : contentOf(local), {
    folders: flags.folders,
    ...(flags.mode === undefined ? {} : { mode: Number.parseInt(flags.mode, 8) }),
    ...condition,
  });
  const sha256 = Buffer.from(wrote.sha256).toString("hex");
  if (flags.json) jsonLine(context.out, { path: wrote.path, bytes: wrote.size, sha256 });
  else if (context.err.isTty) line(context.err, escapeText(`${wrote.path}: ${bytesText(wrote.size)}, SHA-256 ${sha256}`));
  return;
}

async function* contentOf(local: string): AsyncGenerator<Uint8Array> {
  try {
    const file = await open(Buffer.from(bytesOf(local)), "r");
    for await (const part of file.createReadStream({ highWaterMark: 256 * 1024 })) yield part as Buffer;
  } catch (fault) {
    const { code, message } = fault as NodeJS.ErrnoException;
    throw new HoldError("no_such_file", `${local} can't be read: ${code ?? message}`, {}, { cause: fault });
  }
}
