/** `npm run soak [SEEDS]`: the simulation over many seeds (10,000 by default), for a night and not for CI. */
import { spawnSync } from "node:child_process";

const seeds = process.argv[2] ?? "10000";
const done = spawnSync("vitest", ["run", "--project", "simulation", "--testTimeout=0"], {
  stdio: "inherit",
  env: { ...process.env, HOLDFAST_SEEDS: seeds },
});
process.exitCode = done.status ?? 1;
