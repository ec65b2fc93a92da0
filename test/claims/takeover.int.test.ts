/**
 * A person's first key takes the floor from an AI that works: who and how often is asserted, how fast is measured and never asserted.
 * With HOLDFAST_CLAIMS_OUT the figures are written there.
 */
import { writeFileSync } from "node:fs";
import { InputStatus } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { agent } from "../../apps/mcp/test/agent.ts";
import { fact } from "../integration/world/processes.ts";
import { bytes, say, world } from "../integration/world/world.ts";

/** In the suite it is who and how often that counts; `npm run claims` wants a spread. */
const TAKEOVERS = { long: 200, short: 50 }[process.env["HOLDFAST_CLAIMS"] ?? ""] ?? 5;

function spread(ms: readonly number[]) {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { p50: at(0.5), p99: at(0.99), most: sorted.at(-1)! };
}

test("a person's first key stops an AI at work, whose call returns who it was, each time", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const ana = await w.operator("ana");
  const session = (await ai.call("session_open")).told["session"] as string;
  const seat = await ana.attach({ session, noOutput: true }, {});
  const locked: number[] = [];
  const told: number[] = [];
  for (let i = 0; i < TAKEOVERS; i++) {
    const running = ai.call("run", { session, command: `sleep 100000 # ${i}`, wait_seconds: 45 });
    // In front, that is: a Ctrl-C in the moment between the shell's mark and its fork is bash's, which then waits for the command all the same.
    await fact("it runs", async () => (await ana.probe(session)).processes.some((process) => process.includes(" sleep ")));
    const began = performance.now();
    const key = seat.input(bytes("k")).then((o) => {
      locked.push(performance.now() - began);
      return o;
    });
    const returned = running.then((answer) => {
      told.push(performance.now() - began);
      return answer;
    });
    expect((await key).status).toBe(InputStatus.APPLIED);
    expect((await ai.call("send_text", { session, text: "no" })).told).toMatchObject({ refused: true, who: "ana" });
    expect((await returned).told).toMatchObject({ state: "preempted", who: "ana" });
    expect((await seat.input(bytes("\x03"), { interrupt: true })).status).toBe(InputStatus.APPLIED);
    await fact("the shell is back", async () => (await ana.probe(session)).state === "idle_prompt");
    await seat.release();
  }
  const figures = { takeovers: TAKEOVERS, locked: spread(locked), told: spread(told) };
  say(`takeover: ${JSON.stringify(figures)}`);
  const path = process.env["HOLDFAST_CLAIMS_OUT"];
  if (path) writeFileSync(path, `${JSON.stringify(figures, null, 1)}\n`);
}, 600_000);
