import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MonotonicMs } from "@holdfast/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KeyUses } from "./key-uses.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hold-key-uses-"));
  path = join(folder, "key-uses.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const id = Uint8Array.of(1, 2, 3);

function clockAt(wallMs: number) {
  const timers: (() => void)[] = [];
  const clock = { wallMs: () => wallMs, monoMs: () => MonotonicMs(0), monoNs: () => 0n };
  const wakeAt = (_: MonotonicMs, run: () => void): (() => void) => {
    timers.push(run);
    return () => {};
  };
  return { timers, ports: { clock, wakeAt } };
}

test("U1: a use costs no disk; a minute later all of them are written, once, for their owner alone", () => {
  const uses = KeyUses.open(path);
  const { timers, ports } = clockAt(7);
  for (const via of ["cli", "web"]) uses.used(id, via, ports);
  expect(uses.of(id)).toEqual({ atUnixMs: 7, via: "web" });
  expect(KeyUses.open(path).of(id)).toBeNull();
  expect(timers).toHaveLength(1);
  timers[0]!();
  expect(KeyUses.open(path).of(id)).toEqual({ atUnixMs: 7, via: "web" });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  uses.used(id, "ssh", ports);
  expect(timers).toHaveLength(2);
});

test("a file that can't be read is nobody's loss", () => {
  writeFileSync(path, '{"0102": {"via": 3}, ');
  const uses = KeyUses.open(path);
  expect(uses.of(id)).toBeNull();
  uses.used(id, "cli", clockAt(9).ports);
  uses.save();
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ "010203": { atUnixMs: 9, via: "cli" } });
});
