/**
 * `npm run sdk:check`: a stranger's first five minutes with `@holdfast/sdk`. What would be published installs with no network and brings no other
 * package; the examples of its README type-check against it, strictly, and run, the last one in a page of Chromium's; and every name
 * that a public type mentions is documented.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";

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
  const element = join(place, "element.ts");
  writeFileSync(
    element,
    `import "@holdfast/sdk/terminal";
const terminal = document.createElement("hold-terminal");
terminal.addEventListener("exit", ({ detail }) => console.log(detail.code));
export const taken: Promise<object> = terminal.take();\n`,
  );
  // A stranger's own types of Node stand beside it; the package's are checked too.
  mkdirSync(join(place, "node_modules", "@types"), { recursive: true });
  writeFileSync(
    join(place, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        ...{ target: "ES2023", module: "NodeNext", strict: true, skipLibCheck: false, noEmit: true, lib: ["ES2023", "DOM"] },
        types: [join(root, "node_modules/@types/node")],
      },
      files: [...files, element],
    }),
  );
  run("tsc", ["-p", place]);
  run(hold, ["host", "up"]);
  try {
    for (const file of files) run(process.execPath, [file]);
    await runInPage(await bundledForPage(files.at(-1) ?? ""));
  } finally {
    spawnSync(hold, ["kill", "first"], { env });
    spawnSync(hold, ["host", "down"], { env });
  }
  const whole = await bundledForPage(join(place, "node_modules/@holdfast/sdk/dist/index.js"));
  await bundledForPage(element);
  documented();
  console.log(
    `${tarball.filename}: ${tarball.files.length} files, ${Math.round(tarball.size / 1024)} KiB packed, ${Math.round(whole.length / 1024)} KiB in a page; ${files.length} examples run`,
  );
}

/** As a plain script that leaves what it exports under the name `example`. */
async function bundledForPage(/** @type {string} */ entry) {
  const { outputFiles, warnings } = await build({
    ...{ entryPoints: [entry], bundle: true, write: false, minify: true, logLevel: "silent" },
    ...{ platform: /** @type {const} */ ("browser"), format: /** @type {const} */ ("iife"), globalName: "example" },
  });
  const text = outputFiles[0]?.text ?? "";
  const said = warnings[0]?.text ?? text.match(/["'`]node:[a-z_/]+/)?.[0];
  if (said) throw new Error(`[sdk_check_failed] bundled for a page: ${said}`);
  return text;
}

/** The README's page: a guest of one session, whose key the browser keeps. */
async function runInPage(/** @type {string} */ script) {
  const server = createServer((_, response) => response.setHeader("content-type", "text/html").end("<!doctype html>"));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  run(hold, ["host", "up", "--listen", `127.0.0.1:${await freePort()}`, "--allow-origin", origin]);
  run(hold, ["new", "first", "-d"]);
  const invite = run(hold, ["share", "first", "--role", "operator", "--ttl", "30m"]).trim();
  // Chromium's own sandbox needs rights that a container's root lacks; the page is ours.
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const page = await browser.newPage();
    await page.goto(origin);
    await page.addScriptTag({ content: script });
    const names = JSON.stringify(await page.evaluate(`example.start(${JSON.stringify(invite)})`));
    if (names !== '["first"]') throw new Error(`[sdk_check_failed] the page found ${names}`);
  } finally {
    await browser.close();
    server.close();
  }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
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
