/** A network that passes in one direction only, relays that die, and one source that takes all it can get. */
import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { far, FarOperator, FarRelay, hostOn, ticking } from "./world/far.ts";
import { hasNetwork, Network } from "./world/network.ts";
import { fact } from "./world/processes.ts";
import { say, soak, world } from "./world/world.ts";

const down = { drop: 1 };

describe.runIf(hasNetwork())("across a network", () => {
  test("a way that passes in one direction only is found out, whichever end hears nothing; who was on it is there again once it passes", async () => {
    const w = await world();
    const net = await Network.of(w, ["relay", "host", "op"]);
    const { local, session, operator } = await far(w, net);
    for (const [from, to] of soak
      ? ([
          ["relay", "op"],
          ["op", "relay"],
          ["relay", "host"],
          ["host", "relay"],
        ] as const)
      : ([["relay", "op"]] as const)) {
      const seen = operator.sights.length;
      await net.oneWay(from, to, down);
      const began = Date.now();
      operator.type(`from ${from} to ${to}`);
      const lost = await operator.until("finds the link dead", () => operator.sights.slice(seen).find((s) => s.is === "offline"));
      if (to === "host" || from === "host")
        await fact(
          "the host does not think it is connected",
          async () => (await local.status()).uplinks[0]!.state === "connecting",
        );
      const found = Date.now() - began;
      await net.oneWay(from, to);
      const up = Date.now();
      const back = (await operator.seenAfter(up)) - up;
      await operator.answered(`from ${from} to ${to}`);
      say(
        `nothing from ${from} to ${to}: the operator knew in ${lost.at - began} ms, all in ${found} ms; output again ${back} ms after it passed`,
      );
    }
    await fact("nobody is there twice", async () => (await local.show(session.id)).operators.length === 1);
    writeFileSync(w.path("stop"), "");
    await operator.holds(local, session);
  }, 900_000);

  test("a relay that is killed again and again, and two that take turns, cost no session anything", async () => {
    const w = await world();
    const net = await Network.of(w, ["relay", "relay2", "host", "op"]);
    const relays = [
      await new FarRelay(w, net.machine("relay")).start(),
      await new FarRelay(w, net.machine("relay2")).start(),
    ] as const;
    const local = await hostOn(w, net.machine("host"));
    const urls = [await relays[0].joinedBy(local), await relays[1].joinedBy(local)] as const;
    const session = await ticking(w, local);
    const [one, both] = [
      new FarOperator(w, net.machine("op"), session.id, urls[0]),
      new FarOperator(w, net.machine("op"), session.id, ...urls),
    ];
    const all = [one, both];
    for (const operator of all) await operator.isThere();
    const times: number[] = [];
    const swaps: number[] = [];
    const turns = soak ? 200 : 2;
    for (let turn = 0; turn < turns; turn++) {
      for (const [i, operator] of all.entries()) operator.type(`turn ${turn} of ${i}`);
      await relays[0].kill();
      const killed = Date.now();
      one.type(`away ${turn}`);
      // Who knows another way is not away.
      swaps.push((await both.seenAfter(killed)) - killed);
      await relays[0].start();
      const up = Date.now();
      times.push((await one.seenAfter(up)) - up);
      await one.answered(`away ${turn}`);
      // And back, by the other one's death.
      await relays[1].kill();
      const swapped = Date.now();
      both.type(`swapped ${turn}`);
      swaps.push((await both.seenAfter(swapped)) - swapped);
      await relays[1].start();
      await fact("the host is with both", async () => (await local.status()).uplinks.every((u) => u.state === "connected"));
    }
    const list = (all: number[]): string => {
      const sorted = [...all].sort((a, b) => a - b);
      return `p50 ${sorted[sorted.length >> 1]} ms, longest ${sorted.at(-1)} ms`;
    };
    say(
      `a relay killed ${turns} times: output again ${list(times)} after it listened; by the other relay ${list(swaps)} after the kill`,
    );
    if (soak) {
      await Promise.all(relays.map((relay) => relay.kill()));
      const before = (await net.counts()).begun;
      const from = Date.now();
      await fact("a minute has passed", () => Date.now() - from > 60_000, 70_000);
      const { begun } = await net.counts();
      const dials = (name: string): number => (begun[name] ?? 0) - (before[name] ?? 0);
      say(`two relays dead for a minute: the host dialled ${dials("host")} times, two operators ${dials("op")} times`);
      expect(dials("host")).toBeLessThanOrEqual(20);
      expect(dials("op")).toBeLessThanOrEqual(30);
      await Promise.all(relays.map((relay) => relay.start()));
    }
    writeFileSync(w.path("stop"), "");
    for (const operator of all) expect(operator.attachments.size).toBe(1);
    await one.holds(local, session, [one, both]);
    await both.holds(local, session, [one, both]);
  }, 3_600_000);
});
