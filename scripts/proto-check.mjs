/** `npm run proto:check`: the schema keeps buf's rules, and the committed types are what it generates. */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const fresh = join(root, ".build", "proto-check");

function run(/** @type {string} */ command, /** @type {string[]} */ args, /** @type {string} */ next) {
  const done = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  if (done.status === 0) return;
  console.error(`${done.stdout ?? ""}${done.stderr ?? done.error ?? ""}${next}`);
  process.exit(1);
}

run(
  process.execPath,
  [join(root, "scripts", "proto.mjs"), fresh],
  "[schema_refused] proto/ breaks a rule or does not generate: see above",
);
run(
  "diff",
  ["-rq", fresh, join(root, "packages", "protocol", "src", "wire")],
  "[types_stale] packages/protocol/src/wire is not what proto/ generates: run `npm run proto` and commit it",
);
console.log("the wire types are what the schema generates");
