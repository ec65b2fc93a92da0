/** What a home's log says of a host that could not start. The host writes such a line as its last (main.ts), the keeper where there is no program to run. */
import { closeSync, existsSync, openSync, readSync, statfsSync, statSync } from "node:fs";

const SAID = /(?: host \d+: can't start: |^cannot start the host )(.+)$/m;
/** More of a log than one start writes. */
const MOST_BYTES = 256 * 1024;

export const cannotStart = (why: string): string => `can't start: ${why.replaceAll("\n", " ")}`;

/** The reason that stands in this piece of a log, or null. The first: what follows is the same, tried again. */
export function reasonIn(log: string): string | null {
  return SAID.exec(log)?.[1] ?? null;
}

export function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/** The reason in what came to the log after `from`, or null. */
export function reasonAfter(path: string, from: number): string | null {
  const size = sizeOf(path);
  if (size <= from) return null;
  const piece = Buffer.alloc(Math.min(MOST_BYTES, size - from));
  const fd = openSync(path, "r");
  try {
    return reasonIn(piece.subarray(0, readSync(fd, piece, 0, piece.length, from)).toString());
  } finally {
    closeSync(fd);
  }
}

/** A full disk takes the reason from the log too. */
export function isDiskFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < 64 * 1024;
  } catch {
    return false;
  }
}
