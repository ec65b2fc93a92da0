/**
 * The thread that copies a host's record into its mirror: everything that reads, hashes, encrypts or speaks to NATS, so that the loop that moves
 * everybody's bytes has no part in it.
 *
 *   W1  A pass follows the one before after {@link PASS_MS}, and after nineteen times what that one took if it took long: a twentieth of a core and of the disk.
 *       Within one, a piece is followed by a pause as long as it took, unless somebody waits.
 *   W2  Whoever keeps the mirror may be away for days: it is tried again, less and less often, and what has come meanwhile is copied then.
 *   W3  It runs at a lower priority than the host.
 */
import { createPrivateKey } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { JetStreamApiError } from "@nats-io/jetstream";
import { files } from "@holdfast/carrier";
import { rawPublicKey } from "../operator/key.ts";
import { Copier, Fenced, type Moment, Overtaken, type Source, Unsettled } from "./copier.ts";
import { homeSource } from "./home-source.ts";
import { Memories } from "./memory.ts";
import { openNatsStore } from "./nats-store.ts";
import { lagOf } from "./pieces.ts";
import { mirrorKeyFile, mirrorKeys } from "./sealed.ts";
import type { ObjectStore } from "./store.ts";
import type { FromWorker, MirrorState, Told, ToWorker, WorkerSettings } from "./wire.ts";

const PASS_MS = 5_000;
const IDLE_SHARE = 19;
/** However long a pass took: what is not copied yet is lost with the machine. */
const MOST_WAIT_MS = 60_000;
/** Files change without a record too: a checkpoint of the screen. */
const LOOK_ANYWAY_MS = 60_000;
const MOST_PAUSE_MS = 500;
const FIRST_RETRY_MS = 1_000;
const MOST_RETRY_MS = 60_000;
/** Behind everything that somebody waits for. */
const NICE = 10;
/** JetStream's: no room in the account, the stream, the server. */
const FULL = new Set([10_002, 10_023, 10_028, 10_047, 10_077]);

const port = parentPort;
if (port === null) throw new Error("worker.ts runs as a worker thread only");
const settings = workerData as WorkerSettings;
const say = (message: FromWorker): void => port.postMessage(message);

try {
  // Of this thread alone, on Linux; elsewhere of none.
  setPriority(Number(readlinkSync("/proc/thread-self").split("/").at(-1)), NICE);
} catch {
  // It runs as the host does.
}

const asked = new Map<number, { readonly give: (answer: never) => void; readonly refuse: (why: Error) => void }>();
let lastAsked = 0;
function ask<T>(what: "moment" | "sessions"): Promise<T> {
  const id = ++lastAsked;
  return new Promise((resolve, reject) => {
    asked.set(id, { give: resolve as (answer: never) => void, refuse: reject });
    say({ type: "ask", what, id });
  });
}

const memories = new Memories(files.mirrorMemory(settings.home));
const source: Source = homeSource(settings.home, { moment: () => ask("moment"), sessions: () => ask("sessions") });

let told: Told = {
  ...{
    state: "connecting",
    sinceUnixMs: Date.now(),
    why: "",
    epoch: 0,
    serial: 0,
    files: 0,
    bytes: 0,
    copiedBytes: 0,
    done: -1,
    isOurs: false,
  },
  asOfUnixMs: memories.of(settings.address)?.asOfUnixMs ?? 0,
};
function tell(state: MirrorState, why: string, more: Partial<Told> = {}): void {
  const sinceUnixMs = state === told.state ? told.sinceUnixMs : Date.now();
  told = { ...told, ...more, state, why, sinceUnixMs };
  say({ type: "told", told });
}

let store: ObjectStore | null = null;
let copier: Copier | null = null;
let has: Copier["files"] | null = null;
let takesOver = settings.takesOver;
let flushes: number[] = [];
let hurry: (() => void) | null = null;

port.on("message", (message: ToWorker) => {
  switch (message.type) {
    case "moment":
    case "sessions":
    case "refused": {
      const answer = asked.get(message.id);
      asked.delete(message.id);
      if (message.type === "refused") return answer?.refuse(new Error(`the host can't say what there is: ${message.why}`));
      return answer?.give((message.type === "moment" ? message.moment : message.lines) as never);
    }
    case "flush":
      // Who waits for it is told at once that it will be a while.
      if (!["mirrored", "copying", "connecting"].includes(told.state))
        return say({ type: "flushed", id: message.id, why: told.why || told.state });
      flushes.push(message.id);
      return hurry?.();
    case "lag":
      return void lag().then(
        (bytes) => say({ type: "lag", id: message.id, bytes }),
        () => say({ type: "lag", id: message.id, bytes: null }),
      );
  }
});

