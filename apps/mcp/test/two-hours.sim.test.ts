/**
 * A build of two hours, followed through MCP by a client with the usual deadline of 60 s a request. Two hours pass, on every clock
 * that there is: the host, its journal, its links and its shim run on testkit's clock, the MCP server and the client on faked timers
 * that are moved along with it. No limit is scaled; all are those that docs/mcp.md tells.
 */
import type { HostClient } from "@holdfast/sdk";
import { simulate, type World } from "@holdfast/testkit";
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { afterEach, expect, test, vi } from "vitest";
import { HostWay } from "../src/link.ts";
import { makeServer } from "../src/server.ts";

const RESULT_BYTES = 32 * 1024;
const HOUR_S = 3_600;
const BUILD_S = 2 * HOUR_S - 100;

let world: World;
let stop: () => Promise<void> = async () => {};

afterEach(async () => {
  await stop();
  vi.useRealTimers();
  expect(world.violations.length === 0 ? "" : world.report()).toBe("");
});

/** One second on both clocks; what comes of it has come. */
async function second(): Promise<void> {
  await world.advance(1_000);
  vi.advanceTimersByTime(1_000);
  await world.advance(1);
}

/** Lets time pass until it is settled. */
async function passing<T>(promise: Promise<T>, each: (second: number) => void = () => {}): Promise<T> {
  let over = false;
  const mark = (): void => {
    over = true;
  };
  promise.then(mark, mark);
  for (let s = 0; !over; s++) {
    if (s > 3 * HOUR_S) throw new Error("it is not over after three hours");
    each(s);
    await second();
  }
  return promise;
}

async function agent(): Promise<Client> {
  const ai = await world.newClient("bot");
  const way = new HostWay(async () => ai.client as HostClient);
  const [near, far] = InMemoryTransport.createLinkedPair();
  const server = makeServer(way, "sim");
  await server.connect(far as never);
  const client = new Client({ name: "sim", version: "1" });
  await client.connect(near);
  stop = async () => {
    await client.close();
    await server.close();
    way.close();
  };
  return client;
}

test("one call follows a build of two hours to its end: exit code, bounded output, and it wakes within a second", async () => {
  world = await simulate({ seed: 3, mood: "sink" });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] });
  const client = await agent();
  let told = 0;
  let calls = 0;
  const call = (name: string, args: Record<string, unknown>): Promise<Awaited<ReturnType<Client["callTool"]>>> => {
    calls++;
    return client.callTool(
      { name, arguments: { session: world.session, ...args } },
      { timeout: 60_000, resetTimeoutOnProgress: true, onprogress: () => void told++ },
    );
  };
  let ended = 0;
  let now = 0;
  const answer = await passing(call("wait", { until: ["exit"], cursor: "0", timeout_seconds: 2 * HOUR_S }), (s) => {
    now = s;
    if (s < BUILD_S) world.shim.prints(Buffer.from(`[${s}/${BUILD_S}] compiling module_${s} and every file that it needs\r\n`));
    if (s !== BUILD_S) return;
    world.shim.prints(Buffer.from("linked\r\n"));
    world.shim.exits(3);
    ended = s;
  });
  const facts = answer.structuredContent as Record<string, unknown> & { output: Record<string, unknown> };
  expect(facts).toMatchObject({ fired: "exit", state: "finished", exit_code: 3 });
  expect(now - ended).toBeLessThanOrEqual(1);
  expect(calls).toBe(1);
  // Told every 10 s, or the client would have given up after 60.
  expect(told).toBeGreaterThanOrEqual(Math.floor(BUILD_S / 10) - 1);
  expect(Buffer.byteLength(JSON.stringify({ content: answer.content, structuredContent: facts }))).toBeLessThanOrEqual(
    RESULT_BYTES,
  );
  const { text, omitted_lines, omitted_bytes } = facts.output as { text: string; omitted_lines: number; omitted_bytes: number };
  expect(text).toContain(`[0/${BUILD_S}]`);
  expect(text).toContain("linked");
  expect(omitted_lines).toBeGreaterThan(BUILD_S - 1_000);
  expect(omitted_bytes).toBeGreaterThan(300_000);
});

test("a client that hears of no progress waits 50 s a call, misses nothing between, and is never cut at 60", async () => {
  world = await simulate({ seed: 4, mood: "sink" });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] });
  const client = await agent();
  let printed = 0;
  let cursor = "0";
  const seen: number[] = [];
  for (let calls = 1; ; calls++) {
    const answer = await passing(
      client.callTool(
        { name: "wait", arguments: { session: world.session, until: ["exit"], cursor, timeout_seconds: 600 } },
        { timeout: 60_000 },
      ),
      () => {
        if (printed < 150) world.shim.prints(Buffer.from(`<${printed++}>\r\n`));
        else if (!world.shim.hasExited) world.shim.exits(0);
      },
    );
    const facts = answer.structuredContent as { fired: string; cursor: string; output: { text: string } };
    for (const [, n] of facts.output.text.matchAll(/<(\d+)>/g)) seen.push(Number(n));
    cursor = facts.cursor;
    if (facts.fired === "timeout") continue;
    expect([facts.fired, calls]).toEqual(["exit", 4]);
    break;
  }
  expect(seen).toEqual(Array.from({ length: 150 }, (_, n) => n));
});
