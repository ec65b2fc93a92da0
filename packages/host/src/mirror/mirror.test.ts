/** The host's side of its mirror, with a worker that says and does what the test tells it to. */
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BroadcastChannel } from "node:worker_threads";
import { files } from "@holdfast/carrier";
import { expect, onTestFinished, test, vi } from "vitest";
import { Mirror, type MirroredHost } from "./mirror.ts";
import type { FromWorker, MirrorState, Told, ToWorker, WorkerSettings } from "./wire.ts";

/** Tells the test all that it hears, and the host all that the test says; `die` ends it. */
const STUB = `
import { BroadcastChannel, parentPort, workerData } from "node:worker_threads";
const channel = new BroadcastChannel(workerData.hostId);
const id = Math.random();
channel.onmessage = ({ data }) => {
  if (data.die) process.exit(1);
  if (data.say && (data.to === undefined || data.to === id)) parentPort.postMessage(data.say);
};
parentPort.on("message", (heard) => channel.postMessage({ heard, id }));
channel.postMessage({ began: workerData, id });
`;
const stubUrl = new URL(`data:text/javascript,${encodeURIComponent(STUB)}`);

// Threads begin when the machine has time for them.
vi.setConfig({ testTimeout: 60_000 });

const A = { url: "nats://a:4222", bucket: "one" };
const B = { url: "nats://b:4222", bucket: "one" };

class Stage {
  readonly home: string;
  readonly began: WorkerSettings[] = [];
  readonly heard: ToWorker[] = [];
  readonly logged: string[] = [];
  readonly mark = { segment: 1, bytes: 10, lsn: 1, told: 0, done: 0 };
  /** Of the ledger; a fault: it can't be said. */
  head: () => { chain: Uint8Array; signature: Uint8Array } = () => ({ chain: new Uint8Array(0), signature: new Uint8Array(0) });
  /** What each worker says when it begins. */
  first: Partial<Told> & { readonly state: MirrorState } = { state: "mirrored", done: 0, isOurs: true };
  /** What is said to who asks for a flush; null: nothing. */
  flushed: string | null = "";
  readonly #id = randomUUID();
  readonly #channel = new BroadcastChannel(this.#id);

  constructor() {
    this.home = mkdtempSync(join(tmpdir(), "mirror-"));
    this.#channel.onmessage = (event: unknown) => {
      const { data } = event as { data: { began?: WorkerSettings; heard?: ToWorker; id?: number } };
      if (data.began) {
        this.began.push(data.began);
        this.tell(this.first, data.id);
      }
      if (!data.heard) return;
      this.heard.push(data.heard);
      if (data.heard.type === "flush" && this.flushed !== null)
        this.say({ type: "flushed", id: data.heard.id, why: this.flushed }, data.id);
      if (data.heard.type === "lag") this.say({ type: "lag", id: data.heard.id, bytes: 0 }, data.id);
    };
    onTestFinished(() => {
      this.#channel.close();
      rmSync(this.home, { recursive: true });
    });
  }

  /** Another life of the host, whose counts begin anew. */
  live(workerUrl = (): URL => stubUrl): Mirror {
    Object.assign(this.mark, { told: 0, done: 0 });
    const journal = { mark: () => ({ ...this.mark }), head: () => this.head(), durable: async () => {}, sessions: () => [] };
    const ports = { journal, clock: { wallMs: () => 1_000 }, log: (line: string) => void this.logged.push(line) };
    const host = { home: this.home, version: "test", ports, sessions: new Map() } as unknown as MirroredHost;
    const mirror = new Mirror({
      ...{ host, hostId: this.#id, againMs: 10 },
      get workerUrl() {
        return workerUrl();
      },
    });
    onTestFinished(() => mirror.stop());
    return mirror;
  }

  erase(): void {
    this.mark.told++;
    this.mark.done++;
  }
  say(message: FromWorker, to?: number): void {
    this.#channel.postMessage({ say: message, to });
  }
  tell(more: Partial<Told>, to?: number): void {
    const nothing = { sinceUnixMs: 0, why: "", asOfUnixMs: 0, epoch: 0, serial: 0, files: 0, bytes: 0, copiedBytes: 0 };
    this.say({ type: "told", told: { ...nothing, state: "connecting", done: -1, isOurs: false, ...more } }, to);
  }
  die(): void {
    this.#channel.postMessage({ die: true });
  }
  kept(): Record<string, unknown> {
    return JSON.parse(readFileSync(files.mirror(this.home), "utf8")) as Record<string, unknown>;
  }
}

/** Waited for. */
const fact = <T>(of: () => T) => expect.poll(of, { timeout: 30_000 });

const pending = async (mirror: Mirror): Promise<number> => (await mirror.status()).pendingErasures;

