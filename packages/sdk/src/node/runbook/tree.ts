/**
 * Runbooks in files of this machine.
 *
 *   F1  A tree's root is the folder of its git repository; without one, the folder that was asked about.
 *   F2  Folders that no rule of git's lets in are not entered (packages/runbook discover, which has the rules). Links are not followed.
 *   F3  Files of outputs are no runbooks.
 */
import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { HoldError } from "@holdfast/protocol";
import { discover, isOutputs, parse, type Runbook, type Sheet } from "@holdfast/runbook";

export interface TreeOptions {
  /** Default true. */
  readonly gitIgnore?: boolean;
  /** More patterns, as in a `.gitignore` of the root. */
  readonly ignorePatterns?: readonly string[];
  /** Default 16 MiB: a larger file is no document. */
  readonly maxBytes?: number;
}

export interface FoundRunbooks {
  /** Absolute; what {@link Sheet.file} is relative to. */
  readonly root: string;
  readonly sheets: readonly Sheet[];
}

const MAX_BYTES = 16 * 1024 * 1024;
const NEVER: ReadonlySet<string> = new Set(["node_modules", ".venv", ".git"]);
const slashed = (path: string): string => path.split(sep).join("/");

/** One document. Throws HoldError `no_such_file`. */
export async function readRunbook(path: string): Promise<FoundRunbooks & { readonly runbook: Runbook; readonly text: string }> {
  const file = resolve(path);
  const text = await readFile(file, "utf8").catch((fault: unknown) => {
    throw new HoldError(
      "no_such_file",
      `${path} can't be read: ${fault instanceof Error ? fault.message : String(fault)}`,
      { path: file },
      { cause: fault },
    );
  });
  const runbook = parse(text);
  return { root: dirname(file), sheets: [{ file: basename(file), runbook }], runbook, text };
}

/** F1. */
export async function rootOf(folder: string): Promise<string> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (
      await stat(join(at, ".git")).then(
        () => true,
        () => false,
      )
    )
      return at;
    if (dirname(at) === at) return resolve(folder);
  }
}

/** All of the tree that `folder` is in, or of `folder` alone where `isWhole` is false. */
export async function findRunbooks(
  folder: string,
  options: TreeOptions & { readonly isWhole?: boolean } = {},
): Promise<FoundRunbooks> {
  const { gitIgnore = true, ignorePatterns = [], maxBytes = MAX_BYTES, isWhole = true } = options;
  const root = isWhole ? await rootOf(folder) : resolve(folder);
  const files: string[] = [];
  const ignoreFiles: { path: string; text: string }[] = [];
  await walk(root, root, files, ignoreFiles, { gitIgnore, ignorePatterns });
  const sheets: Sheet[] = [];
  for (const file of discover({ files, ignoreFiles, gitIgnore, ignorePatterns })) {
    const path = join(root, file);
    if ((await stat(path)).size > maxBytes) continue;
    const runbook = parse(await readFile(path, "utf8"));
    // F3
    if (!isOutputs(runbook)) sheets.push({ file, runbook });
  }
  return { root, sheets };
}

async function walk(
  root: string,
  folder: string,
  files: string[],
  ignoreFiles: { path: string; text: string }[],
  options: { readonly gitIgnore: boolean; readonly ignorePatterns: readonly string[] },
): Promise<void> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => []);
  if (options.gitIgnore && entries.some((entry) => entry.name === ".gitignore" && entry.isFile())) {
    const path = join(folder, ".gitignore");
    ignoreFiles.push({ path: slashed(relative(root, path)), text: await readFile(path, "utf8").catch(() => "") });
  }
  for (const entry of entries) if (entry.isFile()) files.push(slashed(relative(root, join(folder, entry.name))));
  for (const entry of entries) {
    if (!entry.isDirectory() || NEVER.has(entry.name)) continue;
    const path = join(folder, entry.name);
    // F2: a document in it would be left out, so all of it is.
    const probe = `${slashed(relative(root, path))}/x.run`;
    if (discover({ files: [probe], ignoreFiles, ...options }).length > 0 || ignoreFiles.some(({ text }) => text.includes("!")))
      await walk(root, path, files, ignoreFiles, options);
  }
}
