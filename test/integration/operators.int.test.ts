/** Several operators steer one session over links that break: one order, each frame once, whole, with its true name (P1, P9). */
import { readFileSync } from "node:fs";
import { InputStatus } from "@holdfast/protocol";
import type { Attachment, HostClient } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { fact, lives } from "./world/processes.ts";
import { Proxy } from "./world/proxy.ts";
import { bytes, random, record, refusal, say, soak, type World, world } from "./world/world.ts";

const crew = [
  ["ana", "human"],
  ["ben", "human"],
  ["ci", "service"],
  ["bot", "ai"],
] as const;

/** Of each operator. */
const FRAMES = Number(process.env["HOLDFAST_FRAMES"] ?? (soak ? 10_000 : 1_000));
/** A link breaks after up to this much: every few frames, and in a soak of a million every few seconds. */
const CUT_BYTES = FRAMES > 50_000 ? 2_000_000 : 12_000;

/** A session whose program reads raw bytes into a file. */
async function sink(
  w: World,
  client: HostClient,
  name: string,
  floor: "open" | "turn" = "open",
): Promise<{ readonly id: string; read(): string }> {
  const path = w.path(`${name}.read`);
  const session = await w.open(client, { name, floor, script: `stty raw -echo; echo ready; exec cat >'${path}'` });
  await client.wait(session.id, { match: "ready", fromSeq: 0 });
  return { id: session.id, read: () => readFileSync(path, "latin1") };
}

/** Input frames of the journal that were applied, in its order. */
async function appliedFrames(client: HostClient, session: string): Promise<{ readonly actor: string; readonly text: string }[]> {
  const { events } = await record(client, session);
  const settled = new Map<number, InputStatus>();
  for (const e of events)
    if (e.body?.kind.case === "inputSettled") settled.set(Number(e.body.kind.value.inputSeq), e.body.kind.value.status);
  return events
    .filter((e) => e.body?.kind.case === "input" && settled.get(Number(e.seq)) === InputStatus.APPLIED)
    .map((e) => ({ actor: e.actor, text: Buffer.from(e.data).toString("latin1") }));
}

/** Sends numbered frames with some of them under way at once; those reported void are sent again as new ones. */
async function type(attachment: Attachment, name: string, frames: number, dice: { below(n: number): number }): Promise<number> {
  const underWay = new Set<Promise<void>>();
  let voids = 0;
  for (let i = 0; i < frames; i++) {
    const text = bytes(`[${name}:${i}:${"x".repeat(dice.below(120))}]`);
    const send = async (): Promise<void> => {
      for (;;) {
        const o = await attachment.input(text);
        if (o.status === InputStatus.APPLIED) return;
        if (o.status !== InputStatus.VOID)
          throw new Error(`frame ${i} of ${name}: status ${o.status}, ${o.bytes} bytes, ${o.code}: ${o.message}`);
        voids++;
      }
    };
    const one: Promise<void> = send().finally(() => underWay.delete(one));
    underWay.add(one);
    if (underWay.size >= 8) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  return voids;
}

test.each([
  ["links cut at random", false],
  ["links cut at random and the host killed meanwhile", true],
])(
  "four operators' frames reach the program once, whole, in the journal's order, with their true names: %s",
  async (_, killing) => {
    const frames = FRAMES;
    const dice = random();
    say(`seed ${dice.seed}`);
    const w = await world();
    const admin = await w.connect();
    const into = await sink(w, admin, "shared");
    // At any byte of what goes either way.
    const proxy = await Proxy.start(w, "cuts", { cutAfter: () => CUT_BYTES / 20 + dice.below(CUT_BYTES) });
    for (const [name, kind] of crew) w.close(await w.operator(name, kind));
    const attachments: Attachment[] = [];
    for (const [name] of crew) attachments.push(await attachThrough(w, proxy, name, into.id));
    let done = false;
    let hosts = 0;
    const killer = (async () => {
      while (killing && !done && hosts < (soak ? 20 : 4)) {
        const goal = into.read().length + 10_000 + dice.below(20_000);
        await fact("more was read, or all is sent", () => done || into.read().length > goal, 60_000);
        if (done) break;
        await w.killHost();
        hosts++;
      }
    })();
    const voids = await Promise.all(attachments.map((a, i) => type(a, crew[i]![0], frames, dice)));
    done = true;
    await killer;

    const again = await w.connect();
    const applied = await appliedFrames(again, into.id);
    const text = applied.map((f) => f.text).join("");
    await fact("the program has read as much as was applied", () => into.read().length >= text.length);
    expect(into.read()).toBe(text);
    const seen = new Map<string, number>();
    for (const frame of applied) {
      const [, name, n] = /^\[([a-z]+):(\d+):x*\]$/.exec(frame.text) ?? [];
      expect(name).toBe(frame.actor);
      seen.set(`${name}:${n}`, (seen.get(`${name}:${n}`) ?? 0) + 1);
    }
    expect([seen.size, applied.length]).toEqual([crew.length * frames, crew.length * frames]);
    expect(proxy.cuts).toBeGreaterThan(20);
    say(
      `${applied.length} frames, ${proxy.cuts} cuts, ${hosts} host deaths, ${voids.reduce((a, b) => a + b, 0)} voids sent again`,
    );
  },
  soak ? 24 * 3_600_000 : 120_000,
);

/** Connecting through a proxy that cuts may take a few attempts; once attached, the SDK goes on by itself. */
async function attachThrough(w: World, proxy: Proxy, as: string, session: string): Promise<Attachment> {
  return fact(`${as} is attached through the proxy`, async () => {
    const client = await w.connect(as, proxy.home);
    // What was typed while it was offline for more than 5 s is sent when its operator says so: at once, here.
    const attachment: Attachment = await client.attach({ session, noOutput: true }, { held: () => attachment.flushHeld() });
    return attachment;
  });
}

test("what is asked of a host that is down is refused, not left waiting; once it is up, the same client reaches its sessions", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, { script: "exec sleep 1000" });
  const { keeperPid } = await w.status();
  await (await w.connect()).down();
  await fact("the host and its keeper have gone", () => !lives(keeperPid));
  // Asked together, since the client dials for 10 s before it says so.
  const asked = [me.attach({ session: session.id }, {}), me.list()];
  expect(await Promise.all(asked.map(refusal))).toEqual(["unreachable", "unreachable"]);
  await w.start();
  expect((await me.list()).map((s) => s.id)).toEqual([session.id]);
});
