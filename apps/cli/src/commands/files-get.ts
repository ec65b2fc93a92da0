/** `hold files get`. */
import { createHash, randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { bytesOf, HoldError } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { escapeText } from "@holdfast/sdk";
import { bytesText } from "../show/time.ts";

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const [session, path, local] = args as [string, string, string | undefined];
  const files = (await context.client()).files(session);
  const hash = createHash("sha256");
  if (local === undefined || local === "-") {
    await files.read(
      path,
      async (part) => {
        context.out.write(part);
        await context.out.drained();
      },
      { signal: context.cancelled },
    );
    return;
  }
  const temporary = Buffer.from(bytesOf(`${local}.${randomBytes(4).toString("hex")}.hold`));
  const file = await open(temporary, "wx", 0o644).catch((fault: NodeJS.ErrnoException) => {
    throw new HoldError("file_failed", `${local} can't be written: ${fault.code ?? fault.message}`, {}, { cause: fault });
  });
  let bytes = 0;
  try {
    const read = await files.read(
      path,
      async (part) => {
        hash.update(part);
        bytes += part.length;
        await file.writeFile(part);
      },
      { signal: context.cancelled },
    );
    await file.close();
    await rename(temporary, Buffer.from(bytesOf(local)));
    const sha256 = hash.digest("hex");
    if (flags.json) jsonLine(context.out, { path: read.path, local, bytes, sha256 });
    else if (context.err.isTty) line(context.err, escapeText(`${read.path} → ${local}: ${bytesText(bytes)}, SHA-256 ${sha256}`));
  } catch (fault) {
    await file.close().catch(() => {});
    await rm(temporary, { force: true });
    throw fault;
  }
  return;
}
