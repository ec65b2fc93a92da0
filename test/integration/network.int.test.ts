/** What a network does to who is far from a host: machines of their own, a real relay between them, and a router that drops, delays and forgets. */
import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { far, type FarOperator } from "./world/far.ts";
import { hasNetwork, Network } from "./world/network.ts";
import { fact } from "./world/processes.ts";
import { say, soak, type World, world } from "./world/world.ts";

const down = { drop: 1 };

/** Nothing happens for so long: the fault lasts. */
const lasts = (seconds: number): Promise<boolean> => {
  const from = performance.now();
  return fact("the fault has lasted", () => performance.now() - from >= seconds * 1_000, seconds * 1_000 + 60_000);
};

/** A line typed before a fault, and one in it; tells how long after its end the operator was there again. */
async function through(
  operator: FarOperator,
  name: string,
  begin: () => unknown,
  seconds: number,
  end: () => unknown,
): Promise<void> {
  operator.type(`before ${name}`);
  await operator.answered(`before ${name}`);
  await begin();
  operator.type(`in ${name}`);
  await lasts(seconds);
  await end();
  const up = Date.now();
  const back = (await operator.seenAfter(up)) - up;
  await operator.answered(`in ${name}`);
  say(`${name}: output again ${back} ms, the answer ${Date.now() - up} ms after its end`);
}

async function over(w: World): Promise<void> {
  writeFileSync(w.path("stop"), "");
}

describe.runIf(hasNetwork())("across a network", () => {
  test("a path that is down for a while, the operator's, the host's or both, costs that while and nothing else; the host opens no port, and nobody gets in to it", async () => {
    const w = await world();
    const net = await Network.of(w, ["relay", "host", "op"]);
    await net.shut("host");
    const { local, session, operator } = await far(w, net);
    const cases = soak
      ? [1, 5, 30, 120].flatMap(
          (s) =>
            [
              [s, "op"],
              [s, "host"],
              [s, "op", "host"],
            ] as const,
        )
      : ([
          [1, "op", "host"],
          [5, "op"],
          [5, "host"],
        ] as const);
    for (const [seconds, ...whose] of cases)
      await through(
        operator,
        `${whose.join(" and ")} without a path for ${seconds} s`,
        async () => {
          for (const name of whose) await net.between(name, "relay", down);
        },
        seconds,
        async () => {
          for (const name of whose) await net.between(name, "relay");
        },
      );
    expect(net.machine("host").run("ss", "-ltnH")).toBe("");
    expect((await net.counts()).shut).toBe(0);
    // What would have been seen: the relay has a port, and a connection to the host is dropped.
    expect(net.machine("relay").run("ss", "-ltnH")).toContain(":7444");
    const knock = `import socket; s = socket.socket(); s.settimeout(0.2); print(s.connect_ex(("${net.machine("host").address}", 7444)))`;
    net.machine("op").run("python3", "-c", knock);
    expect((await net.counts()).shut).toBeGreaterThan(0);
    await over(w);
    await operator.holds(local, session);
  }, 900_000);

  test("a cable that is pulled, a NAT that forgets and another address cost a moment: one attachment goes on", async () => {
    const w = await world();
    const net = await Network.of(w, ["relay", "host", "op"]);
    const { local, session, operator } = await far(w, net);
    for (const name of ["op", "host"] as const) {
      const machine = net.machine(name);
      for (const seconds of soak ? [1, 5, 30, 120] : [1])
        await through(
          operator,
          `the cable of ${name} out for ${seconds} s`,
          () => machine.plug("down"),
          seconds,
          () => machine.plug("up"),
        );
      await through(
        operator,
        `a NAT before ${name} that forgets`,
        () => net.rebind(name),
        0,
        () => {},
      );
      await through(
        operator,
        `another address of ${name}`,
        () => net.move(name),
        0,
        () => {},
      );
    }
    // F2: who was there before is not there beside it.
    const links = (): string => net.machine("relay").run("ss", "-tnH", "state", "established", "( sport = :7444 )");
    await fact("one connection each is left", () => links().trim().split("\n").length === 2, 60_000);
    expect((await local.show(session.id)).operators).toHaveLength(1);
    await over(w);
    await operator.holds(local, session);
  }, 900_000);
});
