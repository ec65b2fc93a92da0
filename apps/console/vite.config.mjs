/** The page: static files in dist/console, which a host or a relay serves (docs/console.md). No inline script, no other origin. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import react from "@vitejs/plugin-react";
import { build, defineConfig } from "vite";

const here = import.meta.dirname;

/** The worker that keeps the page: one script of its own, with the list of what was built beside it (worker/worker.ts, S1). */
function worker() {
  return {
    name: "worker",
    apply: /** @type {const} */ ("build"),
    generateBundle: {
      order: /** @type {const} */ ("post"),
      /** @this {import("vite").Rolldown.PluginContext} */
      async handler(/** @type {unknown} */ _, /** @type {import("vite").Rolldown.OutputBundle} */ bundle) {
        const made = Object.values(bundle).map((file) => ({
          path: `/${file.fileName}`,
          bytes: file.type === "chunk" ? file.code : file.source,
        }));
        const own = readdirSync(join(here, "public")).map((name) => ({
          path: `/${name}`,
          bytes: readFileSync(join(here, "public", name)),
        }));
        const files = [...made, ...own].sort((a, b) => (a.path < b.path ? -1 : 1));
        const hash = createHash("sha256");
        for (const { path, bytes } of files) hash.update(path).update(bytes);
        const page = { version: hash.digest("hex").slice(0, 16), files: files.map(({ path }) => path) };
        this.emitFile({ type: "asset", fileName: "worker.js", source: await script(page) });
      },
    },
  };
}

/** The page's words are English: what React Aria says in thirty other languages goes, and it says it in English where it finds no other. */
function englishAlone() {
  return {
    name: "english-alone",
    enforce: /** @type {const} */ ("pre"),
    load: {
      filter: { id: /\/react-(?:aria|aria-components|stately)\/.*\/intl\/(?:.*\/)?(?!en-US)[a-z]{2}-[A-Z]{2}\.m?js$/ },
      handler: () => "export default undefined;",
    },
  };
}

async function script(/** @type {object} */ page) {
  const built = await build({
    ...{ root: here, configFile: false, logLevel: "warn", publicDir: false },
    define: { PAGE: JSON.stringify(page) },
    build: {
      ...{ write: false, target: "es2024" },
      rolldownOptions: { input: join(here, "worker", "worker.ts"), output: { format: "iife", entryFileNames: "worker.js" } },
    },
  });
  const { output } = /** @type {import("vite").Rolldown.RolldownOutput} */ (built);
  return output[0].code;
}

export default defineConfig({
  plugins: [react(), englishAlone(), worker()],
  build: {
    outDir: "../../dist/console",
    emptyOutDir: true,
    target: "es2024",
    // A data URL in a style or a script would need a wider policy than the page has.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
