import { create, WaitCallSchema, type Init, type WaitCall, type WaitAnswer } from "@holdfast/protocol";
import { simulate, type World } from "@holdfast/testkit";
import { describe, expect, test, vi } from "vitest";
import type { Host } from "../host.ts";
import { search } from "./reading.ts";
import { waitCall } from "./wait.ts";

function wait(world: World, value: Init<WaitCall>, signal = new AbortController().signal) {
  const box: { answer: WaitAnswer | null; fault: { code?: string } | null } = { answer: null, fault: null };
  waitCall(
    { host: world.life.host, operator: { kind: "human" }, signal } as never,
    create(WaitCallSchema, { session: world.session, ...value }),
  ).then(
    (r) => {
      if (r.case === "wait") box.answer = r.value;
    },
    (fault: { code?: string }) => {
      box.fault = fault;
    },
  );
  return box;
}
const prints = (world: World, text: string): void => world.shim.prints(Buffer.from(text));

describe("a wait says what came", () => {
  test("the end of the program, with its code", async () => {
    const world = await simulate({ seed: 31 });
    const w = wait(world, { exit: true });
    await world.advance(1_000);
    expect(w.answer).toBeNull();
    world.shim.exits(3);
    await world.advance(1_000);
    expect(w.answer).toMatchObject({ fired: "exit", state: "finished", exit: { code: 3 } });
  });

  test("a line that matches, also one that has not ended, in any pieces", async () => {
    const world = await simulate({ seed: 32 });
    const w = wait(world, { match: "Paßwort:$" });
    const bytes = Buffer.from("first\r\n\x1b[1mPaßwort:");
    for (const byte of bytes) {
      world.shim.prints(Buffer.from([byte]));
      await world.advance(5);
    }
    await world.advance(100);
    expect(w.answer).toMatchObject({ fired: "match", text: "Paßwort:" });
  });

  test("quiet, counted from the last output", async () => {
    const world = await simulate({ seed: 33 });
    const w = wait(world, { idleMs: 2_000n });
    await world.advance(1_500);
    prints(world, "x");
    await world.advance(1_500);
    expect(w.answer).toBeNull();
    await world.advance(700);
    expect(w.answer?.fired).toBe("idle");
  });

  test("the deadline, and the session goes on", async () => {
    const world = await simulate({ seed: 34 });
    const w = wait(world, { match: "never", timeoutMs: 500n });
    await world.advance(600);
    expect(w.answer?.fired).toBe("timeout");
    expect(world.live.isOver).toBe(false);
  });

  test("what came already since a seq, however much it is, before what comes now", async () => {
    const world = await simulate({ seed: 35, ringBytes: 4 * 1024 * 1024 });
    prints(world, `needle one\r\n${"hay\r\n".repeat(200_000)}`);
    await world.advance(3_000);
    const w = wait(world, { match: "needle", fromSeq: 0n });
    prints(world, "needle two\r\n");
    await world.advance(1_000);
    expect(w.answer?.text).toBe("needle one");
  });

  test("the end before the rest where it was asked for, and what had come already before an end that was not", async () => {
    const world = await simulate({ seed: 36 });
    prints(world, "needle\r\n");
    world.shim.exits(0);
    await world.advance(1_000);
    const asked = wait(world, { exit: true, match: "needle", fromSeq: 0n });
    const notAsked = wait(world, { match: "needle", fromSeq: 0n, idleMs: 1n });
    await world.advance(100);
    expect([asked.answer?.fired, notAsked.answer?.fired]).toEqual(["exit", "match"]);
  });

  test.each([
    ["a match", { match: "listening" }],
    ["a match since a seq", { match: "listening", fromSeq: 0n }],
    ["a command", { command: true }],
    ["quiet", { idleMs: 60_000n }],
    ["a need of input", { inputNeeded: true }],
  ] as const)("the end of a session, or that it was over, is not %s", async (_what, value) => {
    const world = await simulate({ seed: 40 });
    const before = wait(world, value);
    await world.advance(100);
    expect(before.answer).toBeNull();
    world.shim.exits(7);
    await world.advance(100);
    const after = wait(world, value);
    await world.advance(100);
    for (const w of [before, after]) expect(w.answer).toMatchObject({ fired: "ended", state: "finished", exit: { code: 7 } });
  });

  test("with a deadline of nothing, what is there now: it looks once", async () => {
    const world = await simulate({ seed: 43, ringBytes: 4 * 1024 * 1024 });
    prints(world, `${"hay\r\n".repeat(60_000)}needle\r\n`);
    await world.advance(3_000);
    const waits = [
      wait(world, { match: "needle", timeoutMs: 0n }),
      wait(world, { match: "needle", fromSeq: 0n, timeoutMs: 0n }),
      wait(world, { match: "nettle", fromSeq: 0n, timeoutMs: 0n }),
      wait(world, { inputNeeded: true, timeoutMs: 0n }),
      wait(world, { exit: true, timeoutMs: 0n }),
    ];
    await world.advance(1_000);
    const fired = waits.map((w) => w.answer?.fired);
    expect([...fired.slice(0, 3), fired[4]]).toEqual(["timeout", "match", "timeout", "timeout"]);
    expect(["timeout", "input_needed"]).toContain(fired[3]);
    world.shim.exits(0);
    await world.advance(100);
    const over = wait(world, { exit: true, timeoutMs: 0n });
    await world.advance(100);
    expect(over.answer?.fired).toBe("exit");
  });
});

