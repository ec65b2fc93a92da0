/** bin/hold finds its package and a Node from wherever and however it is called. */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { entryStub } from "../../scripts/entry-stub.mjs";

const checkout = join(dirname(fileURLToPath(import.meta.url)), "../..");
let place: string;
let home: string;

/** A package of its own, in a folder with a space, whose command tells what it was started with. */
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "launcher-")));
  home = join(place, "a package");
  mkdirSync(join(home, "bin"), { recursive: true });
  mkdirSync(join(home, "dist"));
  copyFileSync(join(checkout, "bin/hold"), join(home, "bin/hold"));
  chmodSync(join(home, "bin/hold"), 0o755);
  writeFileSync(
    join(home, "dist/hold.mjs"),
    "console.log(JSON.stringify({ at: import.meta.filename, args: process.argv.slice(2), node: process.execPath }));\n",
  );
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

function start(command: string, args: string[] = [], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, ...options.env };
  const done = spawnSync(command, args, { cwd: options.cwd ?? "/", env, encoding: "utf8" });
  return { status: done.status, stderr: done.stderr, told: done.stdout === "" ? undefined : JSON.parse(done.stdout) };
}

test("arguments arrive as they were given, spaces, empty ones and all", () => {
  const args = ["run", "demo", "--", "echo", "a  b", "", "*", "$HOME", "'"];
  expect(start(join(home, "bin/hold"), args).told.args).toEqual(args);
});

test.each([
  ["by a relative path", (h: string) => ({ command: "./bin/hold", cwd: h })],
  ["by a relative path without a dot", (h: string) => ({ command: "bin/hold", cwd: h })],
  ["from its own folder", (h: string) => ({ command: "./hold", cwd: join(h, "bin") })],
  ["from below its own folder", (h: string) => ({ command: "../../bin/hold", cwd: join(h, "dist/deep") })],
  ["by a path that goes up and down", (h: string) => ({ command: join(h, "dist/../bin/../bin/hold"), cwd: "/" })],
])("it finds its package when called %s", (_, how) => {
  mkdirSync(join(home, "dist/deep"));
  const { command, cwd } = how(home);
  const { told, stderr } = start(command, [], { cwd });
  expect(stderr).toBe("");
  expect(realpathSync(told.at)).toBe(join(home, "dist/hold.mjs"));
});

test("it finds its package through a chain of links, relative and absolute, and a linked folder", () => {
  mkdirSync(join(place, "links"));
  symlinkSync("../a package/bin/hold", join(place, "links/relative"));
  symlinkSync(join(place, "links/relative"), join(place, "links/absolute"));
  symlinkSync(join(home, "bin"), join(place, "linked-folder"));
  for (const command of ["links/relative", "links/absolute", "linked-folder/hold"]) {
    expect(realpathSync(start(join(place, command)).told.at)).toBe(join(home, "dist/hold.mjs"));
  }
});

test("it is found on the PATH", () => {
  const { told } = start("sh", ["-c", "hold ls"], {
    env: { PATH: `${join(home, "bin")}:${dirname(process.execPath)}:/usr/bin:/bin` },
  });
  expect(told.args).toEqual(["ls"]);
});

test("the Node of its own checkout comes before the PATH's, and HOLDFAST_NODE before both", () => {
  mkdirSync(join(home, "node_modules/node/bin"), { recursive: true });
  const fake = (path: string) => {
    writeFileSync(path, `#!/bin/sh\nprintf '{"node":"%s"}' "$0"\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const own = fake(join(home, "node_modules/node/bin/node"));
  expect(start(join(home, "bin/hold")).told.node).toBe(own);
  const named = fake(join(place, "named"));
  expect(start(join(home, "bin/hold"), [], { env: { HOLDFAST_NODE: named } }).told.node).toBe(named);
});

test("without dist/ it says how to build", () => {
  rmSync(join(home, "dist"), { recursive: true });
  const { status, stderr } = start(join(home, "bin/hold"));
  expect(status).toBe(1);
  expect(stderr).toMatch(/^\[not_built\] .*npm run build/);
});

test("without any Node it says what to install", () => {
  const { status, stderr } = start(join(home, "bin/hold"), [], { env: { PATH: join(place, "empty") } });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^\[node_missing\] .*22\.15/);
});

test("under an old Node it names the version found, the version needed and the next step", () => {
  writeFileSync(join(home, "dist/hold.mjs"), entryStub("0.1.0", "22.15"));
  const pretend = "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})";
  const { status, stderr } = start(join(home, "bin/hold"), ["ls"], { env: { NODE_OPTIONS: `--import=${pretend}` } });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^\[node_too_old\] .*22\.15.* 20\.20\.2 .*HOLDFAST_NODE/);
});

test("what runs before the version check is old JavaScript", () => {
  expect(entryStub("0.1.0", "22.15")).not.toMatch(/^import |\?\.|\?\?|#[a-z]/m);
});
