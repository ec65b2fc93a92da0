/**
 * For a night and not for CI; without an argument, or with a number, the seeds:
 *   npm run soak [-- SEEDS]           the simulation over many seeds, 10,000 by default
 *   npm run soak -- frames [FRAMES]   four operators' frames over breaking links and dying hosts, 1,000,000 by default
 *   npm run soak -- disk              every crash point and fault of the journal's simulated disk
 *   npm run soak -- property          the property tests, 10,000 to 100,000 runs of each
 *   npm run soak -- shim              12,000 short commands, hostile frames for 10 minutes, a thousand sessions begun and ended
 *   npm run soak -- deaths            a host that dies at each point of an input's way, 300 times each
 *   npm run soak -- kills             every client and the host killed at random, a minute's flood beside a client that never reads, 12 kernels asked at once
 *   npm run soak -- handover          one attachment carried over every carrier 200 times during 1 GB of output and 10,000 inputs
 *   npm run soak -- mirror            60 MiB copied to NATS while host and NATS are killed six times
 *   npm run soak -- ssh               OpenSSH's clients against a host, with a gigabyte of files each way
 *   npm run soak -- network            paths down for 2 minutes, 30 % loss, a relay killed 200 times, each byte of a way in, on machines of their own
 *   npm run soak -- agents            two people and two AIs on one vim for 10,000 units, and 100,000 calls of 50 MCP clients with the same request ids
 *   npm run soak -- relays            two relays under one attachment, a NATS node killed between them and one cut off until its relay has left it; nodes killed one after another, 12 times
 *   npm run soak -- all               all of these, one after the other
 */
import { spawnSync } from "node:child_process";

const [what = "10000", count = ""] = process.argv.slice(2);

const SEEDS = { args: ["simulation", "packages/testkit/src/world/storm.sim.test.ts"] };
/** @type {Record<string, { args: string[], env: Record<string, string> }>} */
const PARTS = {
  seeds: { ...SEEDS, env: { HOLDFAST_SEEDS: count || "10000" } },
  frames: {
    args: ["integration", "test/integration/operators.int.test.ts"],
    env: { HOLDFAST_FRAMES: String(Number(count || "1000000") / 4) },
  },
  disk: { args: ["simulation", "packages/testkit/src/disk"], env: {} },
  property: { args: ["property"], env: {} },
  shim: { args: ["integration", "packages/shim"], env: {} },
  deaths: { args: ["simulation", "packages/testkit/src/world/scenes.sim.test.ts"], env: {} },
  agents: {
    args: ["integration", ...["crowd", "isolation", "clients"].map((name) => `apps/mcp/test/${name}.int.test.ts`)],
    env: {},
  },
  network: {
    args: ["integration", ...["network", "relay-hostile"].map((name) => `test/integration/${name}`)],
    env: {},
  },
  relays: { args: ["integration", ...["relays", "keys"].map((name) => `test/integration/${name}.int.test.ts`)], env: {} },
  ssh: { args: ["integration", "test/integration/ssh.int.test.ts"], env: {} },
  runbooks: {
    args: ["integration", ...["runbook", "runbook-shared"].map((name) => `test/integration/${name}.int.test.ts`)],
    env: {},
  },
  mirror: { args: ["integration", "test/integration/mirror.int.test.ts"], env: {} },
  handover: { args: ["integration", "test/integration/handover.int.test.ts"], env: {} },
  kills: {
    args: [
      "integration",
      "packages/kernel/src/bridge/survival.int.test.ts",
      ...["survival", "load", "refusals", "commands"].map((name) => `test/integration/${name}.int.test.ts`),
    ],
    env: {},
  },
};

const names = what === "all" ? Object.keys(PARTS) : [what];
for (const name of names) {
  const part = /^\d+$/.test(name ?? "") ? { ...SEEDS, env: { HOLDFAST_SEEDS: name } } : PARTS[name];
  if (!part) {
    console.error(`soak: there is no part ${name}; they are ${Object.keys(PARTS).join(", ")}, and all`);
    process.exit(2);
  }
  console.log(`soak: ${name}`);
  const [suite = "", ...files] = part.args;
  const suites = suite === "integration" ? [suite, "alone"] : [suite];
  const projects = suites.flatMap((name) => ["--project", name]);
  const done = spawnSync("vitest", ["run", "--testTimeout=0", ...projects, ...files], {
    stdio: "inherit",
    env: { ...process.env, HOLDFAST_SOAK: "1", ...part.env },
  });
  if (done.status !== 0) process.exitCode = done.status ?? 1;
}
