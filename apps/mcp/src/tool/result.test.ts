import { expect, test } from "vitest";
import { HoldError } from "@holdfast/sdk";
import { limits } from "../text/limits.ts";
import { answer, type Facts, fitting, refusal, sizeOf } from "./result.ts";

const long = (n: number): string => `${'"'.repeat(1_999)}${n}`;

test.each([
  ["quotes", Array.from({ length: 20 }, (_, n) => long(n))],
  ["what takes three bytes a character", Array.from({ length: 20 }, () => "語".repeat(2_000))],
])("facts alone never make a result too large: %s", (_, command) => {
  const result = answer({ id: "s1", command });
  expect(sizeOf(result)).toBeLessThanOrEqual(limits.resultBytes);
  expect((result.structuredContent["command"] as string[]).every((word) => word.length >= 32)).toBe(true);
  expect(result.structuredContent["id"]).toBe("s1");
});

test("a list gives whole items as long as they fit, and at least one, so that a page always goes on", () => {
  const told = (items: readonly Facts[], left: number): Facts => ({ items, left });
  const small = fitting(
    Array.from({ length: 50 }, (_, n) => ({ n, text: "x".repeat(500) })),
    told,
  ).structuredContent as { items: { text: string }[]; left: number };
  expect(small.items.length + small.left).toBe(50);
  expect(small.items.every((i) => i.text.length === 500)).toBe(true);
  const huge = fitting([{ words: Array.from({ length: 40 }, (_, n) => long(n)) }, { words: [] }], told);
  expect(sizeOf(huge)).toBeLessThanOrEqual(limits.resultBytes);
  expect(huge.structuredContent["items"]).toHaveLength(1);
});

test("whom the host has no room for is not told to correct the call", () => {
  const step = (code: "too_many" | "disk_full" | "bad_request"): unknown =>
    refusal(new HoldError(code, "so it is")).structuredContent["next_step"];
  for (const code of ["too_many", "disk_full"] as const) expect(step(code)).toMatch(/try again/);
  expect(step("bad_request")).toMatch(/correct the call/);
});
