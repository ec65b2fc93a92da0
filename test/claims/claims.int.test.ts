/**
 * The five claims of docs/claims.md, each as one scenario that is run on Holdfast, tmux and Debian's Jupyter Server alike.
 *
 *   E1  What is asserted of Holdfast is that everything holds. Of the others: that they were really at work, and those facts that
 *       follow from how they are made, so that a broken adapter does not pass for a finding.
 *   E2  With HOLDFAST_CLAIMS_OUT, what was found is written there: the page's table is made of that and of nothing else.
 */
import { writeFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { say, soak } from "../integration/world/world.ts";
import { actors } from "./actors.ts";
import { ai } from "./ai.ts";
import { identity } from "./identity.ts";
import type { Fact, Scenario } from "./scenario.ts";
import { state } from "./state.ts";
import { Holdfast } from "./system/holdfast.ts";
import { JupyterServer } from "./system/jupyter.ts";
import type { System } from "./system/system.ts";
import { Tmux } from "./system/tmux.ts";
import { transport } from "./transport.ts";

const scenarios: readonly Scenario[] = [state, actors, transport, ai, identity];
const isLong = soak || process.env["HOLDFAST_CLAIMS"] === "long";

interface Finding {
  readonly claim: string;
  readonly system: string;
  readonly version: string;
  readonly facts: readonly Fact[];
}
const findings: Finding[] = [];

async function find(scenario: Scenario, start: () => System | Promise<System>): Promise<readonly Fact[]> {
  const system = await start();
  const facts = await scenario.run(system);
  findings.push({ claim: scenario.claim, system: system.name, version: system.version, facts });
  for (const f of facts) say(`${system.name}: ${f.holds ? "yes" : "no "} ${f.what} (${f.evidence})`);
  return facts;
}

/**
 * Which facts hold for the peers, in the scenarios' order. None hangs on how fast something is: where a peer keeps a thousand reads, what is
 * printed is more than a thousand reads can be. `?`: either. tmux 3.3a shows a dead pane without its exit code at times (3 of 30), when it
 * learns of the terminal's end before the program's.
 */
const asMade = {
  tmux: ["++--?", "+++-", "++-", "+---++", "+----"],
  "Jupyter Server": ["+----", "+++-", "-+-", "+-----", "-----"],
} as const;

describe.each(scenarios.map((s) => [s.claim, s] as const))("%s", (_, scenario) => {
  test(
    "holds for Holdfast, in every fact",
    async () => {
      const facts = await find(scenario, Holdfast.start);
      expect(facts.filter((f) => !f.holds)).toEqual([]);
    },
    isLong ? 600_000 : 120_000,
  );

  test.each([
    ["tmux", () => new Tmux()],
    ["Jupyter Server", JupyterServer.start],
  ] as const)(
    "is measured on %s too, and comes out as it is made",
    async (name, start) => {
      const facts = await find(scenario, start);
      const made = asMade[name][scenarios.indexOf(scenario)]!;
      expect(facts.map((f, i) => (made[i] === "?" ? "?" : f.holds ? "+" : "-")).join("")).toBe(made);
    },
    isLong ? 600_000 : 120_000,
  );
});

afterAll(() => {
  const path = process.env["HOLDFAST_CLAIMS_OUT"];
  if (path) writeFileSync(path, `${JSON.stringify(findings, null, 1)}\n`);
});
