/** What is not synced is soon (P2: 200 ms or 256 KiB of output at a power cut). */
import { spawn, spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { fact } from "./world/processes.ts";
import { bytes, world } from "./world/world.ts";

const canTrace = spawnSync("strace", ["-V"]).status === 0;

test.runIf(canTrace)("a few bytes of output are put on the disk without anybody asking", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, { script: "echo ready; exec cat" });
  await me.wait(session.id, { match: "ready", fromSeq: 0 });
  const tracer = spawn("strace", ["-f", "-e", "trace=fdatasync", "-p", String(await w.hostPid())], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  w.atEnd(() => void tracer.kill("SIGKILL"));
  let traced = "";
  tracer.stderr.on("data", (text) => {
    traced += text;
  });
  await fact("the host is traced", () => traced.includes("attached"));
  await me.wait(session.id, { idleMs: 1_000 });
  const before = traced.split("fdatasync(").length;
  await me.send(session.id, bytes("a little\n"));
  await fact("the host has synced once more", () => traced.split("fdatasync(").length > before);
  expect(traced).not.toMatch(/fdatasync\(\d+\)\s+= -1/);
});
