/** What of a network's faults a proxy on the loopback has: run where no machine with a network of its own can be made (world/network.ts says why). */
import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FarOperator, ticking } from "./world/far.ts";
import { lane } from "./world/lane.ts";
import { hasNetwork } from "./world/network.ts";
import { fact } from "./world/processes.ts";
import { RelayProcess } from "./world/relay.ts";
import { say, world } from "./world/world.ts";

describe.runIf(!hasNetwork())("over a proxy", () => {
  test("a way that stands still for a while, the operator's or the host's, costs that while and nothing else", async () => {
    const w = await world();
    const relay = await RelayProcess.start(w);
    const local = await w.connect();
    const lanes = { host: await lane(w, relay.url), op: await lane(w, relay.url) };
    const token = Buffer.from(/--token (\S+)/.exec(relay.join)![1]!, "base64url");
    await local.joinRelay({ url: lanes.host.url, token, name: "box" });
    const session = await ticking(w, local);
    const operator = new FarOperator(w, { enter: ["env"] }, session.id, `relay+${lanes.op.url}/box`);
    await operator.isThere();
    for (const [whose, seconds] of [
      ["op", 1],
      ["op", 5],
      ["host", 5],
    ] as const) {
      lanes[whose].down();
      operator.type(`while ${whose} is down for ${seconds} s`);
      const from = Date.now();
      await fact("the fault has lasted", () => Date.now() - from >= seconds * 1_000);
      lanes[whose].up();
      const up = Date.now();
      const back = (await operator.seenAfter(up)) - up;
      await operator.answered(`while ${whose} is down for ${seconds} s`);
      say(`${whose} still for ${seconds} s: output again ${back} ms after it`);
    }
    writeFileSync(w.path("stop"), "");
    await operator.holds(local, session);
    expect(operator.attachments.size).toBe(1);
  });
});
