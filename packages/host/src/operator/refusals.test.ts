import { MonotonicMs } from "@holdfast/core";
import { expect, test } from "vitest";
import type { Clock } from "../session/ports.ts";
import { Refusals } from "./refusals.ts";

function scene() {
  const logged: string[] = [];
  let nowMs = 0;
  const clock = { monoMs: () => MonotonicMs(nowMs) } as Clock;
  const refusals = new Refusals({ clock, log: (text) => void logged.push(text) });
  return { refusals, logged, pass: (ms: number) => void (nowMs += ms) };
}

test("D1: of one kind a line a minute is told, with how many came between; another kind is told at once", () => {
  const { refusals, logged, pass } = scene();
  for (let n = 0; n < 1_000; n++) refusals.tell("revoked over unix, of ana");
  refusals.tell("revoked over ssh, of ana");
  pass(60_000);
  for (let n = 0; n < 2; n++) refusals.tell("revoked over unix, of ana");
  expect(logged).toEqual([
    "refused: revoked over unix, of ana",
    "refused: revoked over ssh, of ana",
    "refused: revoked over unix, of ana; 999 times more before this one",
  ]);
});

test("kinds without end are not remembered without end", () => {
  const { refusals, logged } = scene();
  for (let n = 0; n < 10_000; n++) refusals.tell(`kind ${n}`);
  refusals.tell("kind 9999");
  expect(logged).toHaveLength(10_000);
  refusals.tell("kind 0");
  expect(logged).toHaveLength(10_001);
});
