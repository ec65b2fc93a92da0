/**
 * Where a program is found now, and which file that is: what an approval of a command is bound to besides its words.
 * Between this look and the kernel's own lies a moment that nothing closes; and a file that is approved does what it says when it runs.
 */
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { bytesOf, textOf } from "@holdfast/protocol";

export interface Executable {
  /** Absolute, links followed. May hold any bytes (protocol/exact-text.ts). */
  readonly path: string;
  /** Device, inode, times and size: another file, or the same one written to, has another. */
  readonly identity: string;
}

/** `path`: the variable PATH of whoever will start it. Null: there is no such program, or it is none that can be found by name. */
export function findProgram(program: string, cwd: string, path: string): Executable | null {
  if (program === "" || program.includes("\0")) return null;
  const places = program.includes("/") ? [program] : path.split(":").map((folder) => `${folder || "."}/${program}`);
  for (const place of places) {
    const found = executableAt(resolve(cwd, place));
    if (found) return found;
  }
  return null;
}

function executableAt(path: string): Executable | null {
  try {
    const bytes = Buffer.from(bytesOf(path));
    accessSync(bytes, constants.X_OK);
    const real = realpathSync(bytes, { encoding: "buffer" });
    const facts = statSync(real, { bigint: true });
    if (!facts.isFile()) return null;
    const { dev, ino, mtimeNs, ctimeNs, size } = facts;
    return { path: textOf(real), identity: [dev, ino, mtimeNs, ctimeNs, size].join(":") };
  } catch {
    // Not there, or not for this user: the next place is looked at, as the shell would.
    return null;
  }
}
