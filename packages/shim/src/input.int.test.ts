/** What a host sends reaches the program whole, in order and once; or it is told that it did not. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cpuMs, fact, type Session, type Tap, World } from "../test/world.ts";

const raw = "stty raw -echo; echo ready; ";
const bytes = (n: number, fill = 97) => Buffer.alloc(n, fill);

/** A program that reads nothing, in raw mode, until the file `go` exists; then it copies its input to its output. */
const deafUntilGo = (world: World) => `${raw}while [ ! -e ${world.path("go")} ]; do sleep 0.01; done; exec cat`;

async function deaf(world: World): Promise<{ session: Session; tap: Tap }> {
  const session = await world.shell(deafUntilGo(world));
  const tap = session.tap();
  await tap.says("ready");
  return { session, tap };
}

test("inputs are written whole and in order, each with one result, and reach the program as they were", async () => {
  await using world = new World();
  const tap = (await world.shell(`${raw}exec cat`)).tap();
  await tap.says("ready");
  const before = tap.bytes;
  const frames = Array.from({ length: 200 }, (_, i) => randomBytes((i * 37) % 3_000));
  for (const [i, f] of frames.entries()) {
    tap.link.input(BigInt(i + 1), 0, f);
    if (i % 20 === 19) await tap.result(BigInt(i + 1));
  }
  await tap.result(200n);
  const all = Buffer.concat(frames);
  await fact("the echo is complete", () => tap.bytes - before === all.length);
  expect(tap.data().subarray(before).equals(all)).toBe(true);
  expect(tap.results.map((r) => [r.seq, r.status, r.bytes])).toEqual(frames.map((f, i) => [BigInt(i + 1), "applied", f.length]));
});

test("a seq that is not above the last one received is refused and never written", async () => {
  await using world = new World();
  const tap = (await world.shell(`${raw}exec cat`)).tap();
  await tap.says("ready");
  tap.link.input(5n, 0, Buffer.from("five"));
  tap.link.input(5n, 0, Buffer.from("again"));
  tap.link.input(4n, 0, Buffer.from("four"));
  tap.link.input(6n, 0, Buffer.from("six"));
  await tap.says("fivesix");
  await tap.result(6n);
  expect(tap.results.map((r) => [r.seq, r.status, r.refusal])).toEqual([
    [5n, "applied", "none"],
    [5n, "refused", "stale_seq"],
    [4n, "refused", "stale_seq"],
    [6n, "applied", "none"],
  ]);
});

test("results wait for an acknowledgement across links, and a new host learns which seqs were received and settled", async () => {
  await using world = new World();
  const session = await world.shell(`${raw}exec cat`);
  const first = session.tap({ auto: false });
  await first.says("ready");
  for (const seq of [3n, 7n, 9n]) first.link.input(seq, 0, Buffer.from(`<${seq}>`));
  await first.says("<9>");
  first.link.ack({ resultSeq: 3n });
  first.link.close();
  const second = session.tap({ auto: false });
  await second.result(9n);
  expect(second.welcome).toMatchObject({ receivedSeq: 9n, appliedSeq: 9n });
  expect(second.results.map((r) => r.seq)).toEqual([7n, 9n]);
  second.link.ack({ resultSeq: 9n });
  await second.probe();
  second.link.close();
  const third = session.tap();
  await third.probe();
  expect(third.results).toEqual([]);
});

