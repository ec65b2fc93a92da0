/** Files of notebooks: read with what is wrong in them, and written whole or not at all. */
import { randomBytes } from "node:crypto";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { HoldError } from "@holdfast/sdk";
import { cellIdFrom, fromMarkdown, type Notebook, problemText, readNotebook } from "@holdfast/sdk/notebook";

export interface OpenNotebook {
  readonly notebook: Notebook;
  readonly isMarkdown: boolean;
}

export const newCellId = (): string => cellIdFrom(randomBytes(4));

export async function openNotebook(path: string): Promise<OpenNotebook> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new HoldError(
      cause.code === "ENOENT" ? "no_such_file" : "file_failed",
      `${path} can't be read: ${cause.message}`,
      {},
      { cause },
    );
  });
  if (/^\.(md|markdown|qmd)$/i.test(extname(path))) return { notebook: fromMarkdown(text, newCellId), isMarkdown: true };
  const read = readNotebook(text);
  if (!read.ok) throw new HoldError("bad_request", `${path}: ${problemText(read.problem)}`);
  return { notebook: read.notebook, isMarkdown: false };
}

/** Through a file beside it: whoever reads meanwhile reads the one before, or this one. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const mode = await stat(path).then(
    ({ mode: of }) => of & 0o777,
    () => 0o644,
  );
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString("hex")}`);
  try {
    await writeFile(beside, text, { mode });
    await rename(beside, path);
  } catch (cause) {
    await rm(beside, { force: true });
    throw new HoldError("file_failed", `${path} can't be written: ${(cause as Error).message}`, {}, { cause });
  }
}
