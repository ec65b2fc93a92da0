/** `npm run proto:check`: the schema keeps buf's rules, and the committed types are what it generates. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const fresh = join(root, ".build", "proto-check");

function run(/** @type {string} */ command, /** @type {string[]} */ args, /** @type {string} */ next) {
  const done = spawnSync(command, args, { cwd: join(root, "proto"), encoding: "utf8" });
  if (done.status === 0) return;
  console.error(`${done.stdout ?? ""}${done.stderr ?? done.error ?? ""}${next}`);
  process.exit(1);
}

rmSync(fresh, { recursive: true, force: true });
mkdirSync(join(fresh, "proto"), { recursive: true });
run("buf", ["lint"], "[schema_refused] proto/ breaks a rule of buf's: see above");
run("buf", ["generate", "--output", join(fresh, "proto")], "[schema_refused] proto/ does not generate: see above");
const gen = ["packages", "protocol", "gen"];
run(
  "diff",
  ["-rq", join(fresh, ...gen), join(root, ...gen)],
  "[types_stale] packages/protocol/gen is not what proto/ generates: run `npm run proto` and commit it",
);
console.log("the wire types are what the schema generates");
