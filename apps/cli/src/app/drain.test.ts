import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { drainOf } from "./drain.ts";

/** A stream whose reader takes one chunk each time it is asked to. */
function slow(): { readonly stream: Writable; take(): void } {
  const taken: (() => void)[] = [];
  const stream = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void taken.push(done) });
  return { stream, take: () => taken.shift()?.() };
}

test("however many wait for a slow reader, the stream has one listener, and all go on when there is room", async () => {
  const { stream, take } = slow();
  const drained = drainOf(stream);
  stream.write("a long line");
  const waiting = Array.from({ length: 50 }, () => drained());
  expect([stream.listenerCount("drain"), stream.listenerCount("close")]).toEqual([1, 1]);
  take();
  await Promise.all(waiting);
  expect([stream.listenerCount("drain"), stream.listenerCount("close")]).toEqual([0, 0]);
  await drained();
});

test("who waits for a reader that goes away waits no longer", async () => {
  const { stream } = slow();
  const drained = drainOf(stream);
  stream.write("a long line");
  const waiting = drained();
  stream.destroy();
  await waiting;
});
