/**
 * The build: everything that runs, bundled into dist/, so that the package has no run-time dependency.
 *
 *   B1  dist/hold.cjs loads on any Node and says what is wrong under one that is too old; the rest may be new.
 *   B2  The command line is one small CommonJS file: read once, compiled from the cache, its modules run when a command imports them.
 *   B3  What is unchanged is not built again: bundles by esbuild's own speed, shims and the console's page by their sources' times.
 *   B4  A new dist/ appears file by file under a running host: files are replaced by rename and never written in place.
 * Elsewhere: types (tsc -b, which emits nothing that runs), the shim's compilers (packages/shim).
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { entryStub } from "./entry-stub.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
const at = (/** @type {string[]} */ ...parts) => join(root, ...parts);
const manifest = JSON.parse(readFileSync(at("package.json"), "utf8"));
const neededNode = manifest.engines.node.replace(/^>=/, "");

/** Bundles: entry → where it lands, one file each. Why the command line is CommonJS: ADR 51. */
const bundles = [
  { entry: "apps/cli/src/main.ts", name: "cli", format: /** @type {const} */ ("cjs") },
  {
    entry: "node_modules/@xterm/headless/lib-headless/xterm-headless.js",
    name: "xterm-headless",
    format: /** @type {const} */ ("cjs"),
  },
  { entry: "apps/mcp/src/index.ts", name: "mcp", format: /** @type {const} */ ("cjs") },
  { entry: "packages/relay/src/index.ts", name: "relay", format: /** @type {const} */ ("cjs") },
  { entry: "node_modules/@grpc/grpc-js/build/src/index.js", name: "grpc-js", format: /** @type {const} */ ("cjs") },
  { entry: "node_modules/httpxy/dist/index.mjs", name: "httpxy", format: /** @type {const} */ ("cjs") },
  { entry: "packages/sdk/src/node/login/index.ts", name: "login", format: /** @type {const} */ ("cjs") },
  { entry: "packages/sdk/src/node/runbook/index.ts", name: "runbook", format: /** @type {const} */ ("cjs") },
  { entry: "node_modules/jose/dist/webapi/index.js", name: "jose", format: /** @type {const} */ ("esm") },
  { entry: "packages/host/src/main.ts", name: "host", format: /** @type {const} */ ("esm") },
  { entry: "node_modules/ssh2/lib/index.js", name: "ssh2", format: /** @type {const} */ ("cjs") },
  { entry: "packages/host/src/terminal/worker.ts", name: "terminal-worker", format: /** @type {const} */ ("esm") },
  { entry: "packages/host/src/audit/worker.ts", name: "audit-worker", format: /** @type {const} */ ("esm") },
  { entry: "packages/host/src/mirror/worker.ts", name: "mirror-worker", format: /** @type {const} */ ("esm") },
  { entry: "packages/kernel/src/bridge/main.ts", name: "kernel-bridge", format: /** @type {const} */ ("esm") },
  { entry: "packages/host/src/mirror/read.ts", name: "mirror", format: /** @type {const} */ ("cjs") },
];

/** The terminal model is a third of the command line's code, and `hold attach` alone needs it, in a terminal of another size. */
const modelApart = {
  name: "model-apart",
  setup(/** @type {import("esbuild").PluginBuild} */ made) {
    made.onResolve({ filter: /^@xterm\/headless$/ }, () => ({ path: "./xterm-headless.cjs", external: true }));
  },
};

/** The MCP server brings its library and zod, ten times the rest: `hold mcp` alone loads it. */
const mcpApart = {
  name: "mcp-apart",
  setup(/** @type {import("esbuild").PluginBuild} */ made) {
    made.onResolve({ filter: /^@holdfast\/mcp$/ }, () => ({ path: "./mcp.cjs", external: true }));
  },
};

