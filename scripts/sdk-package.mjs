/**
 * `npm run sdk:package`: what is published as `@holdfast/sdk`, in .build/sdk: the code of the workspaces that it is made of, bundled, with
 * their types beside it, so that the package needs no other.
 *
 *   S1  The root and the Node subpath share their code: an error of one is an instance of the other's class.
 *   S2  The root runs in a page: no module of Node's is reached from it, nor asked for.
 *   S3  `<hold-terminal>` is here and no package of its own: it takes the SDK's clients and gives the SDK's types, so it has the SDK's version, and a page
 *       that imports both has one SDK. Who does not import it has nothing of it.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildElement } from "./terminal-element.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const types = join(root, ".build", "types");
const out = join(root, ".build", "sdk");
const source = JSON.parse(readFileSync(join(root, "packages/sdk/package.json"), "utf8"));
const whole = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
/** Workspaces whose types the SDK's are made of. */
const parts = ["sdk", "protocol", "core", "carrier", "kernel", "notebook", "runbook"];

/** Where a workspace's types are, by what importers call them. */
function exportsOf(/** @type {string} */ part) {
  const { name, exports } = JSON.parse(readFileSync(join(root, "packages", part, "package.json"), "utf8"));
  return Object.entries(exports).map(([subpath, file]) => ({
    specifier: subpath === "." ? name : `${name}${subpath.slice(1)}`,
    file: join(out, "types", part, String(file).replace("./src/", "").replace(/\.ts$/, ".js")),
  }));
}
const known = new Map(parts.flatMap(exportsOf).map(({ specifier, file }) => [specifier, file]));
/** What the generated types mention of the library that reads and writes the wire: a file that imports no other. */
known.set("@bufbuild/protobuf/wire", join(out, "types", "binary-encoding.js"));

/** Type files import each other by relative names that end in .js, as NodeNext wants them. */
function copyTypes(/** @type {string} */ part) {
  const from = join(types, part);
  for (const name of readdirSync(from, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".d.ts"))) {
    const to = join(out, "types", part, name);
    const text = readFileSync(join(from, name), "utf8").replaceAll(
      /(from |import\()"([^"]+)"/g,
      (_, before, /** @type {string} */ specifier) => {
        const file = known.get(specifier);
        if (specifier.startsWith("@holdfast/") && !file)
          throw new Error(`${name} imports ${specifier}, which is not in the package`);
        const short = file ? relative(dirname(to), file) : specifier.replace(/\.ts$/, ".js");
        return `${before}"${file && !short.startsWith(".") ? `./${short}` : short}"`;
      },
    );
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, text);
  }
}

const typed = spawnSync("tsc", ["-b", "packages/sdk", "apps/console"], { cwd: root, stdio: "inherit" });
if (typed.status !== 0) process.exit(1);
rmSync(out, { recursive: true, force: true });
for (const part of parts) copyTypes(part);
copyFileSync(
  join(root, "node_modules/@bufbuild/protobuf/dist/esm/wire/binary-encoding.d.ts"),
  join(out, "types", "binary-encoding.d.ts"),
);
const common = {
  bundle: true,
  splitting: true,
  format: /** @type {const} */ ("esm"),
  target: "es2023",
  legalComments: /** @type {const} */ ("eof"),
  absWorkingDir: root,
  external: ["node:*"],
  // Its other form asks for its parts in a way that no bundler follows.
  alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
};
/** `ws` is CommonJS inside and asks for Node's own modules: it gets them without a `require`, which would have to stand in every file. */
const builtins = {
  name: "builtins-by-name",
  setup(/** @type {import("esbuild").PluginBuild} */ made) {
    const namespace = "node-builtin";
    made.onResolve({ filter: /^[a-z_/:]+$/ }, ({ path, kind }) =>
      kind === "require-call" && isBuiltin(path) ? { path: path.replace(/^node:/, ""), namespace } : undefined,
    );
    made.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule("node:${path}");`,
    }));
  },
};
await build({
  ...common,
  platform: "node",
  entryPoints: {
    index: "packages/sdk/src/index.ts",
    node: "packages/sdk/src/node/index.ts",
    login: "packages/sdk/src/node/login/index.ts",
    preview: "packages/sdk/src/node/preview/index.ts",
    notebook: "packages/sdk/src/notebook/index.ts",
    runbook: "packages/sdk/src/runbook/index.ts",
    "runbook-node": "packages/sdk/src/node/runbook/index.ts",
  },
  outdir: join(out, "dist"),
  plugins: [builtins],
});
// S3.
writeFileSync(join(out, "dist", "terminal.js"), (await buildElement("./index.js")).code);
mkdirSync(join(out, "types", "terminal"));
for (const name of ["index.d.ts", "public.d.ts"]) {
  const text = readFileSync(join(types, "console", "element", name), "utf8");
  const named = text.replaceAll('"@holdfast/sdk"', '"../sdk/index.js"').replaceAll('.ts";', '.js";');
  writeFileSync(join(out, "types", "terminal", name), named);
}
writeFileSync(
  join(out, "package.json"),
  `${JSON.stringify(
    {
      name: source.name,
      version: source.version,
      description:
        "Attach to live sessions that outlive their clients: shells, jobs and programs that people and AI agents share.",
      license: source.license,
      type: "module",
      engines: whole.engines,
      exports: {
        ".": { types: "./types/sdk/index.d.ts", default: "./dist/index.js" },
        "./node": { types: "./types/sdk/node/index.d.ts", default: "./dist/node.js" },
        "./login": { types: "./types/sdk/node/login/index.d.ts", default: "./dist/login.js" },
        "./terminal": { types: "./types/terminal/index.d.ts", default: "./dist/terminal.js" },
        "./preview": { types: "./types/sdk/node/preview/index.d.ts", default: "./dist/preview.js" },
        "./notebook": { types: "./types/sdk/notebook/index.d.ts", default: "./dist/notebook.js" },
        "./runbook": { types: "./types/sdk/runbook/index.d.ts", default: "./dist/runbook.js" },
        "./runbook/node": { types: "./types/sdk/node/runbook/index.d.ts", default: "./dist/runbook-node.js" },
      },
      files: ["dist", "types"],
      sideEffects: ["./dist/terminal.js"],
    },
    null,
    2,
  )}\n`,
);
copyFileSync(join(root, "packages/sdk/README.md"), join(out, "README.md"));
copyFileSync(join(root, "LICENSE"), join(out, "LICENSE"));
console.log(`packed the parts of ${source.name} ${source.version} in ${relative(resolve("."), out)}`);
