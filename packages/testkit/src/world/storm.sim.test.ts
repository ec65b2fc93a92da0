/** Worlds in a storm. */
import { expect, test } from "vitest";
import { storm } from "./storm.ts";

test("the same seed gives the same trace, byte for byte", async () => {
  for (const seed of [3, 4]) {
    const first = await storm(seed);
    const second = await storm(seed);
    expect(second.hash).toBe(first.hash);
    expect(first.world.traceCount).toBeGreaterThan(100);
  }
});
