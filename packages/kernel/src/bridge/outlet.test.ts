/** What a pipe that is blocked for long costs: order never, memory and disk a bound, output at worst a gap that is told. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { type BridgeRecord, RecordDecoder } from "../record/index.ts";
import { Outlet, type Pipe } from "./outlet.ts";
import { Spool } from "./spool.ts";

const folder = mkdtempSync(join(tmpdir(), "hold-outlet-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A pipe that holds what is written until it is let go on. */
class ScriptedPipe implements Pipe {
  #waiting: { bytes: Uint8Array; done: (() => void) | undefined }[] = [];
  readonly decoder = new RecordDecoder(crc32);
  readonly seen: string[] = [];
  most = 0;

  get writableLength(): number {
    return this.#waiting.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
  cork(): void {}
  uncork(): void {}
  write(bytes: Uint8Array, done?: () => void): boolean {
    this.#waiting.push({ bytes, done });
    this.most = Math.max(this.most, this.writableLength);
    return false;
  }
  /** Lets everything through, and what that brings along. */
  flows(): void {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      for (const found of this.decoder.push(new Uint8Array(next.bytes)))
        this.seen.push("record" in found ? named(found.record) : "skipped");
      next.done?.();
    }
  }
  /** Lets one write through. */
  flowsOnce(): void {
    const next = this.#waiting.shift();
    if (!next) return;
    for (const found of this.decoder.push(new Uint8Array(next.bytes)))
      this.seen.push("record" in found ? named(found.record) : "skipped");
    next.done?.();
  }
}

function named(record: BridgeRecord): string {
  if (record.kind === "native") return new TextDecoder().decode(record.bytes.subarray(0, 8)).trimEnd();
  if (record.kind !== "word") return "message";
  const { word } = record;
  return word.word === "gap" ? `gap ${word.records}` : "id" in word ? word.id : word.word;
}

const output = (name: string, bytes = 100_000): BridgeRecord => ({
  kind: "native",
  stream: "stdout",
  incarnation: 1,
  bytes: Buffer.alloc(bytes, " ").fill(name, 0, name.length),
});
const answer = (id: string): BridgeRecord => ({ kind: "word", word: { word: "answer", id, ok: true } });
let count = 0;
const spool = (capacity: number) => new Spool(join(folder, `spool-${count++}`), capacity);

test("what a blocked pipe does not take waits in memory, then in a nameless file, and comes out in order", () => {
  const pipe = new ScriptedPipe();
  let eased = 0;
  const outlet = new Outlet(
    pipe,
    spool(64 * 1024 * 1024),
    () => 0,
    () => eased++,
  );
  for (let i = 0; i < 200; i++) outlet.put(output(`o${i}`), true);
  expect(pipe.most).toBeLessThan(1_100_000);
  expect(outlet.spooledBytes).toBeGreaterThan(18_000_000);
  expect(readdirSync(folder)).toEqual([]);
  pipe.flows();
  expect(pipe.seen).toEqual(Array.from({ length: 200 }, (_, i) => `o${i}`));
  expect([outlet.isBehind, outlet.spooledBytes, eased]).toEqual([false, 0, 1]);
  outlet.put(output("last"), true);
  pipe.flows();
  expect(pipe.seen.at(-1)).toBe("last");
});

test("when the spool is full output is dropped whole, a gap stands in its place, and answers are kept", () => {
  const pipe = new ScriptedPipe();
  const outlet = new Outlet(pipe, spool(16 * 100_000), () => 0);
  for (let i = 0; i < 40; i++) outlet.put(output(`o${i}`), true);
  outlet.put(answer("reply"), false);
  for (let i = 40; i < 45; i++) outlet.put(output(`o${i}`), true);
  outlet.put(answer("another"), false);
  const { gapRecords } = outlet;
  pipe.flows();
  const kept = 45 - gapRecords;
  expect(pipe.seen).toEqual([
    ...Array.from({ length: kept }, (_, i) => `o${i}`),
    `gap ${40 - kept}`,
    "reply",
    "gap 5",
    "another",
  ]);
  expect(outlet.isBehind).toBe(false);
});

test("a gap that nothing follows is told when the pipe has taken all before it", () => {
  const pipe = new ScriptedPipe();
  const outlet = new Outlet(pipe, spool(2 * 100_000), () => 0);
  for (let i = 0; i < 30; i++) outlet.put(output(`o${i}`), true);
  pipe.flows();
  expect(pipe.seen.at(-1)).toBe(`gap ${outlet.gapRecords}`);
  expect(outlet.gapRecords).toBe(30 - (pipe.seen.length - 1));
});

test("output is taken on again when half of the spool is free, after the word of the gap", () => {
  const pipe = new ScriptedPipe();
  const outlet = new Outlet(pipe, spool(20 * 100_000), () => 0);
  for (let i = 0; i < 40; i++) outlet.put(output(`o${i}`), true);
  while (outlet.spooledBytes > 900_000) pipe.flowsOnce();
  outlet.put(output("after"), true);
  pipe.flows();
  expect(pipe.seen.slice(-2)).toEqual([`gap ${outlet.gapRecords}`, "after"]);
});

test("a disk that takes nothing is a gap with its reason, and the pipe goes on", () => {
  const pipe = new ScriptedPipe();
  const outlet = new Outlet(pipe, new Spool(join(folder, "no", "such", "folder"), 1 << 20), () => 0);
  for (let i = 0; i < 20; i++) outlet.put(output(`o${i}`), true);
  pipe.flows();
  outlet.put(output("after"), true);
  pipe.flows();
  expect(pipe.seen.slice(-2)).toEqual([`gap ${outlet.gapRecords}`, "after"]);
});

test("one record that is larger than all memory goes by itself, and one larger than the spool is a gap", () => {
  const pipe = new ScriptedPipe();
  const outlet = new Outlet(pipe, spool(4_000_000), () => 0);
  outlet.put(output("large", 8_000_000), true);
  outlet.put(output("larger", 8_000_000), true);
  pipe.flows();
  expect(pipe.seen).toEqual(["large", "gap 1"]);
});

test("the spool is a ring: however much goes through, it holds what was not taken, whole and in order", () => {
  const ring = spool(1_000);
  const put: number[] = [];
  const got: number[] = [];
  for (let i = 0; i < 500; i++) {
    const bytes = Uint8Array.from({ length: 1 + ((i * 37) % 300) }, (_, at) => (i + at) % 256);
    if (ring.append([bytes.subarray(0, 1), bytes.subarray(1)], bytes.length) === "kept") put.push(...bytes);
    if (i % 3 > 0) got.push(...ring.take(Buffer.alloc(1 + ((i * 53) % 400))));
    expect(ring.bytes).toBe(put.length - got.length);
  }
  while (ring.bytes > 0) got.push(...ring.take(Buffer.alloc(64)));
  expect(got).toEqual(put);
  expect(ring.append([new Uint8Array(1_001)], 1_001)).toBe("full");
  ring.close();
});
