/** What a program prints reaches the host: all of it, in order, before its exit; and nothing is kept for longer than needed. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { fact, inParallel, isAlive, isSoak, shimBinary, World } from "../test/world.ts";

const runs = isSoak ? 12_000 : 240;

test(`${runs} short commands lose nothing, read at once, read late, or read by a paused reader`, {
  timeout: isSoak ? 0 : 120_000,
}, async () => {
  await using world = new World();
  const pattern = randomBytes(750_000).toString("base64"); // no newline, so that the terminal changes nothing
  writeFileSync(world.path("pattern"), pattern);
  const load = Array.from({ length: isSoak ? 6 : 2 }, () =>
    spawn("nice", ["sh", "-c", "while :; do :; done"], { stdio: "ignore" }),
  );
  const sizes = [1, 100, 4_095, 4_096, 4_097, 20_000, 65_536, 200_000, 1_000_000];
  try {
    await inParallel(runs, 4, async (i) => {
      const size = sizes[i % sizes.length]!;
      const session = await world.open(["head", "-c", String(size), world.path("pattern")]);
      const reader = ["at once", "late", "paused"][Math.floor(i / sizes.length) % 3];
      if (reader === "late") {
        const first = session.tap({ auto: false, keep: false });
        const { pid } = await first.linked();
        first.link.close();
        await fact("the program has ended unread", () => !isAlive(pid));
      }
      const tap = session.tap();
      if (reader === "paused") {
        const { pid } = await tap.linked();
        tap.link.pause();
        await fact("the program has ended unread", () => !isAlive(pid));
        tap.link.resume();
      }
      await tap.exits();
      expect({ reader, size, bytes: tap.bytesAtExit, jump: tap.jump }).toEqual({ reader, size, bytes: size, jump: undefined });
      expect(tap.data().equals(Buffer.from(pattern.slice(0, size)))).toBe(true);
      tap.link.release();
      await tap.over();
      if (isSoak && i % 1_000 === 999) console.log(`${i + 1} commands`);
    });
  } finally {
    for (const p of load) p.kill("SIGKILL");
  }
});

/** A world whose shims see a kernel that does the rare thing always. */
function faultyWorld(fault: "eio" | "endless"): World {
  process.env.HOLDFAST_FAULTY_READ = fault;
  onTestFinished(() => {
    delete process.env.HOLDFAST_FAULTY_READ;
  });
  return new World(shimBinary("faulty"));
}

test("an EIO with bytes still on the way ends nothing: the bytes come before the exit, and the stream closes after them", async () => {
  await using world = faultyWorld("eio");
  const tap = (await world.shell("stty -opost; seq 1 2000")).tap();
  await tap.exits();
  expect(tap.bytesAtExit).toBe(8_893);
  await fact("the terminal is closed", () => tap.closedAt.has(0));
  expect(tap.closedAt.get(0)).toBe(8_893n);
});

test("a terminal that is never silent after the leader's end does not hold up its exit", async () => {
  await using world = faultyWorld("endless");
  const tap = (await world.shell("exit 6")).tap({ keep: false });
  expect(await tap.exits()).toMatchObject({ code: 6 });
});

test("a background child that prints after its parent's exit is still read", async () => {
  await using world = new World();
  const session = await world.shell(
    `trap "" HUP; (while [ ! -e ${world.path("go")} ]; do sleep 0.01; done; echo later) & echo now`,
  );
  const tap = session.tap();
  await tap.exits();
  expect(tap.text()).toBe("now\r\n");
  expect(tap.closedAt.size).toBe(0);
  writeFileSync(world.path("go"), "");
  await fact("the terminal is closed", () => tap.closedAt.has(0));
  expect(tap.text()).toBe("now\r\nlater\r\n");
  expect(tap.closedAt.get(0)).toBe(BigInt(tap.bytes));
});

test("a background child that prints for ever does not hold up its parent's exit", async () => {
  await using world = new World();
  const tap = (await world.shell('trap "" HUP; yes & exit 5')).tap({ keep: false });
  expect(await tap.exits()).toMatchObject({ code: 5, signal: null });
});

test("without a host the ring fills and the program blocks; a new host gets the rest from where it acknowledged", async () => {
  await using world = new World();
  const session = await world.shell("stty -opost; seq 1 60000", { ringBytes: 64 * 1024 });
  const first = session.tap({ auto: false });
  await fact("some output has come", () => first.bytes > 10_000);
  const kept = first.data().subarray(0, 9_999);
  first.link.ack({ streams: [{ stream: 0, offset: 9_999n }] });
  const seen = await first.probe(); // answered, so the acknowledgement before it was heard
  first.link.close();
  await fact("the ring is full", async () => {
    const look = session.tap({ auto: false, keep: false });
    const w = await look.linked();
    look.link.close();
    expect(w.streams[0]!.start).toBe(9_999n);
    return w.streams[0]!.end - w.streams[0]!.start === 65_536n;
  });
  expect(isAlive(seen.leaderPid)).toBe(true);
  const second = session.tap({ acked: [{ stream: 0, offset: 9_999n }] });
  await second.exits();
  const wanted = Array.from({ length: 60_000 }, (_, i) => `${i + 1}\n`).join("");
  expect(kept.toString() + second.text()).toBe(wanted);
  expect(second.jump).toBeUndefined();
});

