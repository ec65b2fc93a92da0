import { HoldError } from "@holdfast/protocol";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { firstOf } from "./host-dials.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

/** Ways of which the test says what comes of each, and when. */
function scene(names: readonly string[]) {
  const begun: string[] = [];
  const late: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  const tries = names.map((name) => () => {
    begun.push(name);
    const end = Promise.withResolvers<string>();
    ends.set(name, end);
    return end.promise;
  });
  const first = firstOf(tries, 1_000, (value) => late.push(value));
  first.catch(() => {});
  const comes = async (name: string): Promise<void> => {
    ends.get(name)!.resolve(name);
    await vi.advanceTimersByTimeAsync(0);
  };
  const fails = async (name: string, code: "unreachable" | "host_key_changed"): Promise<void> => {
    ends.get(name)!.reject(new HoldError(code, `${name} failed`));
    await vi.advanceTimersByTimeAsync(0);
  };
  return { begun, late, first, comes, fails };
}

test("the first that leads there is the one, and no other is begun where it is soon enough", async () => {
  const { begun, first, comes } = scene(["a", "b"]);
  await comes("a");
  await vi.advanceTimersByTimeAsync(10_000);
  expect([await first, begun]).toEqual(["a", ["a"]]);
});

test("one that is silent costs what it is given, one that fails nothing; what comes after the first is let go", async () => {
  const { begun, late, first, comes, fails } = scene(["silent", "gone", "there"]);
  await vi.advanceTimersByTimeAsync(999);
  expect(begun).toEqual(["silent"]);
  await vi.advanceTimersByTimeAsync(1);
  expect(begun).toEqual(["silent", "gone"]);
  await fails("gone", "unreachable");
  expect(begun).toEqual(["silent", "gone", "there"]);
  await comes("there");
  await comes("silent");
  expect([await first, late]).toEqual(["there", ["silent"]]);
});

test("one that fails while a later one is under way brings no third before its time", async () => {
  const { begun, fails } = scene(["a", "b", "c"]);
  await vi.advanceTimersByTimeAsync(1_000);
  await fails("a", "unreachable");
  expect(begun).toEqual(["a", "b"]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(begun).toEqual(["a", "b", "c"]);
});

test("where none leads there, what the first said is told; a refusal is told at once, and what comes in spite of it is let go", async () => {
  const none = scene(["a", "b"]);
  await none.fails("a", "unreachable");
  await none.fails("b", "unreachable");
  await expect(none.first).rejects.toThrow("a failed");
  const { begun, late, first, comes, fails } = scene(["slow", "other", "third"]);
  await vi.advanceTimersByTimeAsync(1_000);
  await fails("other", "host_key_changed");
  await expect(first).rejects.toMatchObject({ code: "host_key_changed" });
  await comes("slow");
  await vi.advanceTimersByTimeAsync(10_000);
  expect([begun, late]).toEqual([["slow", "other"], ["slow"]]);
});
