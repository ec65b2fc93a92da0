import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Memory } from "./copier.ts";
import { Memories } from "./memory.ts";

function memories(): Memories {
  const folder = mkdtempSync(join(tmpdir(), "memory-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return new Memories(join(folder, "written.json"));
}

const memory = (mark: string): Memory => ({ mark, intents: [], epoch: 1, asOfUnixMs: 0 });
const a = { url: "nats://name:password@a:4222", bucket: "one" };

test("who mirrors elsewhere and comes back knows its own heads again, with whatever password", async () => {
  const kept = memories();
  await kept.keep(a, memory("at a"));
  await kept.keep({ url: "nats://b:4222", bucket: "one" }, memory("at b"));
  expect(kept.of({ ...a, url: "nats://name:other@a:4222" })).toEqual(memory("at a"));
  expect(kept.of({ ...a, bucket: "two" })).toBeNull();
  await kept.keep(a, memory("at a again"));
  expect(kept.of(a)?.mark).toBe("at a again");
  expect(kept.of({ url: "nats://b:4222", bucket: "one" })?.mark).toBe("at b");
});

test("a place by another name is known by what was written there last, into a bucket of that name", async () => {
  const kept = memories();
  await kept.keep({ url: "nats://other:4222", bucket: "one" }, memory("elsewhere"));
  await kept.keep(a, memory("at a"));
  expect(kept.of({ url: "nats://a:4222,nats://b:4222", bucket: "one" })).toEqual(memory("at a"));
  expect(kept.of({ url: "nats://a:4222,nats://b:4222", bucket: "two" })).toBeNull();
});

test("what an older host kept, of one place alone, is none of these", () => {
  const folder = mkdtempSync(join(tmpdir(), "memory-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "written.json"), JSON.stringify({ mark: "old", intent: "older", epoch: 1, asOfUnixMs: 0 }));
  expect(new Memories(join(folder, "written.json")).of(a)).toBeNull();
});

test("what can't be read is nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "memory-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "written.json"), "{");
  expect(new Memories(join(folder, "written.json")).of(a)).toBeNull();
});
