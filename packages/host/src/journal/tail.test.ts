import { expect, test } from "vitest";
import { Tail } from "./tail.ts";

const CHAIN = Buffer.alloc(32);
const MIB = 1024 * 1024;

/** Appends `bytes` bytes as the writer does, each the low byte of its lsn. */
function append(tail: Tail, lsn: number, bytes: number): Buffer {
  const room = tail.room(bytes + 1000);
  const frame = room.subarray(0, bytes).fill(lsn % 256);
  tail.push({ lsn, seq: lsn, session: "s1", wallMs: 0, frame, salt: null, payload: null }, bytes);
  return room;
}

test("what is kept stays as it was written until it is durable, and is found by its lsn", () => {
  const tail = new Tail(64 * MIB, 0, CHAIN);
  for (let lsn = 1; lsn <= 60; lsn++) append(tail, lsn, 100_000);
  tail.advance(20, CHAIN);
  for (let lsn = 61; lsn <= 90; lsn++) append(tail, lsn, 100_000);
  expect(tail.find(20)).toBeUndefined();
  for (let lsn = 21; lsn <= 90; lsn++) expect(tail.find(lsn)!.frame.every((byte) => byte === lsn % 256)).toBe(true);
  expect(tail.bytes).toBe(70 * 100_000);
});

test("a flood that is synced as it goes lives in two slabs", () => {
  const tail = new Tail(64 * MIB, 0, CHAIN);
  const slabs = new Set<ArrayBufferLike>();
  for (let lsn = 1; lsn <= 2_000; lsn++) {
    slabs.add(append(tail, lsn, 65_768).buffer);
    if (lsn % 4 === 0) tail.advance(lsn - 2, CHAIN);
  }
  expect(slabs.size).toBe(2);
});

test("room that was not taken is given again", () => {
  const tail = new Tail(64 * MIB, 0, CHAIN);
  const first = tail.room(500);
  expect(tail.room(500).byteOffset).toBe(first.byteOffset);
});

test("past its bound it says that it is not whole, keeps nothing of what there was, and is whole again when all is durable", () => {
  const tail = new Tail(3 * MIB, 0, CHAIN);
  for (let lsn = 1; lsn <= 40; lsn++) append(tail, lsn, 100_000);
  expect(tail.isWhole).toBe(false);
  expect(tail.find(40)).toBeUndefined();
  expect(tail.entries).toHaveLength(1);
  tail.advance(40, CHAIN);
  expect([tail.isWhole, tail.bytes]).toEqual([true, 0]);
  append(tail, 41, 100_000);
  expect(tail.find(41)!.frame[0]).toBe(41);
});
