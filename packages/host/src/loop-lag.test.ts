import { expect, test } from "vitest";
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
  };
}

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
