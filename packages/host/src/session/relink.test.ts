/** What was under way when the link to a shim broke, or the host died. */
import { InputStatus } from "@holdfast/protocol";
import { simulate } from "@holdfast/testkit";
import { expect, test } from "vitest";
import { kindOf } from "./record.ts";

const INPUT_SETTLED = kindOf({ case: "inputSettled", value: {} as never });

test("a size that the terminal took while the host died is known to the next one", async () => {
  const world = await simulate({ seed: 71 });
  const ana = await world.attached("ana", { size: { cols: 80, rows: 24 } });
  await world.advance(500);
  ana.attachment!.resize({ cols: 101, rows: 33 });
  await world.until("it is asked for", () => world.trace.some((l) => l.includes("shim:") && l.includes("applied 0")));
  world.life.dies("kill -9");
  ana.dies();
  await world.advance(5_000);
  expect(world.live.facts.size).toEqual({ cols: 101, rows: 33 });
  expect(world.violations).toEqual([]);
});

test("what never reached the program when its link broke is told to who waits on a standing link", async () => {
  const world = await simulate({ seed: 72 });
  const ana = await world.attached("ana");
  await world.advance(100);
  const typed = ana.type(Buffer.from("lost on the way\r"))!;
  await world.until("it is recorded", () =>
    world.entries().some((e) => !("gap" in e) && Buffer.from(e.payload).toString() === "lost on the way\r"),
  );
  world.cutShimLink();
  await world.advance(5_000);
  const reached = world.shim.written.length > 0;
  expect(typed.outcome?.status).toBe(reached ? InputStatus.APPLIED : InputStatus.VOID);
  expect(reached).toBe(false);
  const again = ana.type(Buffer.from("sent again\r"))!;
  await world.advance(1_000);
  expect(again.outcome?.status).toBe(InputStatus.APPLIED);
});

test("a link that breaks before the shim's welcome is tried again, and the session lives", async () => {
  const world = await simulate({ seed: 74 });
  await world.attached("ana");
  await world.advance(500);
  const told = world.shim.onHello;
  let breaks = 3;
  world.shim.onHello = () => {
    told();
    if (breaks-- > 0) world.cutShimLink();
  };
  world.life.dies("kill -9");
  await world.advance(10_000);
  expect(breaks).toBeLessThan(0);
  expect(world.live.facts.state).toBe("running");
  expect(world.shim.hasExited).toBe(false);
  expect(world.violations).toEqual([]);
});

test("a size that was claimed while nothing was there to take it is claimed with the next link", async () => {
  const world = await simulate({ seed: 73 });
  const ana = await world.attached("ana", { size: { cols: 80, rows: 24 } });
  await world.advance(500);
  world.cutShimLink();
  await world.until("the link is gone", () => world.live.shimLink === null);
  world.live.resizeFrom([...world.live.attachments.values()][0]!, { cols: 120, rows: 40 });
  await world.advance(2_000);
  expect(world.live.facts.size).toEqual({ cols: 120, rows: 40 });
  expect(ana.view?.detached).toBeNull();
});

test("a key whose fate is not known when the books are saved makes the line half typed for the next host too", async () => {
  const world = await simulate({ seed: 76 });
  const ana = await world.attached("ana");
  await world.advance(500);
  ana.type(Buffer.from("rm -r "));
  await world.until("the terminal has it", () => world.shim.written.length > 0);
  expect(world.entries().some((e) => !("gap" in e) && e.kind === INPUT_SETTLED)).toBe(false);
  world.life.host.leave();
  world.life.dies("kill -9");
  ana.dies();
  await world.until("the next one serves", () => world.lives.length === 2 && world.life.isServing);
  expect(world.live.lineDirty).toBe("ana");
  world.life.dies("kill -9");
  await world.until("another serves", () => world.lives.length === 3 && world.life.isServing);
  await world.advance(2_000);
  expect(world.live.lineDirty).toBe("ana");
  expect(world.violations).toEqual([]);
});

test("what was cut while no link to the shim stood is cut by the next host, though the books were saved after the cut", async () => {
  const world = await simulate({ seed: 78, mood: "deaf" });
  const ana = await world.attached("ana");
  const bot = await world.attached("bot");
  await world.advance(500);
  bot.type(Buffer.alloc(20_000, "x"));
  await world.until("the shim holds more than the terminal takes", () => world.shim.written.length > 0);
  await world.advance(500);
  const taken = world.shim.written.length;
  const told = world.shim.onHello;
  world.shim.onHello = () => {
    told();
    world.cutShimLink();
  };
  world.cutShimLink();
  await world.advance(100);
  await world.finish(ana.steer("aiPause"));
  world.life.host.leave();
  world.life.dies("kill -9");
  ana.dies();
  bot.dies();
  world.shim.onHello = told;
  await world.until("the next one serves", () => world.lives.length === 2 && world.life.isServing);
  await world.advance(5_000);
  world.shim.setMood("sink");
  await world.advance(5_000);
  expect(world.shim.written.length).toBe(taken);
  expect(world.violations).toEqual([]);
});
