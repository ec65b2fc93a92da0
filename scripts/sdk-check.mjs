/**
 * `npm run sdk:check`: a stranger's first five minutes with `@holdfast/sdk`. What would be published installs with no network and brings no other
 * package; the examples of its README type-check against it, strictly, and run; its root bundles for a page; and every name that
 * a public type mentions is documented.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const packed = join(root, ".build", "sdk");
const hold = join(root, "bin", "hold");
const place = mkdtempSync(join(tmpdir(), "holdfast-sdk-"));
const env = {
  ...process.env,
  HOME: place,
  HOLDFAST_HOME: join(place, "state"),
  XDG_CONFIG_HOME: join(place, "config"),
  SHELL: "/bin/bash",
};

/** Runs to the end and gives stdout; anything but success ends the check. */
function run(
  /** @type {string} */ command,
  /** @type {string[]} */ args,
  /** @type {import("node:child_process").SpawnSyncOptions} */ options = {},
) {
  const done = spawnSync(command, args, { cwd: place, encoding: "utf8", timeout: 120_000, env, ...options });
  if (done.status !== 0)
    throw new Error(
      `[sdk_check_failed] ${[command, ...args].join(" ")} ended with ${done.status ?? done.signal}\n${done.stdout ?? ""}${done.stderr ?? done.error ?? ""}`,
    );
  return String(done.stdout);
}

/** The blocks of ```ts in the README, each a module. */
function examples() {
  const readme = readFileSync(join(packed, "README.md"), "utf8");
  return [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((found) => String(found[1]));
}

async function check() {
  run(process.execPath, [join(root, "scripts", "sdk-package.mjs")], { cwd: root, env: process.env });
  const tarball = JSON.parse(run("npm", ["pack", "--silent", "--json", "--pack-destination", place], { cwd: packed }))[0];
  writeFileSync(join(place, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));
  run("npm", ["install", "--offline", "--ignore-scripts", join(place, tarball.filename)]);
  const brought = readdirSync(join(place, "node_modules")).filter((name) => !name.startsWith("."));
  if (brought.join() !== "@holdfast") throw new Error(`[sdk_check_failed] installing it brought ${brought.join(", ")}`);

  const files = examples().map((text, i) => {
    const file = join(place, `example-${i + 1}.ts`);
    writeFileSync(file, text);
    return file;
  });
  // A stranger's own types of Node stand beside it; the package's are checked too.
  mkdirSync(join(place, "node_modules", "@types"), { recursive: true });
  writeFileSync(
    join(place, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        ...{ target: "ES2023", module: "NodeNext", strict: true, skipLibCheck: false, noEmit: true, lib: ["ES2023", "DOM"] },
        types: [join(root, "node_modules/@types/node")],
      },
      files,
    }),
  );
  run("tsc", ["-p", place]);
  run(hold, ["host", "up"]);
  try {
    for (const file of files) run(process.execPath, [file]);
  } finally {
    spawnSync(hold, ["host", "down"], { env });
  }
  const page = await build({
    ...{ bundle: true, write: false, minify: true, platform: "browser", format: "iife", logLevel: "silent" },
    stdin: { contents: 'export * from "@holdfast/sdk";', resolveDir: place },
  });
  const said = page.warnings[0]?.text ?? page.outputFiles[0]?.text.match(/node:[a-z_/]+/)?.[0];
  if (said) throw new Error(`[sdk_check_failed] bundled for a page: ${said}`);
  documented();
  console.log(
    `${tarball.filename}: ${tarball.files.length} files, ${Math.round(tarball.size / 1024)} KiB packed, ${Math.round((page.outputFiles[0]?.contents.length ?? 0) / 1024)} KiB in a page; ${files.length} examples run`,
  );
}

/** As `npm run sdk:docs` makes it, without writing it. */
function documented() {
  run("npm", ["run", "--silent", "sdk:docs", "--", "--emit", "none", "--treatWarningsAsErrors"], { cwd: root, env: process.env });
}

try {
  await check();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(place, { recursive: true, force: true });
}
