/** Turns as they are felt: who types, pastes and interrupts over whom, through the whole host (core/floor F4 to F7, turns.test.ts). */
import { InputStatus } from "@holdfast/protocol";
import { afterEach, describe, expect, test } from "vitest";
import type { Name } from "./operators.ts";
import type { SimClient } from "./sim-client.ts";
import { heal } from "./storm.ts";
import { simulate, type World, type WorldOptions } from "./world.ts";

let world: World;

async function scene(options: Partial<WorldOptions> = {}): Promise<World> {
  world = await simulate({ seed: 1, ...options });
  return world;
}

afterEach(async () => {
  await heal(world);
  expect(world.violations.length === 0 ? "" : world.report()).toBe("");
});

const key = Uint8Array.of(0x78);
const ctrlC = Uint8Array.of(3);
const TTY_BYTES = 4_096;
/** Longer than any lease. */
const LEASE_MS = 31_000;

/** `whole`, or how much of it was written. */
async function fateOf(sent: ReturnType<SimClient["type"]>): Promise<string> {
  await world.until("the sender is told", () => sent!.settled);
  const { status, bytes } = sent!.outcome!;
  return status === InputStatus.APPLIED && bytes === sent!.bytes.length ? "whole" : `cut after ${bytes}`;
}

async function told(sent: ReturnType<SimClient["type"]>): Promise<string> {
  await world.until("the sender is told", () => sent!.settled);
  return sent!.outcome!.status === InputStatus.APPLIED ? "applied" : (sent!.outcome!.code ?? String(sent!.outcome!.status));
}

describe("while a paste waits for a program that does not read", () => {
  const cut = `cut after ${TTY_BYTES}`;
  const rows: readonly (readonly [
    first: Name,
    lease: "holds" | "at it",
    second: Name,
    act: string,
    told: string,
    fate: string,
  ])[] = [
    ["ana", "holds", "ben", "key", "floor_held", "whole"],
    ["ana", "holds", "bot", "interrupt", "floor_held", "whole"],
    ["ana", "holds", "ci", "take", "refused", "whole"],
    ["bot", "holds", "ana", "key", "applied", cut],
    ["bot", "holds", "ana", "interrupt", "applied", cut],
    ["bot", "holds", "ana", "take", "done", cut],
    ["bot", "holds", "hal", "key", "floor_held", "whole"],
    ["bot", "holds", "ci", "interrupt", "floor_held", "whole"],
    ["ci", "holds", "ana", "key", "applied", cut],
    ["ci", "holds", "bot", "interrupt", "floor_held", "whole"],
    ["ana", "at it", "ben", "key", "applied", "whole"],
    ["ana", "at it", "ben", "interrupt", "applied", cut],
    ["ana", "at it", "ben", "take", "done", cut],
    ["ana", "at it", "bot", "key", "floor_held", "whole"],
    ["ana", "at it", "bot", "interrupt", "floor_held", "whole"],
    ["ana", "at it", "bot", "take", "refused", "whole"],
    ["ana", "at it", "bot", "pass", "refused", "whole"],
    ["ana", "at it", "ci", "interrupt", "floor_held", "whole"],
    ["bot", "at it", "ana", "key", "applied", cut],
    ["bot", "at it", "ana", "take", "done", cut],
    ["bot", "at it", "hal", "interrupt", "applied", cut],
    ["ci", "at it", "ana", "key", "applied", cut],
    ["ci", "at it", "bot", "key", "applied", "whole"],
  ];
  test.each(rows)("of %s's, who %s: %s's %s is told %s, and the paste is %s", async (first, lease, second, act, answer, fate) => {
    await scene({ mood: "deaf" });
    const [one, other] = [await world.attached(first), await world.attached(second)];
    const paste = one.type(one.text(100_000, "\r"));
    await world.advance(lease === "holds" ? 500 : LEASE_MS);
    const asks = { take: () => other.steer("take"), pass: () => other.passes("ben") }[act];
    const floor = asks ? await world.finish(asks()) : null;
    const sent = asks ? null : other.type(act === "key" ? key : ctrlC, { interrupt: act === "interrupt" });
    await world.advance(100);
    world.shim.setMood("sink");
    const answered = sent ? await told(sent) : floor ? "done" : "refused";
    expect([answered, await fateOf(paste)]).toEqual([answer, fate]);
  });

  test.each<[Name, string]>([
    ["ana", "whole"],
    ["ci", "whole"],
    ["bot", cut],
  ])("of %s's, a pause of AIs leaves it %s", async (first, fate) => {
    await scene({ mood: "deaf" });
    const [one, ben] = [await world.attached(first), await world.attached("ben")];
    const paste = one.type(one.text(100_000, "\r"));
    await world.advance(500);
    await world.finish(ben.steer("aiPause"));
    world.shim.setMood("sink");
    expect(await fateOf(paste)).toBe(fate);
  });

  test.each<Name>(["ana", "ci", "bot"])("of %s's: their going away leaves it whole", async (first) => {
    await scene({ mood: "deaf" });
    const one = await world.attached(first);
    const paste = one.type(one.text(100_000, "\r"))!;
    await world.advance(500);
    await world.finish(one.detach());
    world.shim.setMood("sink");
    await world.until("it is written", () => world.shim.written.reduce((n, w) => n + w.bytes.length, 0) === paste.bytes.length);
  });

  test.each<Name>(["ana", "ci", "bot"])("of %s's: a cut link and a resume leave it whole", async (first) => {
    await scene({ mood: "deaf" });
    const one = await world.attached(first);
    const paste = one.type(one.text(300_000, "\r"));
    await world.advance(500);
    for (const wire of [...world.network.wires]) wire.cut();
    await world.advance(500);
    world.shim.setMood("sink");
    expect(await fateOf(paste)).toBe("whole");
  });

  test.each<Name>(["ana", "ci", "bot"])("of %s's: a revocation cuts it, whoever holds the floor then", async (first) => {
    for (const waitMs of [500, LEASE_MS]) {
      await scene({ mood: "deaf" });
      const one = await world.attached(first);
      const paste = one.type(one.text(100_000, "\r"));
      await world.advance(waitMs);
      world.live.revoke(first, { id: "system:host", via: "host" });
      await world.advance(100);
      world.shim.setMood("sink");
      expect(await fateOf(paste)).toBe(cut);
      if (waitMs === 500) await heal(world);
    }
  });

  test("of an AI's that is revoked while the host dies: the next host cuts it", async () => {
    await scene({ mood: "deaf" });
    const bot = await world.attached("bot");
    void bot.type(bot.text(100_000, "\r"));
    await world.advance(500);
    world.revoked.add("bot");
    world.life.dies("kill -9");
    await world.until("the next host serves", () => world.isServing);
    await world.advance(1_000);
    world.shim.setMood("sink");
    await world.advance(1_000);
    expect(world.shim.written.reduce((n, w) => n + w.bytes.length, 0)).toBe(TTY_BYTES);
  });

  test("of a person's, longer than the queue and for longer than a unit may be silent: it is whole", async () => {
    await scene({ mood: "deaf" });
    const ana = await world.attached("ana");
    const paste = ana.type(ana.text(400_000, "\r"));
    await world.advance(10_000);
    world.shim.setMood("sink");
    expect(await fateOf(paste)).toBe("whole");
  });
});

