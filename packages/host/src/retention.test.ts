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
