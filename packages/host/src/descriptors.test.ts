import { expect, test } from "vitest";
import { lacking, ownDescriptors } from "./descriptors.ts";

test("links and sessions are taken while descriptors are left, and sessions are refused before links", () => {
  expect(lacking("session", { used: 100, most: 1024 })).toBeNull();
  expect(lacking("link", { used: 995, most: 1024 })).toBeNull();
  expect(lacking("session", { used: 995, most: 1024 })?.code).toBe("too_many");
  expect(lacking("link", { used: 1000, most: 1024 })?.code).toBe("too_many");
});

test("a refusal names the limit, its size, and what to do", () => {
  const text = lacking("session", { used: 1020, most: 1024 })!.message;
  for (const part of ["1020 of 1024", "EMFILE", "ulimit -n 4096", "hold host down && hold host up"]) expect(text).toContain(part);
});

test("this process has fewer descriptors than it may have", () => {
  const { used, most } = ownDescriptors();
  expect(used).toBeGreaterThan(2);
  expect(most).toBeGreaterThan(used);
});
