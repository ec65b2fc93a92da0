/** `hold files get`. */
import { escapeText } from "@holdfast/sdk";
import { copyHere } from "@holdfast/sdk/node";
import { type Context, jsonLine, line } from "../app/context.ts";
import { bytesText } from "../show/time.ts";
import { printFile } from "./print-file.ts";

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const [session, path, local] = args as [string, string, string | undefined];
  const files = (await context.client()).files(session);
  if (local === undefined || local === "-") return printFile(context, files, path);
  const got = await copyHere(path, local, { files, signal: context.cancelled });
  const sha256 = Buffer.from(got.sha256).toString("hex");
  if (flags.json) jsonLine(context.out, { path, local, bytes: got.size, sha256 });
  else if (context.err.isTty) line(context.err, escapeText(`${path} → ${local}: ${bytesText(got.size)}, SHA-256 ${sha256}`));
  return;
}
