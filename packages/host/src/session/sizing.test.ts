/** Whose size a session has, and how often it changes (T-28). */
import { EventBodySchema, fromBinary } from "@holdfast/protocol";
import { simulate } from "@holdfast/testkit";
import { expect, test } from "vitest";
import { OUTPUT_KIND } from "./record.ts";

test("of sizes that come faster than anybody could see, the first is taken at once, twenty a second after it, and the newest at last", async () => {
  const world = await simulate({ seed: 81 });
  const ana = await world.attached("ana", { size: { cols: 80, rows: 24 } });
  await world.advance(500);
  const asked = (): number[] =>
    world.entries().flatMap((e) => {
      if ("gap" in e || e.kind === OUTPUT_KIND) return [];
      const { kind } = fromBinary(EventBodySchema, e.meta);
      return kind.case === "resizeAsked" ? [kind.value.size!.cols] : [];
    });
  const before = asked().length;
  for (let n = 0; n < 2_000; n++) {
    ana.attachment!.resize({ cols: 100 + (n % 200), rows: 30 });
    if (n % 2 === 1) await world.advance(1);
  }
  await world.advance(500);
  const taken = asked().slice(before);
  expect(taken[0]).toBe(100);
  expect(taken.at(-1)).toBe(299);
  expect(taken.length).toBeGreaterThan(10);
  expect(taken.length).toBeLessThanOrEqual(22);
  expect(world.live.facts.size).toEqual({ cols: 299, rows: 30 });
  expect(world.violations).toEqual([]);
});
