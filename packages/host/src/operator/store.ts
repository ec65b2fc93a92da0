/** One small file of the home, replaced whole: what is answered is on the disk. */
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes `value` as JSON, 0600. Throws what the disk says; then the file is as it was. */
export function storeDurably(path: string, value: unknown): void {
  storeTextDurably(path, `${JSON.stringify(value, null, 1)}\n`);
}

/** The same of a text, letter for letter. */
export function storeTextDurably(path: string, text: string): void {
  const temporary = `${path}.new`;
  const fd = openSync(temporary, "w", 0o600);
  try {
    writeFileSync(fd, text);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  // The name too: a revocation that a power cut takes back was none.
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** The same without holding anything up. Not for two writers of one file at once. */
export async function storeDurablyLater(path: string, value: unknown): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify(value));
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
