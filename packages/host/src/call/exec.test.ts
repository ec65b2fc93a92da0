/** X1: what becomes of a request that comes again. What the links do to one is played in testkit (world/runs.sim.test.ts). */
import { create, ExecCallSchema } from "@holdfast/protocol";
import { simulate, type World } from "@holdfast/testkit";
import { expect, onTestFinished, test, vi } from "vitest";
import { Host } from "../host.ts";
import type { CallContext } from "./context.ts";
import { execCall } from "./exec.ts";

const asks = (world: World, session = world.session, request = "request-of-one", confine?: string): Promise<string> => {
  const { host } = world.life;
  const ana = host.registry.byName("ana")!;
  const operator = confine === undefined ? ana : { ...ana, narrowed: { session: confine, capabilities: null } };
  const call = create(ExecCallSchema, { session, argv: ["make"], request });
  return execCall({ host, operator, via: "cli", signal: new AbortController().signal } as unknown as CallContext, call).then(
    (r) => (r.case === "exec" ? r.value.session!.id : r.case),
    (fault: { code?: string }) => String(fault.code),
  );
};

test("a request whose session was removed is told so and starts nothing, under the next host too", async () => {
  // What the parent's environment is, is read from the machine: any will do.
  vi.spyOn(Host.prototype, "environmentPath").mockReturnValue("/proc/self/environ");
  onTestFinished(() => void vi.restoreAllMocks());
  const world = await simulate({ seed: 91 });
  let starts = 0;
  world.onProgram = (shim) => {
    starts++;
    world.scheduler.after(1_000, () => shim.exits(0));
  };
  const id = await world.finish(asks(world));
  const child = world.life.host.withId(id)!;
  await world.until("it has ended", () => child.isOver);
  expect(await world.finish(asks(world))).toBe(id);
  world.life.host.remove(child, { id: "ana", via: "cli" });
  expect(await world.finish(asks(world))).toBe("code_unknown");
  world.life.dies("by the test");
  await world.until("the next host serves", () => world.lives.length > 1 && world.life.isServing);
  expect(await world.finish(asks(world))).toBe("code_unknown");
  expect(starts).toBe(1);
});

test("a command beside a command is one of the session beside which both run, also once the first one is gone", async () => {
  vi.spyOn(Host.prototype, "environmentPath").mockReturnValue("/proc/self/environ");
  onTestFinished(() => void vi.restoreAllMocks());
  const world = await simulate({ seed: 92 });
  const first = await world.finish(asks(world));
  const second = await world.finish(asks(world, first, "request-of-two"));
  const parentOf = (id: string): string => world.life.host.parentOf(world.life.host.withId(id)!);
  expect([parentOf(first), parentOf(second)]).toEqual([world.session, world.session]);
  // Who has a grant for the session has both, and what they asked for again is found.
  expect(await world.finish(asks(world, first, "request-of-two", world.session))).toBe(second);
  // Who has one for the command alone would start what they may not see.
  expect(await world.finish(asks(world, first, "request-of-three", first))).toBe("not_permitted");
  world.life.host.withId(first)!.kill(0, { id: "ana", via: "cli" });
  await world.until("it has ended", () => world.life.host.withId(first)!.isOver);
  world.life.host.remove(world.life.host.withId(first)!, { id: "ana", via: "cli" });
  world.life.dies("by the test");
  await world.until("the next host serves", () => world.lives.length > 1 && world.life.isServing);
  expect(parentOf(second)).toBe(world.session);
});
