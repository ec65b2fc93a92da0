import { HoldError } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { Pace, SILENT_MS } from "./pace.ts";

const turnedAway = new HoldError("unreachable", "no relay answers");
const noNetwork = new HoldError("unreachable", "no", {}, { cause: Object.assign(new Error("x"), { code: "ENETUNREACH" }) });

/** When a relay is dialled that was lost at 0, each attempt failing so: the first at once. */
function dialledAt(fault: unknown, tookMs: number, chance: number, untilMs: number): number[] {
  const pace = new Pace();
  const all: number[] = [0];
  for (let at = 0; at < untilMs; ) {
    at += pace.failed(fault, tookMs, chance) + tookMs;
    all.push(at);
  }
  return all.filter((at) => at < untilMs);
}

test("a relay that is back within ten seconds is dialled within two of it, and never at a known moment", () => {
  for (const chance of [0, 0.5, 1]) {
    const at = dialledAt(turnedAway, 0, chance, 7_000);
    for (let i = 1; i < at.length; i++) expect(at[i]! - at[i - 1]!).toBeLessThanOrEqual(2_000);
    expect(at[1]).toBeCloseTo(125 + 125 * chance, -1);
  }
});

test("a relay that turns callers away for minutes is dialled ten times a minute at most, from the first on", () => {
  for (const chance of [0, 0.25, 0.5, 0.75, 1]) {
    const at = dialledAt(turnedAway, 0, chance, 300_000);
    for (const from of at) expect(at.filter((t) => t >= from && t < from + 60_000).length).toBeLessThanOrEqual(10);
  }
});

test("one that answers nothing is dialled without a pause, ten times a minute", () => {
  const at = dialledAt(turnedAway, SILENT_MS, 0.5, 120_000);
  expect(new Set(at.slice(1).map((t, i) => t - at[i]!))).toEqual(new Set([SILENT_MS]));
  expect(60_000 / SILENT_MS).toBe(10);
});

test("without a network it is tried again within a second, however long that lasts, and then as if nothing had been", () => {
  const pace = new Pace();
  for (let i = 0; i < 100; i++) expect(pace.failed(noNetwork, 1, 1)).toBe(1_000);
  expect(pace.failed(turnedAway, 1, 1)).toBe(250);
});

test("a line that had held begins it anew", () => {
  const pace = new Pace();
  for (let i = 0; i < 9; i++) pace.failed(turnedAway, 1, 1);
  expect(pace.failed(turnedAway, 1, 1)).toBe(17_000);
  pace.stood();
  expect(pace.failed(turnedAway, 1, 0)).toBe(125);
});
