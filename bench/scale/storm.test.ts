import { expect, test } from "vitest";
import { type Scene, storm } from "./storm.ts";

const scene: Scene = {
  ...{ seed: 1, attachments: 200, hosts: 20, relays: 1, downMs: 0, spare: 1 },
  ...{ cpuMsPerDial: 1, cpuMsPerAttach: 3, cpuMsPerHostJoin: 2, attemptMs: 10_000, lateMs: 1_000 },
};

test("the same seed gives the same storm, another one another", () => {
  const down = { ...scene, downMs: 5_000 };
  expect(storm(down)).toEqual(storm(down));
  expect(storm({ ...down, seed: 2 })).not.toEqual(storm(down));
});

test("everybody is back, and not before the relay can have done what each costs", () => {
  const { allMs, attempts } = storm(scene);
  expect(allMs).toBeGreaterThanOrEqual(200 * 3);
  expect(allMs).toBeLessThan(10_000);
  expect(attempts).toBeGreaterThanOrEqual(200);
});

test("nobody is back before the relay is, nor before the host's line is", () => {
  expect(storm({ ...scene, downMs: 5_000 }).p50Ms).toBeGreaterThan(5_000);
  expect(storm({ ...scene, attachments: 1, hosts: 1, cpuMsPerHostJoin: 500 }).allMs).toBeGreaterThan(500);
});

test("twice the relays, or twice the core, are at least half the storm", () => {
  const large = { ...scene, attachments: 2_000, hosts: 200 };
  const one = storm(large).allMs;
  expect(storm({ ...large, relays: 4 }).allMs).toBeLessThan(one / 1.5);
  expect(storm({ ...large, spare: 0.5 }).allMs).toBeGreaterThan(one * 1.5);
});

test("a relay that takes all who come at once does nothing in time for any of them; one that turns away serves them in turn", () => {
  const crowd = { ...scene, attachments: 1_000, hosts: 100, cpuMsPerDial: 20, cpuMsPerAttach: 50 };
  const all = storm({ ...crowd, lateMs: Infinity });
  expect([all.allMs, all.givenUp > 1_000]).toEqual([Infinity, true]);
  const inTurn = storm(crowd);
  expect(inTurn.allMs).toBeLessThan(600_000);
  expect([inTurn.givenUp, inTurn.turnedAway > 0]).toEqual([0, true]);
});
