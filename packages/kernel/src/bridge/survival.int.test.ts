/** What a kernel session survives: haste at its start, a bridge that is killed, a reader that does not read. */
import { existsSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fact, isAlive, isSoak, KernelWorld, type Listener } from "../../test/world.ts";

const HASTY = isSoak ? 12 : 4;

async function answers(session: Listener, text: string): Promise<void> {
  const prompt = await fact("a prompt is the session's", () => session.state.prompt);
  session.message("input_reply", { value: text }, { parent: prompt.header, channel: "stdin" });
}

test(`an input() as the very first thing that a kernel is asked is answered, ${HASTY} times of ${HASTY}`, {
  timeout: 300_000,
}, async () => {
  await using world = new KernelWorld();
  for (let i = 0; i < HASTY; i++) {
    const session = await world.open();
    await session.ready();
    const run = session.execute("print('got', input('name? '))");
    await answers(session, `n${i}`);
    expect(await session.over(run)).toBe("ok");
    expect(session.text(run)).toBe(`got n${i}\n`);
    session.send({ kind: "word", word: { word: "shutdown", id: "s", graceMs: 0 } });
    await fact("it has ended", () => session.exit);
  }
});

test("a bridge killed in the middle of output is started again: same kernel, same heap, and what may be missed is told", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  await session.ready();
  const { pid } = session.state;
  await session.over(session.execute("state = 42"));
  const go = world.shims.path("go");
  const code = `import os, time\nfor i in range(10_000_000):\n  print(i, flush=True)\n  if i % 100 == 0: time.sleep(0.001)\n  if os.path.exists(${JSON.stringify(go)}): break`;
  const run = session.execute(code);
  await fact("it prints", () => session.text(run).length > 10_000);
  session.killBridge();
  await session.respawn();
  const adopted = await session.says("adopted");
  expect(adopted).toMatchObject({ incarnation: 1, pid, confirmed: true });
  expect(adopted.missed.untilUnixMs).toBeGreaterThanOrEqual(adopted.missed.fromUnixMs);
  expect(await session.says("hello", 2)).toMatchObject({ resumed: true });
  const before = session.text(run).length;
  await fact("it goes on printing here", () => session.text(run).length > before + 1_000);
  expect(session.state.current).toMatchObject({ id: run, uncertain: true });
  writeFileSync(go, "");
  expect(await session.over(run)).toBe("ok");
  const after = session.execute("print(state)");
  await session.over(after);
  expect([session.text(after), isAlive(pid!)]).toEqual(["42\n", true]);
});

test("a run that ended while no bridge was there is unknown, once the kernel is past it", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  await session.ready();
  const [go, done] = [world.shims.path("go"), world.shims.path("done")];
  const waits = `import os, time\nprint('begun')\nwhile not os.path.exists(${JSON.stringify(go)}): time.sleep(0.01)\nopen(${JSON.stringify(done)}, 'w')`;
  const run = session.execute(waits);
  await fact("it has begun", () => session.text(run).includes("begun"));
  session.killBridge();
  await fact("the bridge is gone", () => session.exit);
  writeFileSync(go, "");
  await fact("the run is over", () => existsSync(done));
  await session.respawn();
  expect(await session.over(run)).toBe("unknown");
  expect(await session.over(session.execute("1"))).toBe("ok");
});

test("a prompt that was open when the bridge was killed is answered through the next", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  await session.ready();
  const run = session.execute("print('got', input('name? '))");
  await fact("it asks", () => session.state.prompt);
  session.killBridge();
  await session.respawn();
  await session.says("adopted");
  await answers(session, "late");
  expect(await session.over(run)).toBe("ok");
  expect(session.text(run)).toBe("got late\n");
});

