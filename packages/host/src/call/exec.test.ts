/** X1: what becomes of a request that comes again. What the links do to one is played in testkit (world/runs.sim.test.ts). */
import { create, ExecCallSchema } from "@holdfast/protocol";
import { simulate, type World } from "@holdfast/testkit";
import { expect, onTestFinished, test, vi } from "vitest";
import { Host } from "../host.ts";
import type { CallContext } from "./context.ts";
import { execCall } from "./exec.ts";

const asks = (world: World): Promise<string> => {
  const { host } = world.life;
  const operator = host.registry.byName("ana")!;
  const call = create(ExecCallSchema, { session: world.session, argv: ["make"], request: "request-of-one" });
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
