/** How much a host that is started again has to read before it serves. */
import type { SessionFacts } from "@holdfast/core";
import { simulate } from "@holdfast/testkit";
import { expect, test } from "vitest";

const MIB = 1024 * 1024;

test("a session that floods leaves little to read to the next host, however few records it makes", async () => {
  const world = await simulate({ seed: 95, ringBytes: 4 * MIB });
  for (let n = 0; n < 10; n++) {
    world.shim.prints(Buffer.alloc(MIB, "flood\r\n"));
    await world.advance(200);
  }
  await world.until("all of it is in the journal", () => world.live.facts.ends[0] === 10 * MIB);
  const saved = world.life.journal.loadFold(world.session);
  const { facts } = JSON.parse(Buffer.from(saved!.blob).toString("utf8")) as { facts: SessionFacts };
  expect(world.live.facts.ends[0] - facts.ends[0]).toBeLessThan(5 * MIB);
});
