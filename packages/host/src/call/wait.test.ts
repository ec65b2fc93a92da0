import { create, WaitCallSchema, type Init, type WaitCall, type WaitAnswer } from "@holdfast/protocol";
import { simulate, type World } from "@holdfast/testkit";
import { describe, expect, test } from "vitest";
import type { Host } from "../host.ts";
import { search } from "./reading.ts";
import { waitCall } from "./wait.ts";

function wait(world: World, value: Init<WaitCall>, signal = new AbortController().signal) {
  const box: { answer: WaitAnswer | null; fault: { code?: string } | null } = { answer: null, fault: null };
  waitCall({ host: world.life.host, signal } as never, create(WaitCallSchema, { session: world.session, ...value })).then(
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

  test("the end before the rest, when the program has ended already", async () => {
    const world = await simulate({ seed: 36 });
    prints(world, "needle\r\n");
    world.shim.exits(0);
    await world.advance(1_000);
    const w = wait(world, { match: "needle", fromSeq: 0n, idleMs: 1n });
    await world.advance(100);
    expect(w.answer?.fired).toBe("exit");
  });
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
      { host: world.life.host as Host, signal: new AbortController().signal } as never,
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