test("what the mirror has not is counted once, whatever is asked how often, over lives of the host and of its worker", async () => {
  const stage = new Stage();
  stage.first = { state: "unreachable", why: "away" };
  stage.flushed = "away";
  const first = stage.live();
  await first.set(A, false);
  for (let n = 0; n < 3; n++) {
    stage.erase();
    expect(await first.erased()).toBe("away");
  }
  expect([await pending(first), stage.kept()["pending"]]).toEqual([3, 3]);
  await first.stop();

  const second = stage.live();
  second.start();
  stage.erase();
  expect(await second.erased()).toBe("away");
  expect([await pending(second), stage.kept()["pending"]]).toEqual([4, 4]);
  stage.die();
  await fact(() => stage.began.length).toBe(3);
  expect(await pending(second)).toBe(4);
  await second.set(A, false);
  expect([await pending(second), stage.kept()["pending"]]).toEqual([4, 4]);
  stage.tell({ state: "mirrored", done: 1, isOurs: true });
  await fact(() => stage.kept()["pending"]).toBeUndefined();
  stage.erase();
  stage.die();
  await fact(() => stage.began.length).toBe(5);
  expect(await pending(second)).toBe(1);
});

test("what is pending is kept before anybody waits for the mirror", async () => {
  const stage = new Stage();
  const mirror = stage.live();
  await mirror.set(A, false);
  stage.flushed = null;
  stage.erase();
  const told = mirror.erased();
  await fact(() => stage.kept()["pending"]).toBe(1);
  await mirror.stop();
  expect(await told).not.toBe("");
});

test("an erasure that nobody waits for is kept as pending too", async () => {
  const stage = new Stage();
  const mirror = stage.live();
  await mirror.set(A, false);
  stage.erase();
  await fact(() => stage.kept()["pending"]).toBe(1);
});

test("that it takes over is told to each worker until the head there is this home's, and not after", async () => {
  const stage = new Stage();
  stage.first = { state: "unreachable", why: "away" };
  const first = stage.live();
  await first.set(A, true);
  await first.stop();
  const second = stage.live();
  second.start();
  await fact(() => stage.began.length).toBe(2);
  stage.tell({ state: "connecting", isOurs: true });
  await fact(() => stage.kept()["takesOver"]).toBeUndefined();
  stage.die();
  await fact(() => stage.began.length).toBe(3);
  expect(stage.began.map((settings) => settings.takesOver)).toEqual([true, true, false]);
});

test("who waits for a worker that ends is told so at once, and the next one begins", async () => {
  const stage = new Stage();
  const mirror = stage.live();
  await mirror.set(A, false);
  stage.flushed = null;
  const now = mirror.now();
  await fact(() => stage.heard.some(({ type }) => type === "flush")).toBe(true);
  stage.die();
  expect((await now).why).toBe("it did not answer in time");
  await fact(() => stage.began.length).toBe(2);
});

test("a worker that can't be begun again is tried again, and the host goes on", async () => {
  const stage = new Stage();
  let tries = 0;
  const mirror = stage.live(() => {
    if (++tries === 2) throw new Error("no threads left");
    return stubUrl;
  });
  await mirror.set(A, false);
  stage.die();
  await fact(() => stage.began.length).toBe(2);
  expect([tries, stage.logged]).toEqual([3, expect.arrayContaining([expect.stringContaining("no threads left")])]);
});

test("what the host can't say is refused to its worker", async () => {
  const stage = new Stage();
  const mirror = stage.live();
  await mirror.set(A, false);
  stage.head = () => {
    throw new Error("no head");
  };
  stage.say({ type: "ask", what: "moment", id: 7 });
  await fact(() => stage.heard).toContainEqual({ type: "refused", id: 7, why: "no head" });
});

test("two who set a mirror at once leave one worker, of the last", async () => {
  const stage = new Stage();
  const mirror = stage.live();
  await Promise.all([mirror.set(A, false), mirror.set(B, false)]);
  expect(stage.began.map(({ address }) => address.url)).toEqual([A.url, B.url]);
  stage.say({ type: "ask", what: "moment", id: 9 });
  await fact(() => stage.heard.filter(({ type }) => type === "moment")).toHaveLength(1);
  expect((await mirror.status()).url).toBe(B.url);
});

test("where a new mirror can't be kept, the old one goes on, with what it was reached with", async () => {
  const stage = new Stage();
  const mirror = stage.live();
  await mirror.set({ ...A, creds: "of a" }, false);
  // No file can be written in its place.
  mkdirSync(`${files.mirror(stage.home)}.new`);
  await expect(mirror.set({ ...B, creds: "of b" }, false)).rejects.toThrow("EISDIR");
  await fact(() => stage.began.length).toBe(2);
  expect(stage.began[1]!.address).toEqual({ ...A, creds: "of a" });
  expect([(await mirror.status()).url, stage.kept()["url"]]).toEqual([A.url, A.url]);
});

test("a setting that can't be read mirrors nothing, and the host goes on", () => {
  const stage = new Stage();
  mkdirSync(files.mirrorFolder(stage.home));
  writeFileSync(files.mirror(stage.home), "{");
  stage.live().start();
  expect(stage.logged).toEqual([expect.stringContaining("nothing is mirrored")]);
});