/** Against what the mirror had when it was reached last. */
async function lag(): Promise<number | null> {
  return has === null ? null : lagOf(has, await source.list("record"));
}

async function begin(): Promise<Copier> {
  const hostKey = createPrivateKey(readFileSync(files.hostKey(settings.home)));
  store = await openNatsStore(settings.address);
  const made = await Copier.begin(
    {
      source,
      store,
      keys: mirrorKeys(mirrorKeyFile(files.mirrorKey(settings.home))),
      hostId: settings.hostId,
      hostKey,
      hostPublicKey: rawPublicKey(hostKey),
      auditPublicKey: readFileSync(files.auditPublicKey(settings.home)),
      hostVersion: settings.hostVersion,
      memory: memories.of(settings.address),
      remember: (memory) => memories.keep(settings.address, memory),
      // W1
      pace: (tookMs) => (flushes.length > 0 ? Promise.resolve() : delay(Math.min(tookMs, MOST_PAUSE_MS))),
      copied: (bytes) => {
        told = { ...told, copiedBytes: told.copiedBytes + bytes };
      },
    },
    takesOver,
  );
  return made;
}

async function leave(): Promise<void> {
  copier = null;
  const open = store;
  store = null;
  await open?.close().catch(() => undefined);
}

/** So long, or until something is asked for; after a fault, what is asked for already waits for the next try. */
function rest(ms: number, isWell: boolean): Promise<void> {
  if (isWell && flushes.length > 0) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      hurry = null;
      resolve();
    }
    hurry = done;
  });
}

/** From here on another that takes over is not taken over from again. */
function ours({ isOurs }: Copier): void {
  if (!isOurs || told.isOurs) return;
  takesOver = false;
  tell(told.state, told.why, { isOurs });
}

/** One pass, if there is anything to copy; resolves with how long to rest. */
async function turn(lookedAt: { atMs: number; isRacy: boolean }): Promise<number> {
  copier ??= await begin();
  ours(copier);
  has = copier.files;
  const waiting = [...flushes];
  const now = await ask<Moment>("moment");
  const began = performance.now();
  const isDue = copier.isBehind(now) || lookedAt.isRacy || waiting.length > 0 || began - lookedAt.atMs > LOOK_ANYWAY_MS;
  if (!isDue) return PASS_MS;
  // What is full stays so until a pass is through: it is tried again and again, and each begins.
  if (told.state !== "full") tell("copying", "");
  const moment = await copier.pass();
  ours(copier);
  has = copier.files;
  const all = [...has.values()];
  lookedAt.atMs = began;
  lookedAt.isRacy = all.some((f) => f.modifiedMs === 0);
  tell("mirrored", "", {
    asOfUnixMs: copier.asOfUnixMs,
    epoch: copier.epoch,
    serial: copier.serial,
    files: all.length,
    bytes: all.reduce((sum, f) => sum + f.bytes, 0),
    done: moment.done,
  });
  flushes = flushes.filter((id) => !waiting.includes(id));
  for (const id of waiting) say({ type: "flushed", id, why: "" });
  return Math.min(MOST_WAIT_MS, Math.max(PASS_MS, (performance.now() - began) * IDLE_SHARE));
}

function whyOf(fault: unknown): string {
  const text = fault instanceof Error ? fault.message || fault.name : String(fault);
  return fault instanceof Error && fault.cause instanceof Error && !text.includes(fault.cause.message)
    ? `${text}: ${fault.cause.message}`
    : text;
}

function stateOf(fault: unknown): MirrorState {
  if (fault instanceof Fenced) return "fenced";
  if (fault instanceof JetStreamApiError && FULL.has(fault.code)) return "full";
  if (/maximum bytes exceeded|insufficient (storage )?resources|no space/i.test(whyOf(fault))) return "full";
  if (fault instanceof Error && "code" in fault && ["mirror_tampered", "bad_request"].includes(String(fault.code)))
    return "failed";
  return "unreachable";
}

let failures = 0;
const looked = { atMs: 0, isRacy: false };
for (;;) {
  let restMs: number;
  let isWell = false;
  try {
    restMs = await turn(looked);
    failures = 0;
    isWell = true;
  } catch (fault) {
    // Another may have written it: who that was is found out by reading it again. What moves too much is left for a moment.
    if (!(fault instanceof Unsettled)) await leave();
    if (fault instanceof Overtaken || fault instanceof Unsettled) restMs = FIRST_RETRY_MS;
    else {
      tell(stateOf(fault), whyOf(fault));
      // Who is fenced stays so, until somebody says otherwise.
      restMs = fault instanceof Fenced ? MOST_RETRY_MS : Math.min(MOST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(10, failures++));
      for (const id of flushes.splice(0)) say({ type: "flushed", id, why: whyOf(fault) });
    }
  }
  await rest(restMs, isWell);
}