/** What people log in with: `hold login` alone loads it, and of the host's, the host that lets them. */
const loginApart = {
  name: "login-apart",
  setup(/** @type {import("esbuild").PluginBuild} */ made) {
    made.onResolve({ filter: /^@holdfast\/sdk\/login$/ }, () => ({ path: "./login.cjs", external: true }));
  },
};
/** Markdown, YAML and TOML are read by `hold runbook` alone. */
const runbookApart = {
  name: "runbook-apart",
  setup(/** @type {import("esbuild").PluginBuild} */ made) {
    made.onResolve({ filter: /^@holdfast\/sdk\/runbook\/node$/ }, () => ({ path: "./runbook.cjs", external: true }));
  },
};
const joseApart = {
  name: "jose-apart",
  setup(/** @type {import("esbuild").PluginBuild} */ made) {
    made.onResolve({ filter: /^jose$/ }, () => ({ path: "./jose.mjs", external: true }));
  },
};
/** SSH is for a host that was asked to listen for it: no other one reads its code. */
const sshApart = {
  name: "ssh-apart",
  setup(/** @type {import("esbuild").PluginBuild} */ made) {
    made.onResolve({ filter: /^ssh2$/ }, () => ({ path: "./ssh2.cjs", external: true }));
  },
};

/** A relay is run by `hold relay` alone; what dials one, gRPC with it, is loaded by who goes through one. */
const relayApart = {
  name: "relay-apart",
  setup(/** @type {import("esbuild").PluginBuild} */ made) {
    made.onResolve({ filter: /^@holdfast\/relay$/ }, () => ({ path: "./relay.cjs", external: true }));
  },
};
const grpcApart = {
  name: "grpc-apart",
  setup(/** @type {import("esbuild").PluginBuild} */ made) {
    made.onResolve({ filter: /^@grpc\/grpc-js$/ }, () => ({ path: "./grpc-js.cjs", external: true }));
  },
};

/** What leads a browser to a session's port: `hold preview` alone loads it. */
const proxyApart = {
  name: "proxy-apart",
  setup(/** @type {import("esbuild").PluginBuild} */ made) {
    made.onResolve({ filter: /^httpxy$/ }, () => ({ path: "./httpxy.cjs", external: true }));
  },
};

/** What reads a host's mirror, a host and NATS with it: for who has to. */
const mirrorApart = {
  name: "mirror-apart",
  setup(/** @type {import("esbuild").PluginBuild} */ made) {
    made.onResolve({ filter: /^@holdfast\/host\/mirror$/ }, () => ({ path: "./mirror.cjs", external: true }));
  },
};

const apart = new Map([
  ["mirror", [sshApart, grpcApart]],
  ["mirror-worker", [joseApart]],
  ["audit-worker", [grpcApart]],
  ["cli", [modelApart, mcpApart, loginApart, relayApart, grpcApart, proxyApart, mirrorApart, runbookApart]],
  ["host", [joseApart, sshApart, grpcApart]],
  ["relay", [grpcApart]],
]);

/** Native code of packages that do without it, and ZeroMQ, which the bridge to a kernel finds where it is installed (ADR 186). */
const natives = ["cpu-features", "*.node", "zeromq"];

/** Code of CommonJS packages inside an ESM bundle calls `require` for Node's own modules. */
const requireBanner =
  'import { createRequire as $createRequire } from "node:module"; const require = $createRequire(import.meta.url);';

/** Puts `bytes` at `path` if it holds something else: by rename, so that nobody sees half a file. */
function place(/** @type {string} */ path, /** @type {string | Uint8Array} */ bytes, mode = 0o644) {
  const wanted = Buffer.from(bytes);
  if (existsSync(path) && readFileSync(path).equals(wanted)) return;
  mkdirSync(dirname(path), { recursive: true });
  const part = `${path}.${process.pid}.part`;
  writeFileSync(part, wanted, { mode });
  renameSync(part, path);
}

/** Every file below `folder`, as paths relative to it; none if there is no such folder. */
function filesBelow(/** @type {string} */ folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => relative(folder, join(e.parentPath, e.name)))
    .sort();
}

