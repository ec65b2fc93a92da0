/** What an AI that is attached is sent, and when: to the last byte and moment, on a simulated clock. */
import { type SimClient, simulate, type World } from "@holdfast/testkit";
import { expect, test } from "vitest";
import type { Host } from "../host.ts";
import { redact } from "../call/reading.ts";
import { kinds } from "./record.ts";

const SECRET = "Zq7.Xk-29vWb";

const shownTo = ({ views }: SimClient): string =>
  views.flatMap(({ seen }) => seen.flatMap((s) => (s.is === "output" ? [Buffer.from(s.bytes).toString("latin1")] : []))).join("");

async function scene(
  seed: number,
): Promise<{ world: World; ana: SimClient; bot: SimClient; prints(text: string): Promise<void> }> {
  const world = await simulate({ seed });
  world.live.secrets.learn(Buffer.from(`A_TOKEN=${SECRET}`));
  const ana = await world.attached("ana");
  const bot = await world.attached("bot");
  await world.advance(500);
  const prints = async (text: string): Promise<void> => {
    const end = world.live.facts.ends[0] + text.length;
    world.shim.prints(Buffer.from(text));
    await world.until("it is recorded", () => world.live.facts.ends[0] >= end);
  };
  return { world, ana, bot, prints };
}

test("what may begin a secret waits for an AI alone, for a moment if nothing more comes, and its place is then stars", async () => {
  const { world, ana, bot, prints } = await scene(81);
  await prints(`so ${SECRET.slice(0, 6)}`);
  await world.until("a person is shown it", () => shownTo(ana).endsWith(SECRET.slice(0, 6)));
  expect(shownTo(bot)).not.toContain("Zq7");
  await world.advance(1_000);
  expect(shownTo(bot)).toMatch(/so \*{6}$/);
  await prints(`${SECRET.slice(6)}, then`);
  await world.advance(1_000);
  expect(shownTo(bot)).toMatch(/so \*{12}, then$/);
  expect(shownTo(ana)).toContain(`so ${SECRET}, then`);
  expect(world.violations).toEqual([]);
});

test("what waits for an AI is gone when it is redacted meanwhile", async () => {
  const { world, ana, bot, prints } = await scene(82);
  await prints(`so ${SECRET.slice(0, 3)}`);
  await world.until("a person is shown it", () => shownTo(ana).endsWith("Zq7"));
  const seqs = world.live
    .read(0, 1_000_000)
    .flatMap((i) => ("gap" in i || i.entry.kind !== kinds.output ? [] : [BigInt(i.entry.seq)]));
  const by = { operator: world.life.host.registry.byName("ana")!, via: "cli" };
  const value = { session: world.session, seqs, fromSeq: 0n, toSeq: 0n, reason: "" };
  await world.finish(redact({ host: world.life.host as Host, ...by } as never, value as never));
  await world.advance(1_000);
  expect(shownTo(bot)).not.toContain("Zq7");
});

test("a secret that is learnt while an AI is attached is masked from then on, also where it has begun already", async () => {
  const { world, bot, prints } = await scene(83);
  const late = "Late-Secret-4711";
  await prints(`1 ${late} ${late.slice(0, 7)}`);
  await world.advance(1_000);
  world.live.secrets.learn(Buffer.from(`B_TOKEN=${late}`));
  await prints(`${late.slice(7)} 2 ${late}!`);
  await world.advance(1_000);
  expect(shownTo(bot)).toContain(`1 ${late} ${late.slice(0, 7)}${"*".repeat(9)} 2 ${"*".repeat(16)}!`);
  expect(world.violations).toEqual([]);
});

test("a flood without a secret comes to an AI byte for byte, over links that break, and whole when it is read again", async () => {
  const { world, ana, bot, prints } = await scene(84);
  await prints("begin ");
  for (let i = 0; i < 6; i++) {
    world.shim.prints(world.shim.program.text(150_000));
    await world.advance(300);
    if (i % 2 === 1) for (const wire of [...world.network.wires]) wire.cut();
  }
  await prints(` ${SECRET} end`);
  await world.until("both are shown its end", () => [ana, bot].every((who) => shownTo(who).endsWith(" end")));
  const texts: string[] = [];
  for (const name of ["ben", "hal"] as const) {
    const again = await world.newClient(name);
    await world.finish(again.attach({ session: world.session, mode: "replay", after: 0 }));
    await world.until("it has been read again", () => shownTo(again).endsWith(" end"));
    texts.push(shownTo(again));
  }
  const [person, ai] = texts as [string, string];
  expect(person.length).toBeGreaterThan(800_000);
  expect(ai).toBe(person.replace(SECRET, "*".repeat(SECRET.length)));
  expect(ai.endsWith(shownTo(bot).slice(-1_000))).toBe(true);
});
