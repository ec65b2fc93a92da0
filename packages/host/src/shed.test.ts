import { simulate } from "@holdfast/testkit";
import { expect, test } from "vitest";
import { KEPT_COMMANDS } from "./session/retention.ts";

test("thousands of commands cost no memory for each, and each is still found by its id, with its code, also after a restart", async () => {
  const world = await simulate({ seed: 91 });
  const { host } = world.life;
  const parent = world.session;
  const ids: string[] = [];
  for (let n = 0; n < KEPT_COMMANDS + 20; n++) {
    const opening = host.open(
      {
        name: "",
        kind: "pty",
        command: ["make"],
        shell: "",
        env: [],
        cwd: "/",
        size: { cols: 80, rows: 24 },
        pinned: false,
        umask: 0o77,
        nofile: null,
        floorMode: "open",
        syncInput: false,
        group: "",
        ttlMs: 0,
        idleTtlMs: 0,
        integrate: false,
        parent,
        agentForward: false,
      },
      { id: "ana", via: "cli" },
    );
    const child = await world.finish(opening);
    ids.push(child.id);
    world.shims.get(child.facts.socketPath)!.exits(n % 200);
    await world.until("its shim is let go", () => child.isOver && child.shimLink === null);
  }
  expect(host.sessions.size).toBeLessThanOrEqual(KEPT_COMMANDS + 2);
  expect(host.sessions.get(ids[3]!)).toBeUndefined();
  expect(host.find(ids[3]!).facts.exit?.code).toBe(3);
  expect(host.parentOf(host.find(ids[4]!))).toBe(parent);
  expect(host.find(parent).isOver).toBe(false);

  world.life.dies("kill -9");
  await world.until("the next one serves", () => world.lives.length === 2 && world.life.isServing);
  expect(world.life.host.sessions.size).toBeLessThanOrEqual(KEPT_COMMANDS + 2);
  expect(world.life.host.find(ids[5]!).facts.exit?.code).toBe(5);
  expect(world.violations).toEqual([]);
});
