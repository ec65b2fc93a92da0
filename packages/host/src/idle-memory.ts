/**
 * Gives memory back when there is nothing to do: V8 collects when something is allocated, so what a burst left would stay for as long
 * as nobody does anything.
 *
 *   G1  Only in a second in which the loop was idle, and only if there is {@link GROWN_BYTES} more than after the last collection.
 */
import { performance } from "node:perf_hooks";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const LOOK_MS = 1_000;
const BUSY = 0.02;
/** A collection stops the loop for about 15 ms. */
const GROWN_BYTES = 8 * 1024 * 1024;

export function collectWhenIdle(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (how: { type: "major"; execution: "sync" }) => void;
  let before = performance.eventLoopUtilization();
  let kept = heldBytes();
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const isIdle = performance.eventLoopUtilization(now, before).utilization < BUSY;
    before = now;
    if (!isIdle || heldBytes() < kept + GROWN_BYTES) return;
    collect({ type: "major", execution: "sync" });
    kept = heldBytes();
    before = performance.eventLoopUtilization();
  }, LOOK_MS).unref();
}

function heldBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}
