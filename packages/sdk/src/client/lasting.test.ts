/** Calls whose link ends, against a host that says what a test tells it to. */
import type { HostBody } from "@holdfast/protocol";
import { describe, expect, test } from "vitest";
import { Client } from "./client.ts";
import { HandClock, ScriptedHost, settled } from "./test/scripted-host.ts";

async function scene() {
  const host = new ScriptedHost();
  const clock = new HandClock(host);
  const client = new Client(await host.dial(), clock, { env: {}, cwd: "/", shell: "sh", umask: 0, nofile: null });
  const answer = (result: object, more = false): void => {
    const { id } = host.of("call").at(-1)!;
    host.say({ case: "answer", value: { id, more, result } } as unknown as HostBody, 0);
  };
  const cut = async (): Promise<void> => {
    host.links.at(-1)!.destroy();
    for (let n = 0; n < 5; n++) await settled();
  };
  const calls = () => host.of("call").map((c) => c.verb);
  return { host, clock, client, answer, cut, calls };
}

describe("a command", () => {
  test("is asked for again by the same name, from where its output had come to, on a link of its own that ends with it", async () => {
    const { host, client, answer, cut, calls } = await scene();
    let output = "";
    const running = client.run("work", { text: "make" }, { timeoutMs: 9_000, output: (b) => void (output += Buffer.from(b)) });
    await settled();
    const one = { state: "output", output: Buffer.from("o** "), toOffset: 104n, omittedBytes: 3n, maskedBytes: 2n };
    answer({ case: "run", value: one }, true);
    await settled();
    await cut();
    const [first, second] = calls();
    if (first?.case !== "run" || second?.case !== "run") throw new Error("asked for something else");
    expect(first.value.again).toBeUndefined();
    expect([second.value.writer, second.value.n]).toEqual([first.value.writer, first.value.n]);
    expect(second.value.again).toMatchObject({ offset: 104n, bytes: 4n });
    answer(
      { case: "run", value: { state: "output", output: Buffer.from("tw*"), toOffset: 107n, omittedBytes: 0n, maskedBytes: 1n } },
      true,
    );
    answer({
      case: "run",
      value: { state: "ended", code: 7, fromOffset: 100n, toOffset: 112n, omittedBytes: 5n, maskedBytes: 1n },
    });
    expect(await running).toMatchObject({ state: "ended", code: 7, omittedBytes: 8, maskedBytes: 3 });
    expect(output).toBe("o** tw*");
    await settled();
    expect([host.links.length, host.closed]).toEqual([2, 2]);
  });

  test("is not asked for again of a host that would take it for another", async () => {
    const { host, client, cut, calls } = await scene();
    const running = client.run("work", { text: "make" });
    running.catch(() => {});
    await settled();
    host.answersAgain = false;
    await cut();
    await expect(running).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("the link to the host ended"),
    });
    expect(calls()).toHaveLength(1);
  });

  test("that was never sent, since the link had ended before, is asked for as a new one", async () => {
    const { client, answer, cut, calls } = await scene();
    await cut();
    const running = client.run("work", { text: "make" });
    for (let n = 0; n < 5; n++) await settled();
    expect(calls()).toMatchObject([{ case: "run", value: { again: undefined } }]);
    answer({ case: "run", value: { state: "ended", code: 0 } });
    expect((await running).code).toBe(0);
  });

  test("is asked for again until the session is taken up, and told of a refusal that was no loss", async () => {
    const { client, clock, answer, cut, calls } = await scene();
    const running = client.run("work", { text: "make" });
    running.catch(() => {});
    await settled();
    await cut();
    for (let n = 2; n < 5; n++) {
      expect(calls()).toHaveLength(n);
      answer({ case: "error", value: { code: "draining", message: "being taken up" } });
      await settled();
      await clock.next();
      await settled();
    }
    answer({ case: "error", value: { code: "floor_held", message: "held by ben" } });
    await expect(running).rejects.toMatchObject({ code: "floor_held" });
  });

  test("is given up when nobody has been there for ten minutes, and sooner where its time is up", async () => {
    for (const [timeoutMs, lastMs] of [
      [undefined, 600_000],
      [5_000, 5_000],
    ] as const) {
      const { host, client, clock, cut } = await scene();
      const states: string[] = [];
      const running = client.run(
        "work",
        { text: "make" },
        { link: (s) => void states.push(s), ...(timeoutMs ? { timeoutMs } : {}) },
      );
      let fault: { code?: string } | null = null;
      running.catch((e: { code?: string }) => (fault = e));
      await settled();
      host.refusesLinks = true;
      await cut();
      while (!fault && clock.pending > 0) await clock.next();
      expect([fault!.code, clock.nowMs, states, clock.pending]).toEqual(["unreachable", lastMs, ["offline"], 0]);
    }
  });
});

test("what the machine slept counts too, in how long ago a command was asked for", async () => {
  const { client, clock, answer, cut, calls } = await scene();
  const running = client.run("work", { text: "make" });
  await settled();
  clock.sleptMs = 8 * 3_600_000;
  await cut();
  expect(calls().at(-1)).toMatchObject({ case: "run", value: { again: { askedMsAgo: 28_800_000n } } });
  answer({ case: "run", value: { state: "ended", code: 0 } });
  await running;
});

test("a wait is asked again of the same session, from where its journal stood at first, for the time that is left", async () => {
  const { client, clock, answer, cut, calls } = await scene();
  const waiting = client.wait("work", { command: true, timeoutMs: 10_000 });
  await settled();
  answer({ case: "session", value: { id: "s1", seq: 41n } });
  await settled();
  clock.nowMs = 4_000;
  await cut();
  const asked = { session: "s1", command: true, fromSeq: 41n };
  expect(calls().slice(1)).toMatchObject([
    { case: "wait", value: { ...asked, timeoutMs: 10_000n } },
    { case: "wait", value: { ...asked, timeoutMs: 6_000n } },
  ]);
  answer({ case: "wait", value: { fired: "command", code: 3 } });
  expect(await waiting).toMatchObject({ fired: "command", code: 3 });
});