async function bundle() {
  const inputs = new Set();
  const built = bundles.filter((b) => existsSync(at(b.entry)));
  for (const missing of bundles.filter((b) => !built.includes(b))) console.log(`  not there yet: ${missing.entry}`);
  await Promise.all(
    built.map(async (b) => {
      const isCommonJs = b.format === "cjs";
      const result = await build({
        entryPoints: { [b.name]: at(b.entry) },
        outdir: dist,
        absWorkingDir: root,
        outExtension: { ".js": isCommonJs ? ".cjs" : ".mjs" },
        bundle: true,
        write: false,
        metafile: true,
        format: b.format,
        platform: "node",
        target: `node${neededNode}`,
        // Names are kept in what writes a log, so that a stack trace there names real functions; a start pays for each byte that it reads.
        // And ssh2 asks its own objects for the names of their classes.
        minifyIdentifiers: isCommonJs && b.name !== "ssh2",
        plugins: apart.get(b.name) ?? [],
        external: natives,
        // Its other form asks for its parts in a way that no bundler follows.
        alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
        minifySyntax: true,
        minifyWhitespace: true,
        legalComments: "none",
        banner: isCommonJs ? {} : { js: requireBanner },
        define: {
          "process.env.HOLDFAST_VERSION": JSON.stringify(manifest.version),
          ...(isCommonJs
            ? { "import.meta.dirname": "__dirname", "import.meta.filename": "__filename", "import.meta.url": "__filename" }
            : {}),
        },
        // What is imported late from beside it is required: the code is run by dist/hold.cjs, which has no modules' loader.
        supported: { "dynamic-import": !isCommonJs },
        logLevel: "warning",
      });
      for (const file of result.outputFiles) place(file.path, isCommonJs ? named(file.contents) : file.contents);
      for (const input of Object.keys(result.metafile.inputs)) inputs.add(input);
    }),
  );
  if (built.some((b) => b.name === "cli")) place(join(dist, "hold.cjs"), entryStub(manifest.version, neededNode));
  dropFormerFiles();
  for (const input of await buildPage()) inputs.add(input);
  place(join(dist, "THIRD-PARTY-LICENSES.txt"), licences(inputs));
}

/** What the page's code comes from: it is a client, so all of the sdk's rooms are in it. */
const pageSources = ["apps/console", "packages/sdk", "packages/kernel", "packages/carrier", "packages/core", "packages/protocol"];
/** Smaller ones are not worth another file. */
const COMPRESSED_FROM = 1024;

/**
 * B3. dist/console, with what is text also compressed, for the hosts and relays that serve it, and dist/terminal, for pages of others. Answers with the files that went into it.
 * @returns {Promise<string[]>}
 */
async function buildPage() {
  const [out, stamp] = [join(dist, "console"), at(".build", "console.json")];
  const wanted = sourcesHash(pageSources);
  /** @type {string[]} */
  let before = [];
  if (existsSync(stamp) && existsSync(join(out, "index.html")) && existsSync(join(dist, "terminal", "hold-terminal.js"))) {
    const { hash, inputs, names = [] } = JSON.parse(readFileSync(stamp, "utf8"));
    if (hash === wanted) return inputs;
    before = names;
  }
  const { build: buildWithVite } = await import("vite");
  const made = await buildWithVite({ root: at("apps/console"), logLevel: "warn", build: { write: false } });
  const { output } = /** @type {import("vite").Rolldown.RolldownOutput} */ (made);
  if (process.argv.includes("--clean")) rmSync(out, { recursive: true, force: true });
  const own = filesBelow(at("apps/console/public")).map((name) => ({
    name,
    bytes: readFileSync(at("apps/console/public", name)),
  }));
  const files = output.map((file) => ({
    name: file.fileName,
    bytes: Buffer.from(file.type === "chunk" ? file.code : file.source),
  }));
  // The page that names the others comes last (B4).
  for (const { name, bytes } of [...own, ...files].sort(
    (a, b) => Number(a.name === "index.html") - Number(b.name === "index.html"),
  )) {
    if (/\.(js|css|html|svg|webmanifest)$/.test(name) && bytes.length >= COMPRESSED_FROM) {
      place(join(out, `${name}.br`), brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
      place(join(out, `${name}.gz`), gzipSync(bytes, { level: 9 }));
    }
    place(join(out, name), bytes);
  }
  const { buildElement } = await import("./terminal-element.mjs");
  const element = await buildElement(null);
  place(join(dist, "terminal", "hold-terminal.js"), element.code);
  const inputs = output
    .flatMap((file) => (file.type === "chunk" ? file.moduleIds : []))
    .map((id) => relative(root, id))
    .concat(element.inputs);
  const names = [...own, ...files].map(({ name }) => name);
  dropOldPages(out, [...names, ...before]);
  place(stamp, JSON.stringify({ hash: wanted, inputs, names }));
  return inputs;
}

/** A page that is open may still fetch what the build before this one named; nothing names older ones. */
function dropOldPages(/** @type {string} */ folder, /** @type {string[]} */ kept) {
  const wanted = new Set(kept.flatMap((name) => [name, `${name}.br`, `${name}.gz`]));
  for (const name of filesBelow(folder)) if (!wanted.has(name)) rmSync(join(folder, name));
}

/** Of all files below `folders`, with what the lock file says of packages. */
function sourcesHash(/** @type {string[]} */ folders) {
  const hash = createHash("sha256").update(readFileSync(at("package-lock.json")));
  for (const folder of folders)
    for (const name of filesBelow(at(folder)))
      if (!name.includes("node_modules")) hash.update(`${folder}/${name}`).update(readFileSync(at(folder, name)));
  return hash.digest("hex");
}

/** What builds of before ADR 51 left, for a package to be without: a `hold attach` of theirs that runs loads chunks late. */
function dropFormerFiles() {
  if (!process.argv.includes("--clean")) return;
  for (const former of ["hold.mjs", "cli"]) rmSync(join(dist, former), { recursive: true, force: true });
}

/** With a hash of it in the first line, after which what V8 compiles of it is called (scripts/entry-stub.mjs, E1). */
function named(/** @type {Uint8Array} */ code) {
  return `//${createHash("sha256").update(code).digest("hex").slice(0, 32)}\n${Buffer.from(code).toString()}`;
}

/** The licences of what the bundles contain: most ask to be carried along. */
function licences(/** @type {Set<string>} */ inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) packages.add(found[1]);
  }
  const parts = [...packages].sort().map((folder) => {
    // ssh2 has them in the form of before: a list.
    const {
      name,
      version,
      licenses,
      license = licenses?.[0]?.type,
    } = JSON.parse(readFileSync(at(folder, "package.json"), "utf8"));
    const file = readdirSync(at(folder)).find((f) => /^licen[cs]e/i.test(f));
    return `${name} ${version} (${license})\n\n${file ? readFileSync(at(folder, file), "utf8").trim() : `Licence: ${license}`}\n`;
  });
  return `Holdfast's bundles contain code of these packages.\n\n${parts.join(`\n${"-".repeat(78)}\n\n`)}`;
}

