import { simulate } from "@holdfast/testkit";
import { expect, test } from "vitest";

const by = { id: "ana", via: "cli" };
const asked = (command: string[]) => ({
  name: "",
  kind: "pty" as const,
  command,
  shell: "",
  env: [],
  cwd: "/",
  size: { cols: 80, rows: 24 },
  pinned: false,
  umask: 0o77,
  nofile: null,
  floorMode: "open" as const,
  syncInput: false,
  group: "",
  ttlMs: 0,
  idleTtlMs: 0,
  integrate: false,
  parent: "",
  agentForward: false,
});

test("a session at rest outlives a neighbour that pushes its records out: its screen, its output's end and its seq are there after a restart", async () => {
  const bytes = 400_000;
  const world = await simulate({ seed: 93, journal: { recordBytes: bytes, segmentBytes: 32 * 1024 } });
  const quiet = world.session;
  world.shim.prints(Buffer.from("$ make\r\nbuilt\r\n$ "));
  const ended = await world.finish(world.life.host.open(asked(["true"]), by));
  world.shims.get(ended.facts.socketPath)!.exits(0);
  await world.until("it is over", () => ended.isOver && ended.shimLink === null);
  const noisy = await world.finish(world.life.host.open(asked(["clock"]), by));
  const { seq, ends } = world.live.facts;
  const journal = world.life.journal;
  const ledger = (): number => {
    const { disk } = world;
    const names = disk.list("/journal/ledger").filter((name) => name.endsWith(".seg"));
    return names.reduce((sum, name) => sum + disk.contents(`/journal/ledger/${name}`).length, 0);
  };
  let most = 0;
  for (let second = 0; second < 60; second++) {
    for (let n = 0; n < 100; n++) world.shims.get(noisy.facts.socketPath)!.prints(Buffer.from(`\r12:00:${n % 60}`));
    await world.advance(1_000);
    world.life.host.makeRoom();
    most = Math.max(most, ledger());
  }
  expect(most).toBeLessThan(bytes * 1.5);
  expect(journal.read(quiet, 0, 1)[0]).toMatchObject({ gap: true, fromSeq: 1, reason: "pruned" });
  expect(journal.tail(quiet)!.lastSeq).toBeGreaterThan(seq);
  expect(journal.tail(ended.id)).toBeNull();
  expect(world.life.host.sessions.has(ended.id)).toBe(false);

  world.life.dies("kill -9");
  await world.until("the next one serves", () => world.lives.length === 2 && world.life.isServing);
  const again = world.life.host.sessions.get(quiet)!;
  expect(again.isOver).toBe(false);
  expect(again.facts).toMatchObject({ command: world.live.facts.command, ends });
  const { text } = await world.finish(again.screen.text(0));
  // From the checkpoint: the bytes themselves can't be read any more.
  expect(text.offset).toBe(ends[0]);
  expect(world.violations).toEqual([]);
});

test("a session that prints a character a second outlives a neighbour that pushes its oldest records out, and kill -9 after it", async () => {
  const bytes = 400_000;
  const world = await simulate({ seed: 94, journal: { recordBytes: bytes, segmentBytes: 32 * 1024 } });
  const slow = world.session;
  const noisy = await world.finish(world.life.host.open(asked(["clock"]), by));
  for (let second = 0; second < 60; second++) {
    world.shim.prints(Buffer.from("."));
    for (let n = 0; n < 100; n++) world.shims.get(noisy.facts.socketPath)!.prints(Buffer.from(`\r12:00:${n % 60}`));
    await world.advance(1_000);
    world.life.host.makeRoom();
  }
  expect(world.life.journal.read(slow, 0, 1)[0]).toMatchObject({ gap: true, fromSeq: 1, reason: "pruned" });

  for (const life of [2, 3]) {
    world.life.dies("kill -9");
    await world.until("the next one serves", () => world.lives.length === life && world.life.isServing);
    const again = world.life.host.sessions.get(slow);
    expect(again?.isOver).toBe(false);
    expect(again!.facts).toMatchObject({ state: "running", name: "work", ends: { 0: 60 } });
    expect((await world.finish(again!.screen.text(0))).text.offset).toBe(60);
  }
  expect(world.violations).toEqual([]);
});

test("what was recorded after the saved fold is not dropped by the next host before it has saved another", async () => {
  const world = await simulate({ seed: 95, journal: { recordBytes: 400_000, segmentBytes: 32 * 1024 } });
  const slow = world.session;
  const noisy = await world.finish(world.life.host.open(asked(["clock"]), by));
  const repaint = async (): Promise<void> => {
    for (let n = 0; n < 100; n++) world.shims.get(noisy.facts.socketPath)!.prints(Buffer.from(`\r12:00:${n % 60}`));
    await world.advance(1_000);
  };
  const restart = async (life: number): Promise<void> => {
    world.life.dies("kill -9");
    await world.until("the next one serves", () => world.lives.length === life && world.life.isServing);
  };
  world.life.host.leave();
  await restart(2);
  world.live.record(by, { case: "renamed", value: { name: "harbour" } as never });
  for (let second = 0; second < 15; second++) await repaint();
  await restart(3);
  for (let second = 0; second < 40; second++) {
    world.shim.prints(Buffer.from("."));
    await repaint();
    world.life.host.makeRoom();
  }
  expect(world.life.journal.read(slow, 0, 1)[0]).toMatchObject({ gap: true, fromSeq: 1, reason: "pruned" });
  await restart(4);
  expect(world.live.facts.name).toBe("harbour");
  expect(world.violations).toEqual([]);
});
