/** Under load: a client that never reads, many sessions, a slow link (P3, design §7). No time is asserted, only facts and bytes. */
import { readFileSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { ClientProcess } from "./world/client.ts";
import { bornAt, fact, lives, rssKib } from "./world/processes.ts";
import { Proxy } from "./world/proxy.ts";
import { bytes, say, soak, world } from "./world/world.ts";

/**
 * What the host may grow by while a session floods it and clients stall: the tail (1 MiB), a model's feed (4 MiB) and xterm's
 * own buffers, what waits for the disk, and what V8 does not give back at once. Measured: it rises for 30 s and then stays,
 * 240 to 290 MiB above an idle host at 20 to 30 MB/s, with and without clients.
 */
const GROWTH_KIB = 384 * 1024;
/** And by this much at most in the second half of the flood: it does not go on growing. */
const LATE_GROWTH_KIB = 96 * 1024;

test(
  "beside one client that is stopped and one that never gives credit, two others get every byte of `yes`, and the host stays small",
  async () => {
    const seconds = soak ? 60 : 10;
    const w = await world();
    const me = await w.connect();
    const as = me.operator.operator!.name;
    const flood = await w.open(me, {
      name: "flood",
      script: `until [ -e '${w.path("go")}' ]; do sleep 0.02; done; exec yes 'a line that comes again and again'`,
    });
    const quiet = await w.open(me, { name: "quiet", script: "stty -echo; exec cat" });
    const before = rssKib(await w.hostPid());
    const readers = [new ClientProcess(w, as, flood.id), new ClientProcess(w, as, flood.id)];
    const stalled = new ClientProcess(w, as, flood.id);
    for (const c of [...readers, stalled]) await c.until("it is attached", (s) => s.attached && s.snapshots.length === 1);
    // One more stalls in a handler: its link is read, its credit never comes.
    let used = 0;
    const idle = await w.connect();
    await idle.attach(
      { session: flood.id, observe: true },
      {
        output(o) {
          used += o.bytes.length;
          return new Promise<void>(() => {});
        },
      },
    );
    stalled.kill("SIGSTOP");
    const begun = performance.now();
    writeFileSync(w.path("go"), "");

    let most = before;
    let half = before;
    let echoes = 0;
    const echoed: string[] = [];
    await me.attach({ session: quiet.id }, { output: (o) => void echoed.push(Buffer.from(o.bytes).toString()) });
    while (performance.now() - begun < seconds * 1_000) {
      await me.send(quiet.id, bytes(`echo ${echoes}\n`));
      await fact(`the other session answers ${echoes}`, () => echoed.join("").includes(`echo ${echoes}\r\n`));
      echoes++;
      most = Math.max(most, rssKib(await w.hostPid()));
      if (performance.now() - begun < seconds * 500) half = most;
    }
    const lag = Number((await me.show(flood.id)).outputBytes);
    for (const c of readers) {
      const s = await c.until(`it has come to ${lag}`, ({ offset }) => offset >= lag, 60_000);
      expect(s.breaks).toBe(0);
    }
    most = Math.max(most, rssKib(await w.hostPid()));
    stalled.kill("SIGCONT");
    const back = await stalled.until("it was given a snapshot of now", (s) => s.snapshots.length > 1 && s.offset >= lag, 60_000);
    expect([back.snapshots[1], back.breaks, back.losses]).toEqual(["behind", 0, 0]);
    await me.kill(flood.id, 0);
    say(
      `${(lag / 1e6 / seconds).toFixed(1)} MB/s for ${seconds} s; ${echoes} echoes beside it; host RSS ${(before / 1024).toFixed(0)} to ${(most / 1024).toFixed(0)} MiB; snapshots of the readers: ${readers.map((r) => r.standing!.snapshots.length - 1).join(" and ")}; the one without credit was handed ${used} bytes`,
    );
    expect(most - before).toBeLessThan(GROWTH_KIB);
    if (soak) expect(most - half).toBeLessThan(LATE_GROWTH_KIB);
    expect(used).toBeLessThan(1024 * 1024);
  },
  soak ? 400_000 : 150_000,
);

test("a restarted host takes up many sessions, and every one of them answers", async () => {
  const count = soak ? 200 : 50;
  const w = await world();
  const me = await w.connect();
  const opened = [];
  for (let i = 0; i < count; i += 10) {
    opened.push(
      ...(await Promise.all(
        Array.from({ length: 10 }, (_, j) => w.open(me, { name: `s${i + j}`, script: "stty -echo; echo ready; exec cat" })),
      )),
    );
  }
  await Promise.all(opened.map((s) => me.wait(s.id, { match: "ready", fromSeq: 0 })));
  const born = opened.map((s) => bornAt(s.pid));
  const begun = performance.now();
  await w.killHost();
  const took = performance.now() - begun;
  const again = await w.connect();
  const list = await again.list();
  expect(list.map((s) => [s.name, s.pid]).sort()).toEqual(opened.map((s) => [s.name, s.pid]).sort());
  expect(opened.map((s) => [lives(s.pid), bornAt(s.pid)])).toEqual(born.map((b) => [true, b]));
  // A link carries 256 calls at once: two for each session here.
  for (let at = 0; at < count; at += 50) {
    await Promise.all(
      opened.slice(at, at + 50).map(async (s) => {
        const heard = again.wait(s.id, { match: `^again ${s.name}$` });
        await again.send(s.id, bytes(`again ${s.name}\n`));
        await heard;
      }),
    );
  }
  const own = /: (\d+) sessions taken up, (\d+) lost, in (\d+) ms/.exec(
    w
      .log()
      .split("\n")
      .filter((l) => l.includes("taken up"))
      .at(-1)!,
  )!;
  expect([Number(own[1]), Number(own[2])]).toEqual([count, 0]);
  say(
    `${count} sessions: serving ${(took / 1_000).toFixed(2)} s after the kill, ${own[3]} ms of it taking up; host RSS ${(rssKib(await w.hostPid()) / 1024).toFixed(0)} MiB`,
  );
}, 240_000);

test("Ctrl-C under `yes` through a link of 100 KB/s brings the prompt within 64 KiB of what was under way", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, { command: ["bash", "--norc"], size: { cols: 80, rows: 24 } });
  await me.wait(session.id, { inputNeeded: true });
  const proxy = await Proxy.start(w, "slow", { bytesPerSecond: 100_000 });
  const far = await w.connect(undefined, proxy.home);
  let got = 0;
  let text = "";
  let snapshots: string[] = [];
  const attachment = await far.attach(
    { session: session.id, size: { cols: 80, rows: 24 } },
    {
      snapshot: (s) => {
        snapshots.push(s.why);
        text = Buffer.from(s.vt).toString("latin1");
      },
      output: (o) => {
        got += o.bytes.length;
        text = (text + Buffer.from(o.bytes).toString("latin1")).slice(-20_000);
      },
    },
  );
  await attachment.input(bytes("PS1='here> '; yes 0123456789012345678901234567890123456789\r"));
  // Until the link has been full for some time: the window has found its size then.
  await fact("600 KB have come through the slow link", () => got > 600_000, 60_000);
  snapshots = [];
  const before = proxy.toClient;
  const begun = performance.now();
  const outcome = attachment.input(Uint8Array.of(3), { interrupt: true });
  await fact("the prompt is there", () => /here> (?![\s\S]*0123456789)/.test(text), 60_000);
  const took = performance.now() - begun;
  const underWay = proxy.toClient - before;
  expect((await outcome).bytes).toBeLessThanOrEqual(1);
  say(`the prompt came after ${took.toFixed(0)} ms and ${(underWay / 1024).toFixed(1)} KiB; snapshots: ${snapshots.join(", ")}`);
  expect(underWay).toBeLessThanOrEqual(64 * 1024);
}, 120_000);