/** Shell integration scripts are data: copied as they are, and what is gone from the source goes here too. */
function copyShellScripts() {
  const from = at("packages/host/src/shell/scripts");
  const to = join(dist, "shell");
  const wanted = filesBelow(from);
  for (const name of wanted) place(join(to, name), readFileSync(join(from, name)), statSync(join(from, name)).mode & 0o777);
  for (const name of filesBelow(to)) if (!wanted.includes(name)) rmSync(join(to, name));
}

/** Builds the shims with their package's own script when a source or the set of compilers changed since. */
function shims() {
  const source = at("packages/shim/src/c");
  const script = at("packages/shim/build.mjs");
  const hash = createHash("sha256").update(process.env.CC ?? "");
  for (const name of filesBelow(source)) hash.update(name).update(readFileSync(join(source, name)));
  hash.update(readFileSync(script));
  const folders = (process.env.PATH ?? "").split(delimiter);
  for (const compiler of ["x86_64-linux-gnu-gcc", "aarch64-linux-gnu-gcc"]) {
    if (folders.some((folder) => existsSync(join(folder, compiler)))) hash.update(compiler);
  }
  const stamp = join(dist, "shim", ".sources");
  const wanted = hash.digest("hex");
  const own = join(dist, "shim", `${process.platform}-${process.arch}`, "holdfast-shim");
  if (existsSync(own) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  const made = spawnSync(process.execPath, [script, join(dist, "shim")], { stdio: "inherit", cwd: root });
  if (made.status !== 0) {
    throw new Error(
      `[shim_build_failed] ${relative(root, script)} ended with ${made.status}; it needs a C compiler: install gcc or clang (Debian: apt-get install gcc libc6-dev) and run \`npm run build\` again`,
    );
  }
  place(stamp, wanted);
}

const startedAt = process.hrtime.bigint();
try {
  shims();
  copyShellScripts();
  await bundle();
} catch (error) {
  if (error instanceof Error && error.message.startsWith("[")) console.error(error.message);
  else if (!(error instanceof Error && "errors" in error)) throw error;
  process.exit(1);
}
console.log(`built dist/ in ${Number((process.hrtime.bigint() - startedAt) / 1_000_000n)} ms`);
