import { describe, expect, test } from "vitest";
import { create } from "../message.ts";
import { HeadSchema } from "../wire/names.ts";
import { formatHead, headFrom, headOnWire, headWords, parseHeads } from "./words.ts";

const head = { lsn: 7, atUnixMs: 1_700_000_000_000, chain: new Uint8Array(32).fill(3), signature: new Uint8Array(64).fill(5) };
const HOST = "0123456789abcdef0123456789abcdef";
const wire = create(HeadSchema, headOnWire(head));

describe("a head on the wire", () => {
  test("is read as it was written", () => {
    expect(headFrom(wire)).toEqual(head);
  });

  test.each([
    ["no lsn", { lsn: 0n }],
    ["an lsn past 2^53", { lsn: 2n ** 53n }],
    ["the largest of 64 bits", { lsn: 2n ** 64n - 1n }],
    ["a time that no calendar has", { atUnixMs: 2n ** 62n }],
    ["a short chain", { chain: new Uint8Array(31) }],
    ["no signature", { signature: new Uint8Array(0) }],
  ])("with %s is none", (_, wrong) => {
    expect(headFrom({ ...wire, ...wrong })).toBeNull();
  });

  test("may have the largest lsn that a record has", () => {
    expect(headFrom({ ...wire, lsn: 2n ** 53n - 1n })?.lsn).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("is no message at all: none", () => {
    expect(headFrom(undefined)).toBeNull();
  });
});

test("what is signed differs by key, lsn, time, chain and by what it is", () => {
  const key = new Uint8Array(32).fill(9);
  const words = [
    headWords("head", key, head),
    headWords("pruning", key, head),
    headWords("head", new Uint8Array(32), head),
    headWords("head", key, { ...head, lsn: 8 }),
    headWords("head", key, { ...head, atUnixMs: 1 }),
    headWords("head", key, { ...head, chain: new Uint8Array(32) }),
    // The border between the two numbers is in it.
    headWords("head", key, { ...head, lsn: 71, atUnixMs: 700_000_000_000 }),
  ].map(String);
  expect(new Set(words).size).toBe(words.length);
});

describe("a head as a line", () => {
  test("is read as it was written, among other lines", () => {
    expect(parseHeads(`# kept on paper\n${formatHead(HOST, head)}\n\n`)).toEqual([{ host: HOST, ...head }]);
  });

  test.each([
    "",
    "hold",
    `${HOST} 0 1 ${"00".repeat(32)} ${"00".repeat(64)}`,
    `${HOST} 9007199254740993 1 ${"00".repeat(32)} ${"00".repeat(64)}`,
    `${HOST} 7 1 ${"00".repeat(31)} ${"00".repeat(64)}`,
  ])("that is none is passed over: %s", (text) => {
    expect(parseHeads(text)).toEqual([]);
  });
});