test("a program that never reads: 50 MB offered leave the bounded queue, the rest is refused, output flows, and the shim idles", {
  timeout: 60_000,
}, async () => {
  await using world = new World();
  const session = await world.shell(`${raw}while :; do echo tick; sleep 0.01; done`);
  const tap = session.tap();
  await tap.says("ready");
  let taken = 0;
  let refused = 0;
  for (let seq = 1n; seq <= 800n; seq++) {
    tap.link.input(seq, 0, bytes(65_536));
    if (seq % 20n === 0n) await tap.probe();
  }
  const { queuedInputBytes } = await tap.probe();
  for (const r of tap.results) {
    if (r.status === "refused") refused++;
    else taken += r.bytes;
    expect(["queue_full", "none"]).toContain(r.refusal);
  }
  expect(queuedInputBytes).toBeLessThanOrEqual(256 * 1024);
  expect(refused).toBeGreaterThan(790);
  expect(taken).toBeLessThan(65_536); // the kernel took a part of the first frame; none is whole
  const ticks = () => tap.text().split("tick").length;
  const [ticksBefore, cpuBefore, timeBefore] = [ticks(), cpuMs(session.shimPid), performance.now()];
  await fact("a hundred more ticks flow", () => ticks() > ticksBefore + 100);
  expect((cpuMs(session.shimPid) - cpuBefore) / (performance.now() - timeBefore)).toBeLessThan(0.05);
});

test("what a slow reader leaves waiting is written to the last byte once it reads", async () => {
  await using world = new World();
  const { tap } = await deaf(world);
  const payload = randomBytes(200_000);
  for (let i = 0; i < 4; i++) tap.link.input(BigInt(i + 1), 0, payload.subarray(i * 50_000, (i + 1) * 50_000));
  await tap.probe();
  expect(tap.results).toEqual([]);
  const before = tap.bytes;
  writeFileSync(world.path("go"), "");
  await fact("all of it comes back", () => tap.bytes - before === payload.length);
  expect(tap.data().subarray(before).equals(payload)).toBe(true);
  expect(tap.results.map((r) => [r.seq, r.status, r.bytes])).toEqual([1n, 2n, 3n, 4n].map((s) => [s, "applied", 50_000]));
});

test("cancel drops what waits of one tag and no more: not one more byte of it is written, and what was cut is told", async () => {
  await using world = new World();
  const { tap } = await deaf(world);
  const before = tap.bytes;
  tap.link.input(1n, 7, bytes(65_536, 65));
  tap.link.input(2n, 8, bytes(1_000, 66));
  tap.link.input(3n, 7, bytes(65_536, 67));
  tap.link.input(4n, 8, bytes(1_000, 68));
  await tap.probe();
  tap.link.cancel(7);
  const cut = await tap.result(1n);
  expect(cut.status).toBe("cut");
  expect(cut.bytes).toBeGreaterThan(0);
  expect(await tap.result(3n)).toMatchObject({ status: "void", bytes: 0 });
  writeFileSync(world.path("go"), "");
  expect(await tap.result(4n)).toMatchObject({ status: "applied", bytes: 1_000 });
  await fact("what remains comes back", () => tap.bytes - before >= cut.bytes + 2_000);
  const wanted = Buffer.concat([bytes(cut.bytes, 65), bytes(1_000, 66), bytes(1_000, 68)]);
  expect(tap.data().subarray(before).equals(wanted)).toBe(true);
});

test("Ctrl-C with 256 KiB of another's input waiting: felt at once, not one more byte is written, what was cut is told", async () => {
  await using world = new World();
  const session = await world.shell(
    `stty -icanon -echo; trap 'echo caught; stty raw; exec cat' INT; echo ready; while :; do sleep 0.01; done`,
  );
  const tap = session.tap();
  await tap.says("ready");
  for (let seq = 1n; seq <= 4n; seq++) tap.link.input(seq, 9, bytes(65_536));
  const probe = await tap.probe();
  expect(probe.queuedInputBytes).toBeGreaterThan(240_000);
  tap.link.interrupt(5n, "intr", 3);
  await tap.says("caught");
  expect(await tap.result(5n)).toMatchObject({ status: "applied" });
  expect(tap.results.map((r) => [r.seq, r.status])).toEqual([
    [1n, "cut"],
    [2n, "void"],
    [3n, "void"],
    [4n, "void"],
    [5n, "applied"],
  ]);
  const after = tap.bytes;
  tap.link.input(6n, 0, Buffer.from("END"));
  await tap.says("END");
  expect(
    tap
      .data()
      .subarray(after - 10)
      .toString(),
  ).not.toContain("a".repeat(3)); // "caught" has an a, a waiting frame has thousands
});

