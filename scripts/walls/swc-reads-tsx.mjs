/** dependency-cruiser reads every file without JSX ("TODO: tsx"), so a view of the console would not parse. Imported before it, and before swc. */
import { createRequire } from "node:module";

const swc = createRequire(import.meta.url)("@swc/core");
const { parseFileSync } = swc;
swc.parseFileSync = (/** @type {string} */ file, /** @type {object} */ options) =>
  parseFileSync(file, { ...options, tsx: file.endsWith("x") });
