import { HoldError } from "@holdfast/protocol";
import { expect, test } from "vitest";
import type { Connection } from "./connection.ts";
import { anyWay, type Way } from "./way.ts";

const there = (name: string): Connection => ({ name }) as unknown as Connection;

test("the way that led there last is tried first, the others in turn, and what the first said is told when none does", async () => {
  const tried: string[] = [];
  const open = new Set(["b"]);
  const way =
    (name: string): Way =>
    () => {
      tried.push(name);
      return open.has(name) ? Promise.resolve(there(name)) : Promise.reject(new HoldError("unreachable", `${name} is gone`));
    };
  const any = anyWay(way("a"), [way("b"), way("c")]);
  await any(null);
  await any(null);
  expect(tried).toEqual(["a", "b", "b"]);
  open.clear();
  await expect(any(null)).rejects.toThrow("b is gone");
  expect(tried.slice(3)).toEqual(["b", "c", "a"]);
});

test("a host that refuses is the host: no other way is tried", async () => {
  const any = anyWay(() => Promise.reject(new HoldError("revoked", "out")), [() => Promise.resolve(there("b"))]);
  await expect(any(null)).rejects.toThrow("out");
});
