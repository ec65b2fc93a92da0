/** `hold-NAME` on the path becomes `hold NAME`. Our own commands always win, so that nobody's file can stand in for one. */
import { spawn } from "node:child_process";
import { constants, accessSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** The first `hold-NAME` on the path that may be run. Folders that are not absolute are passed over: they change with the directory. */
export function findOutside(name: string, path: string | undefined): string | null {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return null;
  for (const folder of (path ?? "").split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const file = join(folder, `hold-${name}`);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not here: on to the next folder.
    }
  }
  return null;
}

/** Its exit code, or null if there is no such program. The words after NAME, `--as` and all, are passed as they are. */
export async function runOutside(
  name: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number | null> {
  const file = findOutside(name, env["PATH"]);
  if (file === null) return null;
  const at = argv.indexOf(name);
  const child = spawn(file, [...argv.slice(0, at), ...argv.slice(at + 1)], { stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(code ?? 128 + (signal ? 15 : 0)));
  });
}