describe("while a unit is open whose next part has not come", () => {
  test.each<[Name, Name, "at once" | "behind it" | "floor_held" | "line_not_empty"]>([
    ["bot", "ana", "at once"],
    ["ci", "ana", "at once"],
    ["ana", "ana", "behind it"],
    ["ana", "ben", "floor_held"],
    ["bot", "ci", "floor_held"],
    ["ana", "bot", "line_not_empty"],
    ["bot", "hal", "line_not_empty"],
  ])("of %s's: a key of %s: %s", async (first, second, when) => {
    await scene({ mood: "sink" });
    const [one, other] = [await world.attached(first), await world.attached(second)];
    void one.attachment!.input(Buffer.from("part one "), { unit: "u", unitEnd: false });
    await world.advance(50);
    const sent = other.type(key);
    await world.advance(50);
    const isThere = (): boolean => world.shim.written.some((w) => w.bytes.length === 1);
    expect(isThere()).toBe(when === "at once");
    const rest = one.attachment!.input(Buffer.from("part two"), { unit: "u", unitEnd: true });
    const outcome = await world.finish(rest);
    expect(outcome.code).toBe(when === "at once" ? "input_cut" : undefined);
    const isLetIn = when === "at once" || when === "behind it";
    expect(await told(sent)).toBe(isLetIn ? "applied" : when);
    expect(isThere()).toBe(isLetIn);
  });

  test("of an AI that has let the floor go: a person's key goes in at once all the same", async () => {
    await scene({ mood: "sink" });
    const [bot, ana] = [await world.attached("bot"), await world.attached("ana")];
    void bot.attachment!.input(Buffer.from("part one "), { unit: "u", unitEnd: false });
    await world.finish(bot.steer("release"));
    const sent = ana.type(key);
    await world.advance(50);
    expect(sent!.outcome?.status).toBe(InputStatus.APPLIED);
  });

  test("of an AI's, with an open floor: a person's key waits for it, as everybody does there", async () => {
    await scene({ mood: "sink", open: { floor: "open" } });
    const [bot, ana] = [await world.attached("bot"), await world.attached("ana")];
    void bot.attachment!.input(Buffer.from("part one "), { unit: "u", unitEnd: false });
    await world.advance(50);
    const sent = ana.type(key);
    await world.advance(1_000);
    expect(sent!.settled).toBe(false);
    expect(await told(sent)).toBe("applied");
  });

  test("of one who left while the program slept: who waits goes in once the program has read what there is of it", async () => {
    await scene({ mood: "deaf", open: { floor: "open" } });
    const [ana, ben] = [await world.attached("ana"), await world.attached("ben")];
    void ana.attachment!.input(new Uint8Array(10_000), { unit: "u", unitEnd: false });
    await world.advance(500);
    await world.finish(ana.detach());
    const sent = ben.type(key);
    await world.advance(10_000);
    expect(sent!.settled).toBe(false);
    world.shim.setMood("sink");
    expect(await told(sent)).toBe("applied");
  });
});

