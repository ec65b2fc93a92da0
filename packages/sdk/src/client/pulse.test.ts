import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LOOK_MS, Pulse } from "./pulse.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function beating(): { readonly told: string[]; readonly pulse: Pulse } {
  const told: string[] = [];
  return {
    told,
    pulse: new Pulse(
      () => told.push("ping"),
      () => told.push("over"),
    ),
  };
}

test("a link that brings something at every look is not pinged", () => {
  const { told, pulse } = beating();
  for (let look = 0; look < 20; look++) {
    pulse.beat();
    vi.advanceTimersByTime(LOOK_MS);
  }
  expect(told).toEqual([]);
});

test("a silent link is pinged, and is over within twenty seconds if nothing answers", () => {
  const { told } = beating();
  vi.advanceTimersByTime(20_000);
  expect(told).toEqual(["ping", "ping", "over"]);
});

test("an answer to a ping keeps the link", () => {
  const { told, pulse } = beating();
  for (let look = 0; look < 10; look++) {
    vi.advanceTimersByTime(2 * LOOK_MS);
    pulse.beat();
  }
  expect(told).toEqual(Array.from({ length: 10 }, () => "ping"));
});

test("a link that is closed is not looked after", () => {
  const { told, pulse } = beating();
  pulse.stop();
  vi.advanceTimersByTime(10 * LOOK_MS);
  expect(told).toEqual([]);
});
