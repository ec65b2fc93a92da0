/** What a bridge writes down for the one after it, in the session's folder: which kernel there is, and when it was last heard of. */
import { readFileSync, renameSync, statSync, utimesSync, writeFileSync } from "node:fs";
import type { Transport } from "./connection.ts";

export interface Book {
  readonly version: 1;
  readonly kernel: string;
  readonly incarnation: number;
  readonly pid: number;
  /** See process.ts, X3. */
  readonly startedTicks: string;
  readonly transport: Transport;
  readonly connectionFile: string;
}

export function readBook(path: string): { readonly book: Book; readonly heardUnixMs: number } | null {
  try {
    const heardUnixMs = Math.floor(statSync(path).mtimeMs);
    return { book: JSON.parse(readFileSync(path, "utf8")), heardUnixMs };
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new Error(`[bad_book] ${path} can't be read: ${(fault as Error).message}`, { cause: fault });
  }
}

export function writeBook(path: string, book: Book): void {
  writeFileSync(`${path}.part`, `${JSON.stringify(book)}\n`, { mode: 0o600 });
  renameSync(`${path}.part`, path);
}

/** The bridge lives and listens now. */
export function touchBook(path: string, nowUnixMs: number): void {
  try {
    utimesSync(path, nowUnixMs / 1000, nowUnixMs / 1000);
  } catch {
    /* a folder that somebody removed: the next bridge will know less, this one goes on */
  }
}
