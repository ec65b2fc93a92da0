import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LOOK_MS, Pulse } from "./pulse.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function beating(): { readonly told: string[]; readonly pulse: Pulse } {
  const told: string[] = [];
  return {
    told,
    pulse: new Pulse({
      ping: () => told.push("ping"),
      doubt: () => told.push("doubt"),
      over: () => told.push("over"),
    }),
  };
}

test("a link that brings something at every look is not pinged", () => {
  const { told, pulse } = beating();
  for (let look = 0; look < 20; look++) {
    pulse.beat(false);
    vi.advanceTimersByTime(LOOK_MS.least);
  }
  expect(told).toEqual([]);
});

test("a silent link is pinged and doubted, and over within twenty seconds if nothing answers", () => {
  const { told } = beating();
  vi.advanceTimersByTime(LOOK_MS.least);
  expect(told).toEqual(["ping", "doubt"]);
  vi.advanceTimersByTime(20_000 - LOOK_MS.most - LOOK_MS.least);
  expect(told).not.toContain("over");
  vi.advanceTimersByTime(LOOK_MS.most);
  expect(told.filter((what) => what !== "ping")).toEqual([...Array.from({ length: 15 }, () => "doubt"), "over"]);
});

test("where nothing could be done about a doubt, a link is looked at every five seconds, and over within twenty", () => {
  const told: string[] = [];
  const pulse = new Pulse({ ping: () => told.push("ping"), doubt: null, over: () => told.push("over") });
  pulse.sent();
  vi.advanceTimersByTime(LOOK_MS.most - 1);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(15_001);
  expect(told).toEqual(["ping", "ping", "ping", "over"]);
});

test("an answer to a ping keeps the link, and it is looked at ever more seldom", () => {
  const { told, pulse } = beating();
  const pings: number[] = [];
  for (let ms = 0; ms < 60_000; ms += 100) {
    const before = told.length;
    vi.advanceTimersByTime(100);
    if (told.length === before) continue;
    pings.push(ms);
    pulse.beat(true);
  }
  // It has just been spoken on; after that nothing is doubted.
  expect(told.filter((what) => what === "doubt")).toHaveLength(1);
  const apart = pings.map((ms, i) => ms - (pings[i - 1] ?? 0));
  expect(apart.slice(1)).toEqual(apart.slice(1).sort((a, b) => a - b));
  // A look that asks, and one soon after it that hears.
  expect(apart.at(-1)).toBe(LOOK_MS.most + 1_000);
});

test("who sends something on a link that was idle is told within a second that nothing answers", () => {
  const { told, pulse } = beating();
  for (let ms = 0; ms < 30_000; ms += 100) {
    const before = told.length;
    vi.advanceTimersByTime(100);
    if (told.length > before) pulse.beat(true);
  }
  vi.advanceTimersByTime(4_000);
  told.length = 0;
  pulse.beat(true);
  vi.advanceTimersByTime(LOOK_MS.most);
  told.length = 0;
  pulse.sent();
  vi.advanceTimersByTime(1_000);
  expect(told).toContain("doubt");
});

test("a link that is closed is not looked after", () => {
  const { told, pulse } = beating();
  pulse.stop();
  vi.advanceTimersByTime(10 * LOOK_MS.most);
  expect(told).toEqual([]);
});
