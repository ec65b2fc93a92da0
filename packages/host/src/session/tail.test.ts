import { expect, test } from "vitest";
import { Tail, type TailEvent } from "./tail.ts";

const event = (seq: number, bytes: number): TailEvent => ({
  seq,
  position: seq * bytes,
  message: new Uint8Array(bytes),
  dataBytes: bytes,
  isOutput: true,
  typed: null,
});

test("an empty tail has no event", () => {
  expect(new Tail().at(1)).toBeNull();
});

test("an event is found by its seq from the first one that is kept, and not before or after", () => {
  const tail = new Tail();
  for (let seq = 5; seq <= 9; seq++) tail.push(event(seq, 10));
  expect(tail.at(4)).toBeNull();
  expect(tail.at(5)?.seq).toBe(5);
  expect(tail.at(9)?.seq).toBe(9);
  expect(tail.at(10)).toBeNull();
});

test("only the last MiB is kept, and the newest event whatever its size", () => {
  const tail = new Tail();
  for (let seq = 1; seq <= 2_000; seq++) tail.push(event(seq, 4_096));
  expect(tail.at(2_000 - 256)).toBeNull();
  expect(tail.at(2_000 - 255)?.seq).toBe(2_000 - 255);
  tail.push(event(2_001, 2 * 1024 * 1024));
  expect(tail.at(2_000)).toBeNull();
  expect(tail.at(2_001)?.seq).toBe(2_001);
});

test("what is dropped is let go of at once: large events do not wait for a thousand others", () => {
  const tail = new Tail();
  for (let seq = 1; seq <= 900; seq++) tail.push(event(seq, 64 * 1024));
  expect(tail.heldBytes).toBeLessThanOrEqual(1024 * 1024);
});

test("a cleared tail begins anew at any seq", () => {
  const tail = new Tail();
  tail.push(event(1, 10));
  tail.clear();
  expect(tail.at(1)).toBeNull();
  tail.push(event(70, 10));
  expect(tail.at(70)?.seq).toBe(70);
});

test("what everybody has had is dropped, and the rest stays where it was", () => {
  const tail = new Tail();
  for (let seq = 5; seq <= 9; seq++) tail.push(event(seq, 10));
  tail.drop(7);
  expect([7, 8, 9].map((seq) => tail.at(seq)?.seq)).toEqual([undefined, 8, 9]);
  tail.drop(4);
  expect(tail.isEmpty).toBe(false);
  tail.drop(20);
  expect(tail.isEmpty).toBe(true);
  expect(tail.heldBytes).toBe(0);
  tail.push(event(10, 10));
  expect(tail.at(10)?.seq).toBe(10);
});
