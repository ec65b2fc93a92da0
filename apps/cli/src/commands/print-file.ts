/** A session's file on standard output. */
import { createHash } from "node:crypto";
import { type Files, HoldError } from "@holdfast/sdk";
import type { Context } from "../app/context.ts";

/** Throws `file_changed` when what was printed is not how the file begins now. */
export async function printFile(context: Context, files: Files, path: string): Promise<undefined> {
  const hash = createHash("sha256");
  let bytes = 0;
  await files.read(
    path,
    async (part) => {
      hash.update(part);
      bytes += part.length;
      context.out.write(part);
      await context.out.drained();
    },
    { signal: context.cancelled },
  );
  const { sha256 } = await files.hash(path, { bytes, signal: context.cancelled });
  if (!hash.digest().equals(sha256))
    throw new HoldError("file_changed", `${path} was written while it was read: what was printed is not what it is now`, {
      path,
    });
}
