/** Nothing left to take one more with: who comes is told so, who is there goes on, nobody spins, and it passes (T-62). */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { HoldError } from "@holdfast/protocol";
import type { HostClient } from "@holdfast/sdk";
import { connect } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { cpuTicks, descriptors, fact } from "./world/processes.ts";
import { RawLink } from "./world/raw-link.ts";
import { bytes, type World, world } from "./world/world.ts";

/** The soft limit of open files of a process that runs. */
function limitFiles(pid: number, most: number): void {
  const set = spawnSync("prlimit", ["--pid", String(pid), `--nofile=${most}:`], { encoding: "utf8" });
  if (set.status !== 0) throw new Error(set.stderr);
}

const fault = (call: Promise<unknown>): Promise<HoldError | null> =>
  call.then(
    () => null,
    (e: HoldError) => e,
  );

/** Processor time that a process takes while another session's program runs for a second. */
async function ticksInASecond(w: World, me: HostClient, pid: number, clockSession: string): Promise<number> {
  const before = cpuTicks(pid);
  await me.send(clockSession, bytes("tick\n"));
  await me.wait(clockSession, { exit: true });
  expect(w.log()).not.toContain("defect");
  return cpuTicks(pid) - before;
}

/** Ticks of 10 ms: a loop that spins has all hundred of the second. */
const SPIN = 80;
const clock = "stty -echo; read -r x; sleep 1";

test("without descriptors for more, links and sessions are refused by the limit's name, what lives goes on, and it passes", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, { name: "there", script: "stty -echo; echo ready; exec cat" });
  const second = await w.open(me, { script: clock });
  await me.wait(session.id, { match: "ready", fromSeq: 0 });
  const host = await w.hostPid();
  const most = descriptors(host).length + 40;
  limitFiles(host, most);
  const crowd: HostClient[] = [];
  const full = await fault(
    (async () => {
      for (;;) crowd.push(await connect({ home: w.home, timeoutMs: 60_000 }));
    })(),
  );
  expect(crowd.length).toBeGreaterThan(5);
  for (const refused of [full, await fault(w.open(me, { script: "true" }))]) {
    expect(refused?.code).toBe("too_many");
    for (const part of [`of ${most}`, "EMFILE", "ulimit -n"]) expect(refused?.message).toContain(part);
  }
  await me.send("there", bytes("still here\n"));
  await me.wait(session.id, { match: "still here", fromSeq: 0 });
  expect(await ticksInASecond(w, me, host, second.id)).toBeLessThan(SPIN);
  for (const client of crowd) client.close();
  await fact("a link is taken again", async () => (await connect({ home: w.home, timeoutMs: 60_000 })).close() === undefined);
  expect((await w.open(me, { script: "exec cat" })).state).toBeDefined();
});

test("with no descriptor left at all the host neither spins nor lets go of what it has", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, { name: "there", script: `stty -echo; echo ready; exec cat >'${w.path("read")}'` });
  const second = await w.open(me, { script: clock });
  await me.wait(session.id, { match: "ready", fromSeq: 0 });
  const host = await w.hostPid();
  // As many as it has: what libuv keeps for this case is all that may be opened.
  limitFiles(host, descriptors(host).length);
  const knocking = Array.from({ length: 20 }, () => RawLink.open(w.home));
  expect((await fault(w.open(me, { script: "true" })))?.code).toBe("too_many");
  await me.send("there", bytes("still here\n"));
  await fact("the program has read it", () => readFileSync(w.path("read"), "latin1") === "still here\n");
  expect((await fault(me.wait(session.id, { match: "here", fromSeq: 0 })))?.code).toBe("too_many");
  expect(await ticksInASecond(w, me, host, second.id)).toBeLessThan(SPIN);
  limitFiles(host, 4096);
  for (const link of await Promise.allSettled(knocking)) if (link.status === "fulfilled") link.value.end();
  expect((await w.open(await w.connect(), { name: "new", script: "exec cat" })).name).toBe("new");
  expect(await w.hostPid()).toBe(host);
});

test("a keeper without descriptors says so to the host, answers on, and starts sessions again when it has some", async () => {
  const w = await world();
  const me = await w.connect();
  const second = await w.open(me, { script: clock });
  const { keeperPid } = await w.status();
  for (const free of [0, 1]) {
    limitFiles(keeperPid, descriptors(keeperPid).length + free);
    const refused = await fault(w.open(me, { script: "true" }));
    expect(refused?.code).toBe("start_failed");
    for (const part of ["EMFILE", "ulimit -n"]) expect(refused?.message).toContain(part);
  }
  expect(await ticksInASecond(w, me, keeperPid, second.id)).toBeLessThan(SPIN);
  limitFiles(keeperPid, 4096);
  expect((await w.open(me, { name: "new", script: "exec cat" })).name).toBe("new");
  expect((await w.status()).keeperPid).toBe(keeperPid);
});
