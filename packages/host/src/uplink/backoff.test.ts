import { expect, test } from "vitest";
import { waitMs } from "./backoff.ts";

test("a line that had held is dialled again in a quarter of a second, one that is not to be had ever more seldom, and never at a known moment", () => {
  expect([waitMs(0, 0), waitMs(0, 1)]).toEqual([125, 250]);
  for (let failures = 1; failures < 100; failures++) {
    const [least, most] = [waitMs(failures, 0), waitMs(failures, 1)];
    expect(least).toBeGreaterThanOrEqual(waitMs(failures - 1, 0));
    expect(most).toBe(2 * least);
    expect(most).toBeLessThanOrEqual(15_000);
  }
  expect(waitMs(10_000, 1)).toBe(15_000);
});

test("a relay that is away for minutes is dialled some ten times in its first minute, and less than that after it", () => {
  const dialledAt: number[] = [];
  let at = 0;
  for (let failures = 0; at < 180_000; failures++) {
    at += waitMs(failures, 0.5);
    dialledAt.push(at);
  }
  expect(dialledAt.filter((t) => t < 60_000).length).toBeLessThanOrEqual(10);
  expect(dialledAt.filter((t) => t >= 60_000 && t < 120_000).length).toBeLessThanOrEqual(10);
});
