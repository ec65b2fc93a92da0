/** A power cut after hosts that died: what a later life calls durable must be on the disk, whoever wrote it. */
import { expect, test } from "vitest";
import { CRASH_STYLES, crashImage } from "../disk/index.ts";
import { checkPowerLoss, remember } from "./power.ts";
import { simulate } from "./world.ts";

test("what two earlier lives left unsynced is durable when a third says so", async () => {
  const world = await simulate({ seed: 3, mood: "sink" });
  for (let n = 0; n < 2; n++) {
    world.shim.prints(world.shim.program.text(40_000));
    await world.until("the journal has it", () => world.live.facts.ends[0] === world.shim.output.length);
    world.life.dies("kill -9");
    await world.until("the next host serves", () => world.isServing);
  }
  const ana = await world.attached("ana");
  const sent = ana.type(ana.text(1, "\r"), { durable: true });
  await world.until("ana is told", () => sent!.settled);
  const memory = remember(world);
  for (const [i, style] of CRASH_STYLES.entries()) await checkPowerLoss(world, memory, crashImage(world.disk, style, i));
  expect(world.violations).toEqual([]);
});
