/**
 * `npm run pack:check`: what npm would publish installs into an empty folder with no network, brings no other package,
 * and holds a session on a machine without a compiler.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const place = mkdtempSync(join(tmpdir(), "holdfast-pack-"));
const plainPath = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.endsWith("node_modules/.bin"));

/** Runs to the end and gives stdout; anything but success ends the check. */
function run(
  /** @type {string} */ command,
  /** @type {string[]} */ args,
  /** @type {import("node:child_process").SpawnSyncOptions} */ options = {},
) {
  const done = spawnSync(command, args, { cwd: place, encoding: "utf8", timeout: 60_000, ...options });
  if (done.status !== 0)
    fail(
      `${[command, ...args].join(" ")} ended with ${done.status ?? done.signal}\n${done.stdout ?? ""}${done.stderr ?? done.error ?? ""}`,
    );
  return String(done.stdout);
}

function fail(/** @type {string} */ why) {
  console.error(`[pack_check_failed] ${why.trim()}`);
  process.exitCode = 1;
  throw new Error("pack check failed");
}

/** A PATH with the few commands that any machine has, and neither compiler nor npm. */
function barePath() {
  const bin = join(place, "bare bin");
  mkdirSync(bin);
  for (const name of ["sh", "bash", "env", "readlink", "cat", "sleep", "ls", "id", "uname"]) {
    const found = plainPath.map((folder) => join(folder, name)).find((path) => existsSync(path));
    if (found) symlinkSync(found, join(bin, name));
  }
  symlinkSync(process.execPath, join(bin, "node"));
  return bin;
}

function check() {
  const [packed] = JSON.parse(
    run("npm", ["pack", "--silent", "--json", "--ignore-scripts", "--pack-destination", place], { cwd: root }),
  );
  const files = packed.files.map((/** @type {{ path: string }} */ f) => f.path);
  const built = readdirSync(join(root, "dist"), { recursive: true, withFileTypes: true }).filter(
    (e) => e.isFile() && e.name !== ".sources",
  );
  const wanted = [
    "bin/hold",
    "dist/hold.cjs",
    "dist/cli.cjs",
    "dist/host.mjs",
    "dist/terminal-worker.mjs",
    "LICENSE",
    "README.md",
  ];
  wanted.push(...built.map((e) => relative(root, join(e.parentPath, e.name))));
  const lacking = wanted.filter((path) => !files.includes(path));
  if (lacking.length > 0) fail(`the package lacks ${lacking.join(", ")}`);
  const astray = files.filter((/** @type {string} */ path) => /node_modules|\.test\.|\.part$|\.map$/.test(path));
  if (astray.length > 0) fail(`the package carries ${astray.slice(0, 5).join(", ")}`);

  const home = join(place, "a home");
  mkdirSync(home);
  run("npm", [
    "install",
    "--offline",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--prefix",
    home,
    join(place, packed.filename),
  ]);
  const brought = readdirSync(join(home, "node_modules")).filter((name) => !name.startsWith(".") && name !== manifest.name);
  if (brought.length > 0) fail(`installing it brought ${brought.join(", ")}`);

  const hold = join(home, "node_modules", ".bin", "hold");
  const env = {
    PATH: barePath(),
    HOME: home,
    HOLDFAST_HOME: join(home, "state"),
    XDG_CONFIG_HOME: join(home, "config"),
    SHELL: "/bin/sh",
    LANG: "C.UTF-8",
    TERM: "xterm",
  };
  const said = run(hold, ["--version"], { env });
  if (!said.includes(manifest.version)) fail(`hold --version says ${said.trim()}, not ${manifest.version}`);
  try {
    run(hold, ["new", "packed", "-d", "--", "/bin/sh", "-c", "echo here; exec sleep 300"], { env });
    const listed = run(hold, ["ls", "--json"], { env });
    if (!listed.includes('"packed"')) fail(`hold ls does not show the session: ${listed}`);
    run(hold, ["kill", "packed"], { env });
  } finally {
    spawnSync(hold, ["kill", "packed"], { env });
    spawnSync(hold, ["host", "down"], { env });
  }
  console.log(
    `${packed.filename}: ${files.length} files, ${Math.round(packed.size / 1024)} KiB packed, ${Math.round(packed.unpackedSize / 1024)} KiB unpacked; installs offline, needs no other package and no compiler`,
  );
}

try {
  check();
} catch (error) {
  if (process.exitCode !== 1) throw error;
} finally {
  rmSync(place, { recursive: true, force: true });
}