describe("in a shell, an AI", () => {
  const shell = { mood: "shell", open: { command: ["bash"], noIntegration: false } } as const;

  async function atPrompt(): Promise<void> {
    await world.until("the shell reads", () => world.live.commands.state.phase === "editing");
  }
  async function runsSomething(by: SimClient): Promise<void> {
    await world.until("a command runs", () => {
      if (world.live.commands.state.phase === "running") return true;
      if (by.sent.every((s) => s.settled)) by.type(by.text(1, "\r"));
      return false;
    });
  }

  test("may not type over what a person typed ahead, neither before the prompt is drawn nor between that and its echo", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      await scene({ ...shell, seed });
      const [ana, bot] = [await world.attached("ana"), await world.attached("bot")];
      await atPrompt();
      await runsSomething(ana);
      const ahead = ana.type(Buffer.from("rm -r"));
      await world.until("it is written", () => ahead!.settled);
      world.live.changeFloor({ verb: "release", by: { id: "ana", name: "ana", kind: "human" } }, { id: "ana", via: "test" });
      const over: ReturnType<SimClient["type"]>[] = [];
      await world.until("the line shows it", () => {
        if (over.every((s) => s!.settled)) over.push(bot.type(bot.text(1, "")));
        return world.shim.program.line === "rm -r" && over.length > 3;
      });
      await world.advance(1_000);
      expect(over.map((s) => s!.outcome!.code)).toEqual(over.map(() => "line_not_empty"));
      expect(world.shim.program.line).toBe("rm -r");
      if (seed < 30) await heal(world);
      if (world.violations.length > 0) return;
    }
  });

  test("waits a moment where a person's key was the program's, and types then", async () => {
    await scene({ ...shell, seed: 4 });
    const [ana, bot] = [await world.attached("ana"), await world.attached("bot")];
    await atPrompt();
    await runsSomething(ana);
    const forProgram = ana.type(key);
    await world.until("it is written", () => forProgram!.settled);
    // What ran has read it: the shell finds nothing.
    world.shim.flushes();
    await atPrompt();
    world.live.changeFloor({ verb: "release", by: { id: "ana", name: "ana", kind: "human" } }, { id: "ana", via: "test" });
    const sent = [bot.type(bot.text(1, "")), bot.type(bot.text(1, "\r"))];
    expect([await told(sent[0]!), await told(sent[1]!)]).toEqual(["applied", "applied"]);
  });

  test("that is passed the floor by who typed a key into a program goes on there, and nobody else's word will do", async () => {
    await scene({ mood: "sink" });
    const [ana, ben, bot] = [await world.attached("ana"), await world.attached("ben"), await world.attached("bot")];
    const pressed = ana.type(Buffer.from("j"));
    await told(pressed);
    await world.advance(LEASE_MS);
    await world.finish(ben.passes("bot"));
    expect(await told(bot.type(Buffer.from("q")))).toBe("line_not_empty");
    await world.finish(bot.steer("release"));
    await world.finish(ana.passes("bot"));
    expect(await told(bot.type(Buffer.from("k")))).toBe("applied");
  });

  test("may not type behind the half of a person's paste that a take left on the line", async () => {
    await scene({ mood: "deaf" });
    const [ana, ben, bot] = [await world.attached("ana"), await world.attached("ben"), await world.attached("bot")];
    const paste = ana.type(Buffer.from("x".repeat(6_000)));
    await world.advance(LEASE_MS);
    await world.finish(ben.steer("take"));
    expect(await fateOf(paste)).toBe(`cut after ${TTY_BYTES}`);
    await world.finish(ben.steer("release"));
    world.shim.setMood("sink");
    expect(await told(bot.type(key))).toBe("line_not_empty");
  });

  test("may not type behind a person's long paste that ended in the middle of a line", async () => {
    await scene({ mood: "sink" });
    const [ana, bot] = [await world.attached("ana"), await world.attached("bot")];
    const paste = ana.type(Buffer.from(`${"x".repeat(4_095)}\rhalf a line`));
    await told(paste);
    await world.advance(LEASE_MS);
    expect(await told(bot.type(key))).toBe("line_not_empty");
  });
});