test("a newer host fences the older one, whose later frames reach nobody", async () => {
  await using world = new World();
  const session = await world.shell("stty -echo raw; echo ready; exec cat");
  const older = session.tap();
  await older.says("ready");
  const newer = session.tap();
  await newer.linked();
  older.link.input(1n, 0, Buffer.from("from the older"));
  expect(await older.over()).toMatchObject({ reason: "fenced" });
  newer.link.input(1n, 0, Buffer.from("from the newer"));
  expect(await newer.result(1n)).toMatchObject({ status: "applied" });
  await newer.says("from the newer");
  expect(newer.text()).not.toContain("older");
});

test("a stalled older host is fenced too, and the newer one misses nothing of what was half sent", async () => {
  await using world = new World();
  // It lives until it is let go: a terminal whose program has ended has no size to be given.
  const gate = world.path("gate");
  const session = await world.shell(`stty -opost; mkfifo ${gate}; seq 1 200000; read -r _ <${gate}`);
  const older = session.tap({ auto: false, keep: false });
  await older.linked();
  older.link.pause();
  await fact("the shim has more than the socket takes", async () => (await totalWritten(session.shimPid)) > 1_000_000);
  older.link.resize(1n, 100, 30, 0, 0);
  const newer = session.tap();
  expect(await newer.result(1n)).toMatchObject({ status: "applied" });
  await fact("all is printed", () => newer.text().endsWith("200000\n"));
  writeFileSync(gate, "on\n");
  await newer.exits();
  expect(newer.text()).toBe(Array.from({ length: 200_000 }, (_, i) => `${i + 1}\n`).join(""));
  older.link.resume(); // what was half sent is finished, then the farewell
  expect(await older.over()).toMatchObject({ reason: "fenced" });
  expect([older.jump, older.results.length]).toEqual([undefined, 1]);
});

/** rchar: bytes that a process has read so far. */
async function totalWritten(pid: number): Promise<number> {
  return Number(/rchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1] ?? 0);
}

test("what is drained is given back: a session that flooded is as small as one that did not", async () => {
  await using world = new World();
  const session = await world.shell("stty -opost; head -c 8000000 /dev/zero; echo; echo end; exec cat");
  const tap = session.tap({ auto: false, keep: false });
  await fact("the ring is full", () => tap.bytes >= 4 * 1024 * 1024);
  expect(privateKib(session.shimPid)).toBeGreaterThan(4_000);
  tap.link.close();
  const next = session.tap({ keep: false });
  await fact("all is drained", () => next.bytes >= 8_000_000);
  await fact("the pages are given back", () => privateKib(session.shimPid) < 150);
});

test("giving back the free part of an almost full ring leaves the rest as it was", async () => {
  await using world = new World();
  const wanted = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `${i}\n`).join("")).subarray(0, 65_586);
  writeFileSync(world.path("text"), wanted);
  const options = { mode: "pipes", ringBytes: 64 * 1024 } as const; // 50 bytes more than the ring, of which 100 are acknowledged
  const session = await world.shell(`cat ${world.path("text")}; sleep 1000`, options);
  const tap = session.tap({ auto: false });
  await fact("the ring is full", () => tap.bytes === 65_536);
  tap.link.ack({ streams: [{ stream: 1, offset: 100n }] });
  await fact("the rest has come", () => tap.bytes === 65_586);
  const clock = await world.shell("head -c 60000 /dev/zero; sleep 1000", options);
  await fact("a younger session's output has come", () => privateKib(clock.shimPid) > 110);
  clock.tap({ keep: false });
  await fact("and has been given back, so ours has had its turn", () => privateKib(clock.shimPid) < 110);
  tap.link.close();
  const again = session.tap({ auto: false });
  await fact("all that is retained comes again", () => again.bytes === 65_486);
  expect(again.data(1).equals(wanted.subarray(100))).toBe(true);
});

const privateKib = (pid: number) => Number(/Private_Dirty:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))![1]);

test("acknowledging bit by bit keeps the unacknowledged bytes intact, wherever they lie in the ring", async () => {
  await using world = new World();
  const session = await world.shell("stty -opost; seq 1 60000", { ringBytes: 64 * 1024 });
  const wanted = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `${i + 1}\n`).join(""));
  let at = 0n;
  for (let step = 7_001n; at < wanted.length; step = (step * 31n) % 65_521n) {
    const tap = session.tap({ auto: false, acked: [{ stream: 0, offset: at }] });
    const { streams } = await tap.linked();
    expect(streams[0]!.start).toBe(at);
    const want = Math.min(65_536, wanted.length - Number(at));
    await fact("as much as the ring holds has come", () => tap.bytes >= want);
    expect(tap.data().equals(wanted.subarray(Number(at), Number(at) + tap.bytes))).toBe(true);
    at += step + 1n < BigInt(want) ? step + 1n : BigInt(want);
    tap.link.close();
  }
});

test("a program's three streams stay apart in pipe mode, and each is closed by itself", async () => {
  await using world = new World();
  const session = await world.shell("read a; echo out-$a; echo err-$a >&2; exec 1>&-; read b; echo more >&2", { mode: "pipes" });
  const tap = session.tap();
  tap.link.input(1n, 0, Buffer.from("x\n"));
  await tap.says("err-x\n", 2);
  tap.link.eof(2n);
  await tap.exits();
  await fact("both streams are closed", () => tap.closedAt.size === 2);
  expect([tap.text(1), tap.text(2)]).toEqual(["out-x\n", "err-x\nmore\n"]);
});