test("50 MB offered to a program that never reads wait bounded, the writer is told, and output and other sessions go on", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, { script: `stty raw -echo; echo ready; while :; do sleep 0.05; echo alive; done` });
  const other = await w.open(me, { script: "stty -echo; echo ready; exec cat" });
  await me.wait(session.id, { match: "ready", fromSeq: 0 });
  const told: string[] = [];
  const attachment = await me.attach({ session: session.id, noOutput: true }, { refused: (r) => void told.push(r.code ?? "") });
  const offered = attachment.input(new Uint8Array(50_000_000));
  await fact("the writer is told that the program does not read", () => told.includes("input_blocked"));
  expect(attachment.unansweredBytes).toBeLessThan(512 * 1024);
  await me.wait(session.id, { match: "alive" });
  const heard = me.wait(other.id, { match: "^hello$" });
  await me.send(other.id, bytes("hello\n"));
  await heard;
  const host = await w.hostPid();
  const cpu = (): number =>
    readFileSync(`/proc/${host}/stat`, "latin1")
      .split(" ")
      .slice(13, 15)
      .map(Number)
      .reduce((a, b) => a + b);
  const ticks = cpu();
  await me.wait(session.id, { match: "alive", timeoutMs: 5_000 });
  say(`${attachment.unansweredBytes} bytes unanswered; host CPU meanwhile ${cpu() - ticks} ticks`);
  await me.kill(session.id, 0);
  expect((await offered).status).not.toBe(1);
});
