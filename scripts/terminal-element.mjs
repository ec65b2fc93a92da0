/**
 * `<hold-terminal>` as one ES module (docs/terminal-element.md), of the console's sources: in dist/terminal with all that it needs, for a page that has no
 * bundler, and in the SDK's package beside the SDK that it shares.
 */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { build } from "vite";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/**
 * `sdk`: where the module finds the SDK; null: it has it within.
 * @returns {Promise<{ code: string, inputs: string[] }>} inputs: relative to the repository
 */
export async function buildElement(/** @type {string | null} */ sdk) {
  const entry = join(root, "apps", "console", "src", "element", "index.ts");
  const outside = sdk === null ? {} : { external: ["@holdfast/sdk"], output: { paths: { "@holdfast/sdk": sdk } } };
  const made = await build({
    ...{ root: join(root, "apps", "console"), configFile: false, publicDir: false, logLevel: "warn" },
    build: {
      ...{ write: false, target: "es2024", minify: true, lib: { entry, formats: ["es"], fileName: "hold-terminal" } },
      rolldownOptions: outside,
    },
  });
  const [{ output }] = /** @type {[import("vite").Rolldown.RolldownOutput]} */ (made);
  const [chunk, ...others] = output;
  if (others.length > 0) throw new Error(`the element is one file, not also ${others.map((file) => file.fileName).join(", ")}`);
  // Vite leaves the blanks of a library to whoever bundles it; not everybody does.
  const { code } = await transform(chunk.code, { minify: true, format: "esm", target: "es2024", legalComments: "none" });
  const licence = readFileSync(join(root, "node_modules", "@xterm", "xterm", "LICENSE"), "utf8").trim();
  return {
    code: `/*! It contains xterm.js and its add-ons.\n${licence}\n*/\n${code}`,
    inputs: chunk.moduleIds.map((id) => relative(root, id)),
  };
}
