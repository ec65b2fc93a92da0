/**
 * The lock file fits package.json for every platform, and names no registry: `npm ci` in a fresh clone works with
 * whichever registry npm is configured for. An `npm install` beside an existing node_modules/ can break the first.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
const addressed = Object.keys(packages).filter((name) => !packages[name].link && packages[name].resolved);
if (addressed.length > 0) {
  console.error(
    `[lock_names_registry] ${addressed.length} entries carry a download address, first ${addressed[0]}: npm install with the .npmrc of this folder`,
  );
  process.exit(1);
}
const dry = spawnSync("npm", ["ci", "--dry-run", "--ignore-scripts", "--prefer-offline"], { cwd: root, encoding: "utf8" });
if (dry.status !== 0) {
  console.error(
    dry.stderr
      .split("\n")
      .filter((line) => /Missing|Invalid|in sync/.test(line))
      .slice(0, 12)
      .join("\n"),
  );
  console.error(
    "[lock_out_of_step] package-lock.json does not fit package.json: run `rm package-lock.json && npm install --package-lock-only` in a copy without node_modules/, and take its lock",
  );
  process.exit(1);
}
console.log("the lock file fits and names no registry");
