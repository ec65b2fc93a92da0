/** A disk that can't be written: nothing crashes, nothing spins, nobody is locked out of looking, and all goes on by itself. */
import { simulate, type World } from "@holdfast/testkit";
import { expect, test } from "vitest";

const logged = (world: World, text: string): number => world.trace.filter((line) => line.includes(text)).length;

test("output that can't be recorded is left with the shim once, not asked for again and again", async () => {
  const world = await simulate({ seed: 11 });
  world.shim.prints(Buffer.from("before\r\n"));
  await world.advance(100);
  world.disk.isReadOnly = true;
  world.shim.prints(Buffer.from("while it is full\r\n"));
  await world.advance(900);
  expect(logged(world, "its output waits in the shim")).toBe(1);
  world.disk.isReadOnly = false;
  await world.advance(3_000);
  world.live.thawed();
  await world.advance(3_000);
  expect(world.live.facts.ends[0]).toBe("before\r\nwhile it is full\r\n".length);
  expect(world.violations).toEqual([]);
});

test("a seat that leaves while the journal is frozen crashes nothing, though another's size can't be recorded", async () => {
  const world = await simulate({ seed: 12 });
  const ana = await world.attached("ana", { size: { cols: 100, rows: 30 } });
  await world.attached("ben", { size: { cols: 60, rows: 20 } });
  await world.advance(500);
  world.disk.isReadOnly = true;
  world.shim.prints(Buffer.from("x"));
  await world.advance(500);
  ana.dies();
  await world.advance(5_000);
  expect(world.violations).toEqual([]);
  expect(world.live.attachments.size).toBe(1);
});

test("who comes while the journal is frozen sees the screen", async () => {
  const world = await simulate({ seed: 13 });
  world.shim.prints(Buffer.from("what there is to see\r\n"));
  await world.advance(500);
  world.disk.isReadOnly = true;
  world.shim.prints(Buffer.from("x"));
  await world.advance(500);
  const ben = await world.attached("ben", { size: { cols: 60, rows: 20 } });
  await world.advance(2_000);
  expect(ben.view?.detached).toBeNull();
  expect(ben.view?.seen.some((s) => s.is === "snapshot")).toBe(true);
  expect(world.violations).toEqual([]);
});

test("a host that goes while the journal is frozen lets go of every shim", async () => {
  const world = await simulate({ seed: 14 });
  await world.attached("ana");
  const ana = world.clients[0]!;
  ana.type(Buffer.from("typed\r"));
  await world.until("the terminal took it", () => world.shim.written.length > 0);
  world.disk.isReadOnly = true;
  expect(() => world.life.host.leave()).not.toThrow();
});

test("revoking somebody while the journal is frozen ends their view at once", async () => {
  const world = await simulate({ seed: 15 });
  const ben = await world.attached("ben");
  const { host } = world.life;
  world.disk.isReadOnly = true;
  world.shim.prints(Buffer.from("x"));
  await world.advance(500);
  // The registry of a world is shared: this one is only told.
  const before = host.registry.revoke.bind(host.registry);
  Object.assign(host.registry, { revoke: () => [host.registry.byName("ben")] });
  try {
    host.revoke(host.registry.byName("ben")!, { id: "ana", via: "cli" });
  } catch {
    // That it is not recorded may be said.
  }
  Object.assign(host.registry, { revoke: before });
  await world.advance(1_000);
  expect(ben.view?.detached).toBe("revoked");
  expect(world.live.attachments.size).toBe(0);
});

test("what waits behind another's paste is refused when its sender is revoked", async () => {
  const world = await simulate({ seed: 16, open: { floor: "open" }, mood: "deaf" });
  const ana = await world.attached("ana");
  const ben = await world.attached("ben");
  void ana.attachment!.input(Buffer.from("first half "), { unit: "u1" });
  await world.advance(50);
  const waiting = ben.type(Buffer.from("rm -rf /\r"))!;
  await world.advance(50);
  world.live.revoke("ben", { id: "ana", via: "cli" });
  await world.advance(5_000);
  expect(waiting.outcome?.code).toBe("revoked");
  expect(Buffer.concat(world.shim.written.map((w) => w.bytes)).toString()).not.toContain("rm -rf");
});

test("a session that could not be recorded is no session", async () => {
  const world = await simulate({ seed: 17, empty: true });
  const ana = await world.newClient("ana");
  world.disk.isReadOnly = true;
  await expect(world.finish(ana.client!.open({ name: "work", command: ["program"] }))).rejects.toMatchObject({
    code: expect.stringMatching(/journal|disk/),
  });
  expect(world.life.host.sessions.size).toBe(0);
});

test("a host starts and serves while a session's adoption can't be recorded", async () => {
  const world = await simulate({ seed: 18 });
  const ana = await world.attached("ana");
  // An input that never reached the shim makes the next host record its end as the first thing after its own start.
  world.keeps = false;
  world.life.onEffect = (what) => !what.startsWith("tells the shim input");
  ana.type(Buffer.from("never sent\r"));
  await world.until("the host died", () => !world.life.isAlive);
  world.onLife = (life) => {
    life.onEffect = (what) => {
      if (what.startsWith("tells the shim") || life.isServing) return true;
      if (life.host !== undefined && life.host.sessions.size > 0) world.disk.isReadOnly = true;
      return true;
    };
  };
  void world.boot();
  await world.until("the new host serves", () => world.life.isServing, 20_000);
  world.disk.isReadOnly = false;
  expect(world.violations).toEqual([]);
  expect(world.live.isOver).toBe(false);
});