test("Ctrl-C with nothing waiting is written as a byte, so that the terminal echoes ^C", async () => {
  await using world = new World();
  const tap = (await world.shell("trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.01; done")).tap();
  await tap.says("ready");
  tap.link.interrupt(1n, "intr", 3);
  await tap.exits();
  expect(tap.text()).toMatch(/\^Ccaught/);
  expect(await tap.result(1n)).toMatchObject({ status: "applied", bytes: 1 });
});

test("an interrupting byte that is not the terminal's own key is data, and still overtakes what waits", async () => {
  await using world = new World();
  const { tap } = await deaf(world); // raw: no ISIG
  const before = tap.bytes;
  tap.link.input(1n, 0, bytes(65_536));
  tap.link.input(2n, 0, bytes(65_536));
  tap.link.interrupt(3n, "intr", 3);
  const cut = await tap.result(1n);
  writeFileSync(world.path("go"), "");
  expect(await tap.result(3n)).toMatchObject({ status: "applied", bytes: 1 });
  await fact("the rest comes back", () => tap.bytes - before === cut.bytes + 1);
  expect(
    tap
      .data()
      .subarray(before)
      .equals(Buffer.concat([bytes(cut.bytes), Buffer.from([3])])),
  ).toBe(true);
});

test("in canonical mode a line that the terminal would cut is refused whole, and the longest that fits arrives whole", async () => {
  await using world = new World();
  const tap = (await world.shell("stty -echo; echo ready; exec cat")).tap();
  await tap.says("ready");
  const before = tap.bytes;
  tap.link.input(1n, 0, Buffer.from(`${"x".repeat(4_096)}\n`));
  expect(await tap.result(1n)).toMatchObject({ status: "refused", refusal: "line_too_long", bytes: 0 });
  tap.link.input(2n, 0, Buffer.from("y".repeat(4_000)));
  tap.link.input(3n, 0, Buffer.from(`${"z".repeat(96)}\n`)); // together with what stands unfinished: one too many
  expect(await tap.result(3n)).toMatchObject({ status: "refused", refusal: "line_too_long" });
  tap.link.input(4n, 0, Buffer.from(`${"z".repeat(95)}\n`));
  expect(await tap.result(4n)).toMatchObject({ status: "applied" });
  await fact("the line comes back", () => tap.bytes - before === 4_095 + 2);
  expect(tap.data().subarray(before).toString()).toBe(`${"y".repeat(4_000)}${"z".repeat(95)}\r\n`);
  tap.link.input(5n, 0, Buffer.from(`${"q".repeat(4_000)}\x15${"r".repeat(4_000)}\n`)); // ^U empties the line
  expect(await tap.result(5n)).toMatchObject({ status: "applied" });
});

test("many long lines in one frame are no long line", async () => {
  await using world = new World();
  const tap = (await world.shell("stty -echo; echo ready; exec cat")).tap();
  await tap.says("ready");
  const before = tap.bytes;
  tap.link.input(1n, 0, Buffer.from(`${"l".repeat(4_000)}\n`.repeat(16)));
  expect(await tap.result(1n)).toMatchObject({ status: "applied" });
  await fact("all lines come back", () => tap.bytes - before === 16 * 4_002);
});

test("what is typed at a prompt without echo is marked secret, and nothing else is", async () => {
  await using world = new World();
  const tap = (
    await world.shell(
      "echo ready; read a; stty -echo; echo quiet; read b; stty echo; echo loud; read c; echo end; stty raw -echo; echo raw; exec cat",
    )
  ).tap();
  await tap.says("ready");
  tap.link.input(1n, 0, Buffer.from("name\n"));
  await tap.says("quiet");
  tap.link.input(2n, 0, Buffer.from("secret\n"));
  await tap.says("loud");
  tap.link.input(3n, 0, Buffer.from("x\n"));
  await tap.says("raw");
  tap.link.input(4n, 0, Buffer.from("x"));
  await tap.result(4n);
  expect(tap.results.map((r) => r.secret)).toEqual([false, true, false, false]);
});

