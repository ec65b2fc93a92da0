/**
 * `npm run bench:console`: the page in a real browser over a real host: how soon it is there and its screen exact, what a key waits for, beside another
 * terminal in a page, in the same run, round by round; what it holds after an hour, and a list of a thousand sessions. docs/benchmarks.md says how to read it.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { dirname, join } from "node:path";
import { withTables } from "../marks.ts";
import { closeChrome } from "./chrome.ts";
import { type Found, tablesOf } from "./figures.ts";
import { Place } from "./place.ts";
import { folder, load, root, type Stage, say, values, wants } from "./run.ts";
import * as stages from "./stages.ts";

const output = (command: string, ...args: readonly string[]): string =>
  spawnSync(command, args, { encoding: "utf8", cwd: root }).stdout?.trim() ?? "";

const place = new Place("one");

async function measured(): Promise<Found> {
  if (!existsSync(join(root, "dist", "console", "index.html"))) throw new Error("there is no page: npm run build makes it");
  const before = load();
  await place.start();
  await place.open({ name: "shell", shell: "/bin/bash" });
  const stage = async <T>(name: Stage, act: () => Promise<T> | T): Promise<T | null> => {
    if (!wants(name)) return null;
    const began = performance.now();
    const found = await act();
    say(`${name}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
    return found;
  };
  return {
    at: `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC, commit ${output("git", "rev-parse", "--short", "HEAD")}`,
    machine: `${cpus().length} × ${cpus()[0]!.model.trim()}, Linux ${release()}`,
    versions: `Node ${process.versions.node}, ${output("/usr/bin/chromium", "--version").split(" built")[0]}, ${output(values.hold, "--version").split("\n")[0]}`,
    bundle: await stage("bundle", stages.bundle),
    paint: await stage("paint", () => stages.paint(place)),
    screen: await stage("screen", () => stages.screen(place)),
    flood: await stage("flood", () => stages.flood(place)),
    viewers: await stage("viewers", () => stages.viewers(place)),
    echo: await stage("echo", () => stages.echo(place)),
    memory: await stage("memory", () => stages.memory(place)),
    list: await stage("list", stages.list),
    load: { before, after: load() },
  };
}

async function end(): Promise<void> {
  await closeChrome();
  await place.end();
  rmSync(folder, { recursive: true, force: true });
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void end().then(() => process.exit(1)));

try {
  const found = await measured();
  const out = join(root, values.out);
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify(found, null, 2)}\n`);
  if (values.record) {
    const page = join(root, "docs", "benchmarks.md");
    writeFileSync(page, withTables(readFileSync(page, "utf8"), { console: tablesOf(found) }));
  }
  console.log(tablesOf(found));
} finally {
  await end();
}
