/**
 * `npm run claims`: the scenarios of docs/claims.md on Holdfast, tmux and Jupyter Server, and how fast a person takes the floor from an AI.
 *
 *   R1  Everything in the page's tables comes from a run; --report writes what the last one found and nothing else.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { asMarkdown, asText } from "./report.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const page = join(root, "docs", "claims.md");
const usage = `npm run claims -- [options]

  --quick           the sizes of the test suite: about a minute
  --report [FILE]   run nothing; put the tables of a run into docs/claims.md
  --out FILE        where what was found goes (default .build/claims/latest.json)
`;

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
    out: { type: "string", default: join(root, ".build", "claims", "latest.json") },
    help: { type: "boolean", default: false },
  },
});

function writeReport(/** @type {any} */ run) {
  const text = readFileSync(page, "utf8");
  const [begin, end] = ["<!-- found: begin -->", "<!-- found: end -->"];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`[no_place] ${page} has no lines ${begin} and ${end}`);
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n\n${asMarkdown(run)}\n\n${text.slice(to)}`);
  console.log(`wrote the tables into ${page}`);
}

/** Runs test files and gives what they wrote; null when nothing was. @returns {any} */
function found(/** @type {string} */ name, /** @type {string} */ file) {
  const out = join(root, ".build", "claims", `${name}.json`);
  mkdirSync(dirname(out), { recursive: true });
  // R1: what an earlier run left is not what this one found.
  rmSync(out, { force: true });
  const size = given.quick ? "short" : "long";
  const done = spawnSync("vitest", ["run", "--project", "integration", "--project", "alone", file], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, HOLDFAST_CLAIMS: size, HOLDFAST_CLAIMS_OUT: out },
  });
  if (done.status !== 0) process.exitCode = 1;
  return existsSync(out) ? JSON.parse(readFileSync(out, "utf8")) : null;
}

function main() {
  if (given.help) return console.log(usage);
  if (given.report) return writeReport(JSON.parse(readFileSync(positionals[0] ?? given.out, "utf8")));
  const findings = found("findings", "test/claims/claims.int.test.ts");
  const takeover = found("takeover", "test/claims/takeover.int.test.ts");
  const commit = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).stdout.trim();
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? "?"}, Linux ${release()}, Node ${process.version.slice(1)}`;
  const run = { at: Date.now(), quick: given.quick, commit, machine, load: loadavg(), findings, takeover };
  mkdirSync(dirname(resolve(given.out)), { recursive: true });
  writeFileSync(given.out, `${JSON.stringify(run, null, 1)}\n`);
  console.log(`\n${asText(run)}\n\nfound: ${given.out}; npm run claims -- --report puts it into docs/claims.md`);
}

main();