test("a result names the output that was there before its input was written", async () => {
  await using world = new World();
  const tap = (await world.shell("stty -echo; echo ready; read a; echo got-$a; read b")).tap();
  await tap.says("ready");
  const start = BigInt(tap.bytes);
  tap.link.input(1n, 0, Buffer.from("one\n"));
  await tap.says("got-one");
  expect((await tap.result(1n)).outputOffset).toBe(start);
});

test("more results than the table holds: what was accepted is never forgotten, and what has no result was never written", async () => {
  await using world = new World();
  const session = await world.shell(`${raw}exec cat`);
  const tap = session.tap({ auto: false });
  await tap.says("ready");
  for (let seq = 1n; seq <= 6_000n; seq++) {
    tap.link.input(seq, 0, Buffer.from("."));
    if (seq % 100n === 0n) await tap.probe();
  }
  tap.link.close();
  const next = session.tap({ auto: false });
  await next.probe();
  expect(next.welcome!.receivedSeq).toBe(6_000n);
  const applied = next.results.filter((r) => r.status === "applied").length;
  expect(next.results.length).toBe(4_096);
  await fact("the program has echoed what was applied, and no more", () => next.text().split(".").length - 1 === applied);
});

test("resize reaches the program, and a size of nothing is refused", async () => {
  await using world = new World();
  const tap = (await world.shell("trap 'stty size' WINCH; stty size; while :; do sleep 0.01; done")).tap();
  await tap.says("24 80");
  tap.link.resize(1n, 132, 43, 0, 0);
  await tap.says("43 132");
  tap.link.resize(2n, 0, 43, 0, 0);
  expect(await tap.result(2n)).toMatchObject({ status: "refused", refusal: "bad_request" });
});

test("signals reach the leader, the foreground group, or the whole tree", async () => {
  await using world = new World();
  const leader = (
    await world.shell(
      "trap 'echo leader' USR1; (trap 'echo child; exit' USR1; echo ready; while :; do sleep 0.01; done) & while :; do sleep 0.01; done",
    )
  ).tap();
  await leader.says("ready");
  leader.link.signal(1n, "leader", 10);
  await leader.says("leader");
  expect(leader.text()).not.toContain("child");
  leader.link.signal(2n, "tree", 10);
  await leader.says("child");
  leader.link.signal(3n, "foreground", 9);
  expect(await leader.exits()).toMatchObject({ signal: 9 });
  leader.link.signal(4n, "leader", 99);
  expect(await leader.result(4n)).toMatchObject({ status: "refused", refusal: "bad_request" });
  leader.link.signal(5n, "leader", 9);
  expect(await leader.result(5n)).toMatchObject({ status: "refused", refusal: "exited" });
});

test("input after the end is refused, and what still waited at the end is told void", async () => {
  await using world = new World();
  const { tap } = await deaf(world);
  tap.link.input(1n, 0, bytes(65_536));
  tap.link.input(2n, 0, bytes(10));
  tap.link.signal(3n, "leader", 9);
  await tap.exits();
  tap.link.input(4n, 0, bytes(1));
  await tap.result(4n);
  expect(tap.results.sort((a, b) => Number(a.seq - b.seq)).map((r) => [r.seq, r.status, r.refusal])).toEqual([
    [1n, "cut", "exited"],
    [2n, "void", "exited"],
    [3n, "applied", "none"],
    [4n, "refused", "exited"],
  ]);
});

test("a probe tells the terminal's mode and what the foreground group waits in", async () => {
  await using world = new World();
  const tap = (await world.shell("stty -echo; echo ready; exec cat")).tap();
  await tap.says("ready");
  const seen = await fact("cat waits for input", async () => {
    const p = await tap.probe();
    return p.processes.find((x) => x.comm === "cat" && x.state === "S") && p;
  });
  expect(seen).toMatchObject({ icanon: true, echo: false, isig: true, kernelInputBytes: 0, queuedInputBytes: 0 });
  expect(seen.foregroundPgrp).toBe(seen.leaderPid);
  expect(seen.processes[0]).toMatchObject({ pid: seen.leaderPid, syscallArg0: 0 });
});
