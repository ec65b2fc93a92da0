/**
 * For a night and not for CI:
 *   npm run soak [-- SEEDS]           the simulation over many seeds, 10,000 by default
 *   npm run soak -- frames [FRAMES]   four operators' frames over breaking links and dying hosts, 1,000,000 by default
 */
import { spawnSync } from "node:child_process";

const [what = "10000", frames = "1000000"] = process.argv.slice(2);
const run =
  what === "frames"
    ? {
        args: ["integration", "test/integration/operators.int.test.ts"],
        env: { HOLDFAST_SOAK: "1", HOLDFAST_FRAMES: String(Number(frames) / 4) },
      }
    : { args: ["simulation"], env: { HOLDFAST_SEEDS: what } };
const done = spawnSync("vitest", ["run", "--testTimeout=0", "--project", ...run.args], {
  stdio: "inherit",
  env: { ...process.env, ...run.env },
});
process.exitCode = done.status ?? 1;
