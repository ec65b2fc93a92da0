/** Worlds in a storm: a fixed set of seeds in CI, more with `npm run soak -- N`, one with HOLDFAST_SEED=S. */
import { expect, test } from "vitest";
import { storm } from "./storm.ts";

const MORE = Number(process.env["HOLDFAST_SEEDS"] ?? 0);
const ONE = process.env["HOLDFAST_SEED"];
const FIXED = 150;
const seeds = ONE ? [Number(ONE)] : Array.from({ length: FIXED + MORE }, (_, i) => i + 1);

test(`${seeds.length} worlds keep every promise, whatever breaks`, { timeout: MORE > 0 ? 0 : 120_000 }, async () => {
  const failed: string[] = [];
  for (const seed of seeds) {
    const { world } = await storm(seed);
    if (world.violations.length > 0) failed.push(world.report());
    if (failed.length >= 3) break;
  }
  expect(failed.join("\n\n")).toBe("");
});

test("the same seed gives the same trace, byte for byte", async () => {
  let lines = 0;
  for (const seed of [1, 2, 16, 46, 112]) {
    const first = await storm(seed);
    const second = await storm(seed);
    expect(second.hash, `seed ${seed}`).toBe(first.hash);
    lines += first.world.traceCount;
  }
  expect(lines).toBeGreaterThan(500);
});
