import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkpointFiles } from "./checkpoint-files.ts";
import type { Checkpoint, CheckpointStore } from "./session/ports.ts";

let folder: string;
let log: string[];
let store: CheckpointStore;
const checkpoint = (seq: number, text = "\x1b[2Jhello"): Checkpoint => ({
  seq,
  position: seq * 10,
  snapshot: { offset: seq * 10, cols: 80, rows: 24, title: "vim — été", undo: Uint8Array.of(0, 255, 27), vt: Buffer.from(text) },
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-checkpoints-"));
  log = [];
  store = checkpointFiles(folder, (text) => void log.push(text));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("what was saved is loaded as it was, and is the owner's alone", async () => {
  await store.save("s1", checkpoint(3));
  const loaded = store.load("s1")!;
  expect({
    ...loaded,
    snapshot: { ...loaded.snapshot, undo: [...loaded.snapshot.undo], vt: Buffer.from(loaded.snapshot.vt).toString() },
  }).toEqual({ ...checkpoint(3), snapshot: { ...checkpoint(3).snapshot, undo: [0, 255, 27], vt: "\x1b[2Jhello" } });
  expect(statSync(join(folder, "s1.checkpoint")).mode & 0o077).toBe(0);
  expect(readdirSync(folder)).toEqual(["s1.checkpoint"]);
});

test("there is none of a session that was never saved, and nothing is said of it", () => {
  expect(store.load("s1")).toBeNull();
  expect(log).toEqual([]);
});

test("the later one takes the place of the earlier", async () => {
  await store.save("s1", checkpoint(3));
  await store.save("s1", checkpoint(9, ""));
  expect(store.load("s1")).toMatchObject({ seq: 9 });
});

test("a file that is cut anywhere, or has any byte changed, is not believed or is as it was", async () => {
  await store.save("s1", checkpoint(3));
  const path = join(folder, "s1.checkpoint");
  const whole = readFileSync(path);
  for (let cut = 0; cut < whole.length; cut++) {
    writeFileSync(path, whole.subarray(0, cut));
    expect(store.load("s1")).toBeNull();
  }
  const headEnd = 4 + whole.readUInt32BE(0);
  for (let at = headEnd; at < whole.length; at++) {
    const bytes = Buffer.from(whole);
    bytes[at]! ^= 1;
    writeFileSync(path, bytes);
    expect(store.load("s1")).toBeNull();
  }
  expect(log[0]).toContain("the screen is rebuilt from the journal");
});

test("half a file that a crash left beside it is never read, and is written over", async () => {
  writeFileSync(join(folder, "s1.checkpoint.new"), "torn");
  expect(store.load("s1")).toBeNull();
  await store.save("s1", checkpoint(3));
  expect(readdirSync(folder)).toEqual(["s1.checkpoint"]);
});

test("one that is removed while it is being saved does not come back", async () => {
  const saving = store.save("s1", checkpoint(3));
  store.remove("s1");
  await saving;
  expect(readdirSync(folder)).toEqual([]);
});
