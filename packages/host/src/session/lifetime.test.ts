import { UnixMs } from "@holdfast/core";
import { simulate } from "@holdfast/testkit";
import { expect, test } from "vitest";
import { begin, left, look } from "./lifetime.ts";

const WALL = 1_000_000_000;
const facts = (ttlMs: number, idleTtlMs: number, lastActivityAt = WALL, createdAt = WALL) => ({
  ttlMs,
  idleTtlMs,
  createdAt: UnixMs(createdAt),
  lastActivityAt: UnixMs(lastActivityAt),
});

test("a session without a time to live has no lifetime", () => {
  expect(begin(facts(0, 0), { wallMs: WALL, monoMs: 0 })).toBeNull();
});

test("the first of both ends it", () => {
  const f = facts(5_000, 3_000);
  const life = begin(f, { wallMs: WALL, monoMs: 100 })!;
  expect(left(life, f, 100)).toEqual({ ms: 3_000, by: "idle-ttl" });
  expect(left(look(life, facts(5_000, 3_000, WALL + 2_500), { wallMs: WALL + 2_600, monoMs: 2_700 }), f, 2_700)).toEqual({
    ms: 2_400,
    by: "ttl",
  });
});

test("a restarted host counts what passed before it", () => {
  const f = facts(10_000, 0);
  expect(left(begin(f, { wallMs: WALL + 7_000, monoMs: 50 })!, f, 50).ms).toBe(3_000);
});

test("a clock that is set forward or back in between changes nothing", () => {
  const f = facts(10_000, 4_000);
  for (const jump of [86_400_000, -86_400_000]) {
    let life = begin(f, { wallMs: WALL, monoMs: 0 })!;
    life = look(life, f, { wallMs: WALL + 1_000 + jump, monoMs: 1_000 });
    expect(left(life, f, 1_000)).toEqual({ ms: 3_000, by: "idle-ttl" });
    // Activity after the jump, told by the clock that jumped.
    const active = facts(10_000, 4_000, WALL + 2_000 + jump);
    life = look(life, active, { wallMs: WALL + 2_500 + jump, monoMs: 2_500 });
    expect(left(life, active, 2_500)).toEqual({ ms: 3_500, by: "idle-ttl" });
  }
});

test("a session lives its time though somebody sets the clock a year on, and ends by its policy", async () => {
  const world = await simulate({ seed: 61, open: { ttlMs: 60_000 } });
  world.scheduler.jumpWall(365 * 86_400_000);
  await world.advance(50_000);
  expect(world.live.isOver).toBe(false);
  await world.advance(20_000);
  expect(world.live.isOver).toBe(true);
  expect(world.violations).toEqual([]);
});

test("a time that is over while the journal can't be written crashes nothing, and ends the session once it can", async () => {
  const world = await simulate({ seed: 62, open: { ttlMs: 20_000 } });
  world.disk.isReadOnly = true;
  world.shim.prints(Buffer.from("x"));
  await world.advance(60_000);
  expect(world.violations).toEqual([]);
  expect(world.live.isOver).toBe(false);
  world.disk.isReadOnly = false;
  await world.advance(2_000);
  world.live.thawed();
  await world.advance(20_000);
  expect(world.live.isOver).toBe(true);
});
