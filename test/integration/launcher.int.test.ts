/** bin/hold finds its package and a Node from wherever and however it is called. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
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
    join(home, "dist/hold.cjs"),
    "console.log(JSON.stringify({ at: __filename, args: process.argv.slice(2), node: process.execPath }));\n",
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
  expect(realpathSync(told.at)).toBe(join(home, "dist/hold.cjs"));
});

test("it finds its package through a chain of links, relative and absolute, and a linked folder", () => {
  mkdirSync(join(place, "links"));
  symlinkSync("../a package/bin/hold", join(place, "links/relative"));
  symlinkSync(join(place, "links/relative"), join(place, "links/absolute"));
  symlinkSync(join(home, "bin"), join(place, "linked-folder"));
  for (const command of ["links/relative", "links/absolute", "linked-folder/hold"]) {
    expect(realpathSync(start(join(place, command)).told.at)).toBe(join(home, "dist/hold.cjs"));
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
  writeFileSync(join(home, "dist/hold.cjs"), entryStub("0.1.0", "22.15"));
  const pretend = "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})";
  const { status, stderr } = start(join(home, "bin/hold"), ["ls"], { env: { NODE_OPTIONS: `--import=${pretend}` } });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^\[node_too_old\] .*22\.15.* 20\.20\.2 .*HOLDFAST_NODE/);
});

test("what runs before the version check is old JavaScript", () => {
  expect(entryStub("0.1.0", "22.15")).not.toMatch(/^import |\?\.|\?\?|#[a-z]|=>|\b(let|const) /m);
});

/** The real first file, with a program of the test's own behind it. */
function withProgram(program: string): {
  readonly run: () => string;
  readonly compiled: () => string[];
  readonly folder: string;
} {
  writeFileSync(join(home, "dist/hold.cjs"), entryStub("0.1.0", "22.15"));
  writeFileSync(join(home, "dist/cli.cjs"), `//${"0".repeat(32)}\n${program}`);
  const folder = join(place, "cache/holdfast/code");
  return {
    folder,
    run: () => start(join(home, "bin/hold"), ["ls"], { env: { XDG_CACHE_HOME: join(place, "cache") } }).told,
    compiled: () => readdirSync(folder).map((name) => join(folder, name)),
  };
}

test("compiled code is kept for the next start, readable and writable by its user alone", () => {
  const { run, compiled, folder } = withProgram("console.log(JSON.stringify('said'));");
  expect(run()).toBe("said");
  expect(compiled()).toEqual([expect.stringMatching(/0{32}-v[\d.]+-\w+-ls$/)]);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(compiled()[0]!).mode & 0o777).toBe(0o600);
  const before = statSync(compiled()[0]!).ino;
  expect(run()).toBe("said");
  expect(statSync(compiled()[0]!).ino).toBe(before);
});

test("compiled code with any byte changed, or cut short, is not given to V8, which would crash, and is made anew", () => {
  const { run, compiled } = withProgram("console.log(JSON.stringify([1, 2, 3].map((n) => n * 2).join()));");
  run();
  const [file] = compiled();
  const whole = readFileSync(file!);
  for (const at of [0, 40, whole.length >> 1, whole.length - 1]) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 0xff;
    writeFileSync(file!, damaged);
    expect(run()).toBe("2,4,6");
    expect(readFileSync(file!).equals(damaged)).toBe(false);
  }
  writeFileSync(file!, whole.subarray(0, 20));
  expect(run()).toBe("2,4,6");
});

test("compiled code that others could have written is not used", () => {
  const { run, compiled } = withProgram("console.log(JSON.stringify('ours'));");
  run();
  const [file] = compiled();
  const before = statSync(file!).ino;
  chmodSync(file!, 0o666);
  expect(run()).toBe("ours");
  expect(statSync(file!).ino).not.toBe(before);
});

test("where nothing can be kept it starts all the same", () => {
  const { run } = withProgram("console.log(JSON.stringify('said'));");
  writeFileSync(join(place, "cache"), "no folder");
  expect(run()).toBe("said");
});
