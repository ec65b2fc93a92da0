#!/usr/bin/env node
/**
 * Builds the shim: `node packages/shim/build.mjs [FOLDER | --native FILE | --sanitize FILE | --wrap-read SOURCE FILE]`.
 *   [FOLDER]          FOLDER/<platform>-<arch>/holdfast-shim (default dist/shim) for this machine, and linux-arm64 or linux-x64 where the
 *                     cross compiler is installed; static on Linux, so that one binary runs on every libc
 *   --native FILE    for this machine only
 *   --sanitize FILE   an ASan and UBSan build, for tests and fuzzing
 *   --wrap-read SOURCE FILE  a build for tests in which SOURCE's __wrap_read stands in for read
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";

const here = import.meta.dirname;
const source = join(here, "src", "c");
const files = readdirSync(source)
  .filter((f) => f.endsWith(".c"))
  .sort();
const WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Werror"];
const CROSS = { x64: "x86_64-linux-gnu-gcc", arm64: "aarch64-linux-gnu-gcc" };

function compile(/** @type {string} */ cc, /** @type {string[]} */ flags, /** @type {string} */ to) {
  mkdirSync(dirname(to), { recursive: true });
  const temporary = `${to}.${process.pid}`;
  const r = spawnSync(cc, [...WARNINGS, ...flags, "-o", temporary, ...files], { cwd: source, encoding: "utf8" });
  if (r.error && "code" in r.error && r.error.code === "ENOENT") return undefined;
  if (r.status !== 0) throw new Error(`${cc} failed:\n${r.stderr}`);
  renameSync(temporary, to);
  return to;
}

const [option, file, target] = process.argv.slice(2);
const dist = option && !option.startsWith("--") ? option : join(here, "..", "..", "dist", "shim");
const mine = join(dist, `${process.platform}-${process.arch}`, "holdfast-shim");
if (option === "--sanitize" && file) {
  const to = compile(
    process.env.CC ?? "cc",
    ["-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    file,
  );
  if (!to) throw new Error("no C compiler");
  console.log(to);
} else if (option === "--wrap-read" && file && target) {
  if (!compile(process.env.CC ?? "cc", ["-O1", "-Wl,--wrap=read", file], target)) throw new Error("no C compiler");
} else {
  const flags = process.platform === "linux" ? ["-O2", "-static", "-s"] : ["-O2"];
  const built = compile(process.env.CC ?? "cc", flags, option === "--native" && file ? file : mine);
  if (!built) throw new Error("no C compiler: install gcc or clang, or set CC");
  console.log(built);
  for (const [arch, cc] of Object.entries(CROSS)) {
    if (process.platform !== "linux" || arch === process.arch || option === "--native") continue;
    const to = compile(cc, flags, join(dist, `linux-${arch}`, "holdfast-shim"));
    console.log(to ?? `linux-${arch}: skipped, ${cc} is not installed`);
  }
}
