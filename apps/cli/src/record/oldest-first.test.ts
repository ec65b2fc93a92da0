import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { oldestFirst } from "./oldest-first.ts";

const left = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("hold-pages-"));

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of from) found.push(one);
  return found;
}

test("pages that begin with the newest are handed on from the oldest, each thing as it was", async () => {
  const before = left();
  const whole = Uint8Array.from({ length: 100 }, (_, i) => i);
  const things = [{ n: 5n, data: whole.subarray(7, 9) }, { n: 4n }, { n: 3n, gap: { from: 1 } }, { n: 2n }];
  const pages = (async function* () {
    yield things.slice(0, 1);
    yield [];
    yield things.slice(1);
  })();
  expect(await all(oldestFirst(pages))).toEqual(things.toReversed());
  expect(left()).toEqual(before);
});

test("of no pages nothing comes, and a page that can't be had ends it with what it threw", async () => {
  const before = left();
  expect(await all(oldestFirst((async function* () {})()))).toEqual([]);
  const broken = (async function* () {
    yield [1];
    throw new Error("the link broke");
  })();
  await expect(all(oldestFirst(broken))).rejects.toThrow("the link broke");
  expect(left()).toEqual(before);
});
