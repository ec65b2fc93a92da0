/** A network that loses packets, or is slow and narrow. */
import { existsSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { far, FarOperator } from "./world/far.ts";
import { hasNetwork, Network } from "./world/network.ts";
import { fact } from "./world/processes.ts";
import { say, soak, world } from "./world/world.ts";

/** 10 s of the narrow line. */
const FLOOD = 320_000;

const percentile = (all: readonly number[], p: number): number =>
  Math.round([...all].sort((a, b) => a - b)[Math.min(all.length - 1, Math.floor((all.length * p) / 100))]!);

describe.runIf(hasNetwork())("across a network", () => {
  test("packets that are lost on every way cost time and nothing else", async () => {
    const w = await world();
    const net = await Network.of(w, ["relay", "host", "op"]);
    const { local, session, operator } = await far(w, net);
    let n = 0;
    for (const [drop, lines] of soak
      ? ([
          [0.01, 300],
          [0.1, 200],
          [0.3, 60],
        ] as const)
      : ([
          [0.01, 60],
          [0.1, 10],
        ] as const)) {
      for (const name of ["op", "host"]) await net.between(name, "relay", { drop });
      const times: number[] = [];
      for (let i = 0; i < lines; i++) {
        const from = performance.now();
        operator.type(`key ${++n}`);
        await operator.answered(`key ${n}`, 120_000);
        times.push(performance.now() - from);
      }
      const losses = operator.sights.filter((s) => s.is === "offline").length;
      say(
        `${drop * 100} % lost: echo p50 ${percentile(times, 50)} ms, p99 ${percentile(times, 99)} ms; ${losses} links lost so far`,
      );
    }
    for (const name of ["op", "host"]) await net.between(name, "relay");
    writeFileSync(w.path("stop"), "");
    await operator.holds(local, session);
  }, 900_000);

  test("at 200 ms and 256 kbit what is typed stays in order, and reaches the program while what it floods with is still on its way", async () => {
    const w = await world();
    const net = await Network.of(w, ["relay", "host", "op"]);
    const { local, session, operator, url } = await far(w, net);
    await net.between("op", "relay", { delay: 0.2, jitter: 0.1, rate: 32_000 });
    for (let i = 0; i < 40; i++) operator.type(`ordered ${i}`);
    await operator.answered("ordered 39");
    const flood = await w.open(local, {
      name: "flood",
      script: `stty -echo; echo tick; read -r l; head -c ${FLOOD} /dev/zero | tr '\\0' x & while read -r l; do echo "$l" >> ${w.path("typed")}; done`,
    });
    await fact("it echoes nothing", async () => !(await local.probe(flood.id)).echo);
    const reader = new FarOperator(w, net.machine("op"), flood.id, url);
    await reader.until("is there", () => reader.text.includes("tick"));
    reader.type("go");
    await fact("all of it is printed", async () => Number((await local.show(flood.id)).outputBytes) > FLOOD);
    await reader.until("sees some of it", () => reader.text.includes("xxx"));
    const from = performance.now();
    reader.type("typed into the flood");
    await fact("the program has it", () => existsSync(w.path("typed")));
    say(
      `typed into a flood: the program had it in ${Math.round(performance.now() - from)} ms; the operator had seen ${reader.text.length} of ${FLOOD} bytes`,
    );
    expect(reader.text.length).toBeLessThan(FLOOD);
    await net.between("op", "relay");
    writeFileSync(w.path("stop"), "");
    await operator.holds(local, session);
    await reader.until("has seen all of it", () => reader.text.length >= FLOOD);
  }, 900_000);
});