test("W4: from the beginning of a long record, no more than a piece of it is held, and none of it behind what was asked for", async () => {
  const KIB = 1024;
  const world = await simulate({ seed: 43 });
  for (let i = 0; i < 64; i++) {
    prints(world, i === 40 ? "the needle\n" : `${"x".repeat(63)}\n`.repeat(KIB));
    await world.advance(50);
  }
  const { journal } = world.life.host.ports;
  const read = vi.spyOn(journal, "read");
  const w = wait(world, { match: "needle", fromSeq: 0n });
  await world.advance(1_000);
  expect(w.answer).toMatchObject({ fired: "match", text: "the needle" });
  const pieces = read.mock.results.map(({ value }) =>
    (value as ReturnType<typeof journal.read>).reduce((sum, item) => sum + ("gap" in item ? 0 : item.payload.length), 0),
  );
  expect(Math.max(...pieces)).toBeLessThanOrEqual((256 + 64) * KIB);
  expect(pieces.length).toBeGreaterThan(8);
  expect(pieces.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan((40 + 8) * 64 * KIB);
});

test("a wait for nothing is refused", async () => {
  const world = await simulate({ seed: 37 });
  expect(() => wait(world, {})).toThrow(expect.objectContaining({ code: "usage" }));
});

test("a pattern that would take for ever ends its wait and not the host", async () => {
  const world = await simulate({ seed: 38 });
  const w = wait(world, { match: "^(a+)+$" });
  prints(world, `${"a".repeat(40)}!\r\n`);
  await world.advance(100);
  expect(w.fault?.code).toBe("bad_request");
  expect(world.violations).toEqual([]);
});

test("giving up a wait ends it, and it leaves nothing behind however long it was", async () => {
  const world = await simulate({ seed: 39 });
  await world.advance(20_000);
  const giving = new AbortController();
  const w = wait(world, { inputNeeded: true, idleMs: 3_600_000n, match: "x" }, giving.signal);
  await world.advance(60_000);
  giving.abort();
  await world.advance(300);
  expect(w.fault?.code).toBe("cancelled");
});

describe("search", () => {
  const found = async (world: World, value: object): Promise<string[]> => {
    const asked = search(
      { host: world.life.host as Host, operator: { kind: "human" }, signal: new AbortController().signal } as never,
      { session: world.session, text: "", regex: false, beforeOffset: 0n, limit: 0, ...value } as never,
    );
    const r = await world.finish(asked);
    return r.case === "search" ? r.value.hits.map((h) => `${h.offset} ${h.line}`) : [];
  };

  test("finds lines newest first, with the offset where each begins, the open one too", async () => {
    const world = await simulate({ seed: 41 });
    for (const piece of ["née on", "e\r\nother\r\n", "née two\r\nné", "e three"]) {
      prints(world, piece);
      await world.advance(50);
    }
    expect(await found(world, { text: "née" })).toEqual(["27 née three", "17 née two", "0 née one"]);
    expect(await found(world, { text: "née", limit: 1 })).toEqual(["27 née three"]);
    expect(await found(world, { text: "née", beforeOffset: 27n })).toEqual(["17 née two", "0 née one"]);
    expect(await found(world, { text: "^n.e t", regex: true })).toEqual(["27 née three", "17 née two"]);
  });

  test("of what was redacted finds nothing, and places the rest right", async () => {
    const world = await simulate({ seed: 42 });
    prints(world, "secret\r\n");
    await world.advance(50);
    const seq = world.live.facts.seq;
    prints(world, "after\r\n");
    await world.advance(50);
    world.life.journal.erase(world.session, [seq]);
    expect(await found(world, { text: "secret" })).toEqual([]);
    expect(await found(world, { text: "after" })).toEqual(["8 after"]);
  });
});
