/**
 * Finds kernelspecs where Jupyter looks: `kernels/NAME/kernel.json` below its data folders.
 *
 *   N1  The first folder that has a name has it; names differ in more than case, `[A-Za-z0-9._-]+`.
 *   N2  A spec that can't be used is told with its file and what is wrong, and still hides later ones: what would be started by a
 *       name never depends on which file happens to be sound.
 */
import { readdir, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type Kernelspec, parseKernelspec } from "./kernelspec.ts";

export interface KernelFound {
  /** In lower case, as Jupyter compares them. */
  readonly name: string;
  readonly resourceDir: string;
  readonly spec: Kernelspec;
}

export interface KernelFaulty {
  readonly name: string;
  readonly file: string;
  readonly why: string;
}

export interface KernelsFound {
  readonly kernels: readonly KernelFound[];
  readonly faulty: readonly KernelFaulty[];
  /** Where was looked, in order. */
  readonly folders: readonly string[];
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The folders that may have kernels, first one first: `JUPYTER_PATH`; the user's own (`JUPYTER_DATA_DIR`, else the platform's);
 * the active environment's (`VIRTUAL_ENV`, `CONDA_PREFIX`), before the user's own if `JUPYTER_PREFER_ENV_PATH` is set; the system's;
 * IPython's old one. Relative entries are ignored.
 */
export function kernelFolders(env: Env, platform: NodeJS.Platform = process.platform): string[] {
  const home = env.HOME ?? "";
  const data =
    platform === "darwin" ? join(home, "Library/Jupyter") : join(env.XDG_DATA_HOME || join(home, ".local/share"), "jupyter");
  const own = [env.JUPYTER_DATA_DIR || (home || env.XDG_DATA_HOME ? data : "")];
  const prefixes = [env.VIRTUAL_ENV, env.CONDA_PREFIX].filter((prefix) => prefix !== undefined && prefix !== "");
  const environment = prefixes.map((prefix) => join(prefix!, "share/jupyter"));
  const isEnvironmentFirst = !["", "0", "no", "n", "false", "off"].includes((env.JUPYTER_PREFER_ENV_PATH ?? "").toLowerCase());
  const all = [
    ...(env.JUPYTER_PATH ?? "").split(delimiter),
    ...(isEnvironmentFirst ? [...environment, ...own] : [...own, ...environment]),
    "/usr/local/share/jupyter",
    "/usr/share/jupyter",
  ].filter((folder) => folder.startsWith("/"));
  return [...new Set(all.map((folder) => join(folder, "kernels")).concat(home ? [join(home, ".ipython/kernels")] : []))];
}

/** All that are there. A folder that is missing or may not be read has none. */
export async function findKernels(folders: readonly string[]): Promise<KernelsFound> {
  const kernels: KernelFound[] = [];
  const faulty: KernelFaulty[] = [];
  const taken = new Set<string>();
  for (const folder of folders) {
    for (const entry of (await readdir(folder).catch(() => [])).sort()) {
      const name = entry.toLowerCase();
      const resourceDir = join(folder, entry);
      const file = join(resourceDir, "kernel.json");
      const text = taken.has(name) ? null : await readFile(file, "utf8").catch(absent);
      if (text === null) continue;
      taken.add(name);
      const parsed = typeof text === "string" ? parseKernelspec(text) : { ok: false as const, why: text.message };
      if (!/^[a-z0-9._-]+$/.test(name)) faulty.push({ name, file, why: "a name is of A-Z a-z 0-9 . _ - only" });
      else if (parsed.ok) kernels.push({ name, resourceDir, spec: parsed.spec });
      else faulty.push({ name, file, why: parsed.why });
    }
  }
  return { kernels, faulty, folders };
}

/** Null where there is no such file; what else went wrong is told. */
function absent(fault: NodeJS.ErrnoException): Error | null {
  return fault.code === "ENOENT" || fault.code === "ENOTDIR" ? null : fault;
}

export type KernelLookup =
  | { readonly ok: true; readonly kernel: KernelFound }
  | { readonly ok: false; readonly code: "no_such_kernel" | "bad_kernelspec"; readonly message: string };

/** The one of this name, in any case. The message says what there is, or what is wrong where. */
export function kernelNamed(found: KernelsFound, name: string): KernelLookup {
  const wanted = name.toLowerCase();
  const kernel = found.kernels.find((one) => one.name === wanted);
  if (kernel) return { ok: true, kernel };
  const bad = found.faulty.find((one) => one.name === wanted);
  if (bad) return { ok: false, code: "bad_kernelspec", message: `[bad_kernelspec] kernel ${name}, ${bad.file}: ${bad.why}` };
  const names = found.kernels.map((one) => one.name).join(", ");
  const where = found.folders.join(delimiter);
  return {
    ok: false,
    code: "no_such_kernel",
    message: `[no_such_kernel] no kernel ${name}; there is ${names || "none"} in ${where}`,
  };
}
