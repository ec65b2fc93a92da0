/**
 * `npm run verify`: everything CI asks, in the order in which it is cheapest to fail.
 *
 *   V1  Each step is a command that can be run alone; a failure names it.
 *   V2  Stops at the first failure. The last line is always `N passed, N failed`, over all suites.
 *   V3  A suite that counts no test at all is a failure: it would look green and prove nothing.
 *   V4  A test of `integration` that fails is tried once more, in no other suite; which ones needed that is told at its end (second-tries.mjs).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const reports = join(root, ".build", "verify");
const suite = (/** @type {string} */ name) => ({ name, suite: true });
const script = (/** @type {string} */ name) => ({ name, suite: false });
const steps = [
  ...["lock:check", "proto:check", "format:check", "types", "lint", "walls", "knip", "build", "page:check"].map(script),
  ...["unit", "property", "simulation", "integration", "docs"].map(suite),
  script("pack:check"),
  script("sdk:check"),
];

const count = { passed: 0, failed: 0 };
const empty = [];
let failed = "";
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });

for (const step of steps) {
  const report = join(reports, `${step.name}.json`);
  const again = step.name === "integration" ? ["--retry=1", "--reporter=./scripts/second-tries.mjs"] : [];
  const more = step.suite ? ["--", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...again] : [];
  console.log(`\n── ${step.name}`);
  const startedAt = process.hrtime.bigint();
  const done = spawnSync("npm", ["run", "--silent", step.name, ...more], { cwd: root, stdio: "inherit" });
  const seconds = Number((process.hrtime.bigint() - startedAt) / 100_000_000n) / 10;
  let told = "";
  if (step.suite && existsSync(report)) {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8"));
    count.passed += numPassedTests;
    count.failed += numFailedTests;
    told = `, ${numPassedTests} passed, ${numFailedTests} failed`;
    if (numPassedTests + numFailedTests === 0) empty.push(step.name);
  }
  console.log(`── ${step.name}: ${done.status === 0 ? "ok" : "FAILED"} in ${seconds} s${told}`);
  if (done.status !== 0) {
    failed = step.name;
    break;
  }
}

if (failed) console.log(`\n[verify_failed] ${failed}: run it again with \`npm run ${failed}\``);
else if (empty.length > 0) console.log(`\n[no_tests] these suites counted none: ${empty.join(", ")}`);
console.log(`\n${count.passed} passed, ${count.failed} failed`);
process.exitCode = failed || empty.length > 0 ? 1 : 0;
