/** Finds the shim binary: prebuilt for this platform, else built once with the C compiler into the caller's cache folder. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

export class ShimUnavailable extends Error {
  readonly code = "shim_unavailable";
  constructor(why: string, next: string) {
    super(`[shim_unavailable] ${why}; ${next}`);
    this.name = "ShimUnavailable";
  }
}

export interface FindShimOptions {
  /** Where a binary that has to be built is kept: `<cacheDir>/shim-<hash of the source>/holdfast-shim`. */
  readonly cacheDir: string;
  /** The package's root, with `dist/shim/` and `packages/shim/src/c/`. Default: found upward from this file. */
  readonly root?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra"];

/** Absolute path of a shim that runs here. Throws {@link ShimUnavailable} naming the cause and the next step. */
export function findShim(options: FindShimOptions): string {
  if (process.platform === "win32") throw new ShimUnavailable("Windows has no POSIX terminals", "run Holdfast inside WSL");
  const root = options.root ?? findRoot(import.meta.dirname);
  const target = `${process.platform}-${process.arch}`;
  const prebuilt = join(root, "dist", "shim", target, "holdfast-shim");
  if (isExecutable(prebuilt) && speaks(prebuilt)) return prebuilt;
  const source = join(root, "packages", "shim", "src", "c");
  const files = sourceFiles(source);
  if (files.length === 0)
    throw new ShimUnavailable(`no prebuilt shim for ${target} and no source in ${source}`, "install holdfast again");
  const hash = createHash("sha256");
  for (const f of files) hash.update(f).update(readFileSync(join(source, f)));
  const built = join(options.cacheDir, `shim-${hash.digest("hex").slice(0, 16)}`, "holdfast-shim");
  if (!isExecutable(built))
    build(
      source,
      files.filter((f) => f.endsWith(".c")),
      built,
      options.env ?? process.env,
    );
  return built;
}

function build(source: string, files: readonly string[], to: string, env: Readonly<Record<string, string | undefined>>): void {
  const cc = env.CC ?? "cc";
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  const temporary = `${to}.${process.pid}`;
  const run = (extra: readonly string[]) =>
    spawnSync(cc, [...FLAGS, ...extra, "-o", temporary, ...files], {
      cwd: source,
      encoding: "utf8",
      env: { ...env } as NodeJS.ProcessEnv,
    });
  // A static shim is half the size in memory; where there is no static libc (macOS, Fedora) a dynamic one does.
  let r = process.platform === "linux" ? run(["-static"]) : run([]);
  if (r.status !== 0 && process.platform === "linux" && !r.error) r = run([]);
  if (r.error || r.status !== 0) {
    rmSync(temporary, { force: true });
    const why = r.error
      ? `there is no prebuilt shim for ${process.platform}-${process.arch}, and ${cc} cannot be run (${r.error.message})`
      : `${cc} could not build the shim: ${r.stderr.trim().split("\n")[0] ?? ""}`;
    throw new ShimUnavailable(
      why,
      "install a C compiler (Debian: apt install gcc libc6-dev; macOS: xcode-select --install) or set CC",
    );
  }
  renameSync(temporary, to); // atomic, so that two builders at once do no harm
}

/** The C files and headers of a source folder, sorted; empty if there is no such folder. */
export function sourceFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((f) => /\.[ch]$/.test(f))
      .sort();
  } catch {
    return [];
  }
}

function findRoot(from: string): string {
  for (let dir = from; ; dir = dirname(dir)) {
    if (sourceFiles(join(dir, "packages", "shim", "src", "c")).length > 0 || isReadable(join(dir, "dist", "shim"))) return dir;
    if (dirname(dir) === dir) return from;
  }
}

/** A binary for another libc or processor is there and can't run. */
const speaks = (path: string) =>
  spawnSync(path, ["version"], { encoding: "utf8" }).stdout?.startsWith("holdfast-shim protocol ") ?? false;
const isExecutable = (path: string) => isAccessible(path, constants.X_OK);
const isReadable = (path: string) => isAccessible(path, constants.R_OK);
function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
