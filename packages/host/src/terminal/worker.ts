/**
 * The worker thread that holds all terminal models (model.ts, M4). Takes orders in batches, gives news in batches.
 *
 *   W1  Turn by turn between models; the port is read after every {@link SLICE_MS}, so that a request to one model waits for
 *       that model only.
 *   W2  The memory of a closed model goes back: V8 would otherwise keep it until it needs it.
 *   W3  A model that nothing was fed for {@link SETTLE_MS} has its lines above the screen packed, and what that frees goes back too.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parentPort, workerData } from "node:worker_threads";
import { HostedModel } from "./hosted-model.ts";
import type { News, Order, WorkerSettings } from "./wire.ts";

const SLICE_MS = 8;
/** Between one and two of these after the last output; under a flood lines would be packed only to be scrolled out. */
const SETTLE_MS = 250;
/** Packed lines, of all models, that are worth a collection: a megabyte or two. */
const COLLECT_LINES = 500;
const COLLECT_AFTER_MS = 250;
/** 5 s in all. */
const MAX_DELAYS = 20;

const port = parentPort;
if (port === null) throw new Error("worker.ts runs as a worker thread only");
const settings = workerData as WorkerSettings;
const models = new Map<number, HostedModel>();
let news: News[] = [];
let isScheduled = false;
let isCollectionDue = false;
let isSettling = false;
let packedLines = 0;
/** Fed since they were last packed. */
const unsettled = new Set<HostedModel>();

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (how: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

port.on("message", (orders: Order[]) => {
  for (const order of orders) take(order);
  schedule();
});

function take(order: Order): void {
  switch (order.do) {
    case "open":
      models.set(order.handle, new HostedModel(order, settings, tell));
      return;
    case "close": {
      const model = models.get(order.handle);
      if (model === undefined) return;
      model.close();
      models.delete(order.handle);
      unsettled.delete(model);
      if (!isCollectionDue) collectLater(MAX_DELAYS);
      return;
    }
    default:
      models.get(order.handle)?.add(order);
  }
}

/** Takes 1 to 2 ms a closed model, so it waits until nobody has anything to do, but not for ever. Only the last-resort kind shrinks the heap. */
function collectLater(delays: number): void {
  isCollectionDue = true;
  setTimeout(() => {
    if (isScheduled && delays > 0) return collectLater(delays - 1);
    isCollectionDue = false;
    packedLines = 0;
    collect({ type: "major", execution: "sync", flavor: "last-resort" });
  }, COLLECT_AFTER_MS);
}

/** W3. */
function settleLater(): void {
  if (isSettling || unsettled.size === 0) return;
  isSettling = true;
  setTimeout(() => {
    isSettling = false;
    for (const model of unsettled) {
      const lines = model.settle();
      if (lines === undefined) continue;
      unsettled.delete(model);
      packedLines += lines;
    }
    if (packedLines >= COLLECT_LINES && !isCollectionDue) collectLater(MAX_DELAYS);
    settleLater();
  }, SETTLE_MS);
}

function tell(item: News): void {
  news.push(item);
  schedule();
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(run);
}

function run(): void {
  isScheduled = false;
  const until = performance.now() + SLICE_MS;
  let isMore = true;
  while (isMore && performance.now() < until) {
    isMore = false;
    for (const model of models.values()) {
      if (model.isIdle) continue;
      model.turn();
      unsettled.add(model);
      if (!model.isIdle) isMore = true;
    }
  }
  if (news.length > 0) {
    const batch = news;
    news = [];
    port?.postMessage(batch);
  }
  settleLater();
  if (isMore) schedule();
}