test("what a kernel prints beside the protocol while no bridge is there kills nothing and comes when there is one", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  await session.ready();
  const [go, done] = [world.shims.path("go"), world.shims.path("done")];
  const waits = `import os, time\nprint('begun')\nwhile not os.path.exists(${JSON.stringify(go)}): time.sleep(0.01)\nos.write(1, b'nobody hears')\nopen(${JSON.stringify(done)}, 'w')`;
  const run = session.execute(waits);
  await fact("it has begun", () => session.text(run).includes("begun"));
  session.killBridge();
  await fact("the bridge is gone", () => session.exit);
  writeFileSync(go, "");
  await fact("it has printed", () => existsSync(done));
  await session.respawn();
  const native = () =>
    session.records.flatMap((record) => (record.kind === "native" ? [new TextDecoder().decode(record.bytes)] : [])).join("");
  await fact("it is heard", () => native().includes("nobody hears"));
});

test("a kernel that died while no bridge was there is told as dead, and a restart brings another", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  await session.ready();
  const { pid } = session.state;
  session.killBridge();
  await fact("the bridge is gone", () => session.exit);
  process.kill(pid!, "SIGKILL");
  await fact("the kernel is gone", () => !isAlive(pid!));
  await session.respawn();
  expect(await session.says("died")).toMatchObject({ incarnation: 1, code: null, signal: null, expected: false });
  expect(await session.answerTo({ word: "restart", id: "r" })).toMatchObject({ ok: true });
  expect(session.state.incarnation).toBe(2);
  expect(await session.over(session.execute("1"))).toBe("ok");
});

const MB = 1_000_000;
/** Prints `mb` MB in messages of 100 KB (by itself ipykernel makes one of them all), then makes a file. */
const prints = (mb: number, done: string) =>
  `line = 'x' * 99_999 + '\\n'\nfor i in range(${mb * 10}): print(line, end='', flush=True)\nopen(${JSON.stringify(done)}, 'w')`;

test("100 MB printed while nobody reads hold up nothing, cost the bridge a file and no memory that grows with them, and are read to the last byte", {
  timeout: 300_000,
}, async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  await session.ready();
  session.keep = false;
  session.reads(false);
  const done = world.shims.path("done");
  const run = session.execute(prints(100, done));
  await fact("the kernel has printed it all", () => existsSync(done), 200_000);
  expect(session.outputBytes).toBeLessThan(10 * MB);
  session.reads(true);
  expect(await session.over(run, 200_000)).toBe("ok");
  expect(session.outputBytes).toBe(100 * MB);
  expect(session.words.filter((word) => word.word === "gap")).toEqual([]);
  expect(await session.answerTo({ word: "status", id: "s" })).toMatchObject({ status: { spooledBytes: 0, gapRecords: 0 } });
  expect(session.memoryMib().most).toBeLessThan(140);
});

test("past the spool's bound output is a gap that is told where it was, and the run's end is heard all the same", {
  timeout: 300_000,
}, async () => {
  await using world = new KernelWorld();
  const session = await world.open({ args: ["--spool-bytes", String(8 * MB)] });
  await session.ready();
  session.keep = false;
  session.reads(false);
  const done = world.shims.path("done");
  const run = session.execute(prints(40, done));
  await fact("the kernel has printed it all", () => existsSync(done), 200_000);
  session.reads(true);
  expect(await session.over(run, 200_000)).toBe("ok");
  const gaps = await fact("a gap is told", () => {
    const found = session.words.flatMap((word) => (word.word === "gap" ? [word] : []));
    return found.length > 0 && found;
  });
  const lost = gaps.reduce((sum, gap) => sum + gap.bytes, 0);
  expect(gaps[0]).toMatchObject({ why: "spool_full" });
  expect(session.outputBytes).toBeLessThan(40 * MB);
  expect(session.outputBytes + lost).toBeGreaterThanOrEqual(40 * MB);
  expect(await session.answerTo({ word: "status", id: "s" })).toMatchObject({ status: { spooledBytes: 0 } });
  expect(await session.over(session.execute("1"))).toBe("ok");
});
