/** What /proc says: who runs, since when, with which descriptors; and ending what belongs to one folder. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type RunnerTestCase, TestRunner } from "vitest";

/** Of a test's time, what is kept to say what was seen last. */
const TO_TELL_MS = 3_000;
/** Outside of a test, and in what follows one: no test's time is left then. */
const USUAL_MS = 60_000;
const LOOK_MS = { first: 5, last: 40 } as const;

/** What is left of the running test's own time: no wait in it is shorter for want of patience, and none outlives it. */
export function leftMs(): number {
  const test = TestRunner.getCurrentTest<RunnerTestCase | undefined>();
  if (test?.result?.startTime === undefined) return USUAL_MS;
  const left = test.result.startTime + test.timeout - Date.now() - TO_TELL_MS;
  return left > 0 ? left : USUAL_MS;
}

/**
 * Looks until it is so; the text is the fact that never came true. Nothing here waits for time. `withinMs`: all of the test's by default.
 * The longer it takes the less often it looks, up to 40 ms apart: looking costs a processor that others wait for.
 */
export async function fact<T>(text: string, look: () => T | Promise<T>, withinMs = leftMs()): Promise<NonNullable<T>> {
  const from = performance.now();
  for (;;) {
    let last: unknown;
    try {
      const seen = await look();
      if (seen !== null && seen !== undefined && seen !== false) return seen as NonNullable<T>;
      last = seen;
    } catch (fault) {
      last = fault;
    }
    const waited = performance.now() - from;
    if (waited > withinMs) throw new Error(`never came true within ${Math.round(withinMs)} ms: ${text} (last: ${String(last)})`);
    await delay(Math.min(LOOK_MS.last, LOOK_MS.first + waited / 50));
  }
}

export function pids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

export function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return "";
  }
}

function link(pid: number, name: string): string {
  try {
    return readlinkSync(`/proc/${pid}/${name}`);
  } catch {
    return "";
  }
}

/** A process that runs or sleeps: a zombie is over. */
export function lives(pid: number): boolean {
  const stat = read(pid, "stat");
  return stat !== "" && !/\) [ZX]/.test(stat);
}

/** Start time in clock ticks: with the pid it names one process, whatever pids are used again. */
export function bornAt(pid: number): string {
  const stat = read(pid, "stat");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

export function parentOf(pid: number): number {
  const stat = read(pid, "stat");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/** Processor time of a process, in clock ticks of 10 ms. */
export function cpuTicks(pid: number): number {
  const stat = read(pid, "stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

export function rssKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(read(pid, "status"))?.[1] ?? 0);
}

/** What each descriptor of a process is. */
export function descriptors(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => link(pid, `fd/${fd}`));
  } catch {
    return [];
  }
}

/** Living processes that name the folder in their arguments or environment, or stand in it. */
export function ofFolder(folder: string): number[] {
  const names = (text: string): boolean => text.includes(folder);
  return pids().filter(
    (pid) =>
      pid !== process.pid &&
      lives(pid) &&
      (names(read(pid, "cmdline")) || names(read(pid, "environ")) || names(link(pid, "cwd"))),
  );
}

/** The shims of a home below this folder. */
export function shimsOf(folder: string): number[] {
  return pids().filter((pid) => {
    const argv = read(pid, "cmdline").split("\0");
    return argv[1] === "shim" && argv[2]?.startsWith(folder) && lives(pid);
  });
}

export function kill(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}

/** `kill -9` of one's own; resolves when it is over. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
