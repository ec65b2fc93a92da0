import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LoopLag } from "./loop-lag.ts";

/** What was looked at so far, in milliseconds from one look to the next. */
function looks(...gapsMs: number[]) {
  const gaps = [...gapsMs];
  return {
    gaps,
    get count() {
      return gaps.length;
    },
    percentile: () => Math.max(...gaps) * 1_000_000,
    reset: () => void gaps.splice(0),
    isLooking: false,
    enable() {
      return !this.isLooking && (this.isLooking = true);
    },
    disable() {
      return this.isLooking && !(this.isLooking = false);
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("what a look is late is told, without the time between two that was meant", () => {
  expect(new LoopLag(looks(20.3, 45), 20).p99Us).toBe(25_000);
  expect(new LoopLag(looks(19.9), 20).p99Us).toBe(1);
  expect(new LoopLag(looks(), 20).p99Us).toBe(0);
});

test("the first window is told as far as it has come, and from then on the last whole one, whoever asks", () => {
  const delays = looks(30);
  const lag = new LoopLag(delays, 20);
  expect(lag.p99Us).toBe(10_000);
  delays.gaps.push(40);
  expect(lag.p99Us).toBe(20_000);
  lag.turn();
  delays.gaps.push(500);
  expect([lag.p99Us, lag.p99Us]).toEqual([20_000, 20_000]);
  lag.turn();
  expect(lag.p99Us).toBe(480_000);
});

test("a window in which nobody looked says nothing", () => {
  const delays = looks(30);
  const lag = new LoopLag(delays, 20);
  lag.turn();
  lag.turn();
  expect(lag.p99Us).toBe(0);
});

test("nobody looks before the first link and after the last one, and no timer is left", () => {
  const delays = looks();
  const lag = new LoopLag(delays, 20);
  expect([delays.isLooking, vi.getTimerCount()]).toEqual([false, 0]);
  for (const links of [1, 2, 1]) {
    lag.follow(links);
    expect([delays.isLooking, vi.getTimerCount()]).toEqual([true, 1]);
  }
  lag.follow(0);
  expect([delays.isLooking, vi.getTimerCount()]).toEqual([false, 0]);
});

test("who comes after a while without links is told of the time since, and not of what was before", () => {
  const delays = looks();
  const lag = new LoopLag(delays, 20);
  lag.follow(1);
  delays.gaps.push(500);
  vi.advanceTimersByTime(10_000);
  expect(lag.p99Us).toBe(480_000);
  lag.follow(0);
  lag.follow(1);
  expect(lag.p99Us).toBe(0);
  delays.gaps.push(30);
  expect(lag.p99Us).toBe(10_000);
});
