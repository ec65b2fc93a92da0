/** Races by name: each happens here on purpose, and each of the first group once broke something. All of checks.ts holds after every one. */
import { EventBodySchema, fromBinary, InputStatus } from "@holdfast/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { CRASH_STYLES, crashImage } from "../disk/index.ts";
import { OUTPUT_KIND } from "./checks.ts";
import { checkPowerLoss, remember } from "./power.ts";
import type { SimClient } from "./sim-client.ts";
import { heal } from "./storm.ts";
import { simulate, type World, type WorldOptions } from "./world.ts";

/** How often a host dies at each point. */
const TIMES = process.env["HOLDFAST_SOAK"] === "1" ? 300 : 25;

let world: World;

async function scene(options: Partial<WorldOptions> = {}): Promise<World> {
  world = await simulate({ seed: 1, ...options });
  return world;
}

/** Everything is mended, comes to rest, is checked and taken down. */
afterEach(async () => {
  await heal(world);
  expect(world.violations.length === 0 ? "" : world.report()).toBe("");
});

const text = (client: SimClient): string =>
  Buffer.concat(client.view!.seen.flatMap((s) => ("bytes" in s ? [s.bytes] : []))).toString();
const outcome = (sent: ReturnType<SimClient["type"]>) =>
  sent!.outcome && { status: sent!.outcome.status, bytes: sent!.outcome.bytes };

describe("a host dies", () => {
  const points = [
    ["before an input is appended", "writes /journal/ledger"],
    ["between append and send", "tells the shim input"],
    ["between the program's reading and the answer", "host sends on ana"],
    ["between the answer and its acknowledgement to the shim", "tells the shim ack"],
  ] as const;
  for (const [when, act] of points) {
    test(`${when}, ${TIMES} times: the frame runs once, and its sender is told so`, async () => {
      for (let seed = 1; seed <= TIMES; seed++) {
        const { life } = await scene({ seed });
        const ana = await world.attached("ana");
        let armed = true;
        const sent = ana.type(Buffer.from("once\r"));
        life.onEffect = (what) => !(armed && what.startsWith(act) && !(armed = false));
        await world.until("the host dies", () => !life.isAlive);
        await world.until("the sender is told", () => sent!.settled);
        expect(outcome(sent), `seed ${seed}`).toEqual({ status: InputStatus.APPLIED, bytes: 5 });
        await world.advance(100);
        expect(Buffer.concat(world.shim.program.read).toString(), `seed ${seed}`).toBe("once\r");
        if (seed < TIMES) await heal(world);
        if (world.violations.length > 0) break;
      }
    });
  }

  test("at each of its first 120 acts after a frame: what was typed runs once", async () => {
    for (let n = 1; n <= 120; n++) {
      await scene({ seed: n });
      const ana = await world.attached("ana");
      world.life.diesAt = world.life.effects + n;
      const sent = [
        ana.type(Buffer.from("one\r")),
        ana.type(Buffer.from("two\r"), { durable: true }),
        ana.type(Buffer.from("three\r")),
      ];
      await world.until("all senders are told", () => sent.every((s) => s!.settled), 20_000);
      expect(Buffer.concat(world.shim.program.read).toString(), `act ${n}`).toBe("one\rtwo\rthree\r");
      if (n < 120) await heal(world);
      if (world.violations.length > 0) break;
    }
  });

  test("and the next one dies before it has recorded what the shim tells it: the result is told again", async () => {
    await scene();
    const ana = await world.attached("ana");
    world.life.onEffect = (what) => !what.startsWith("host sends on ana");
    const sent = ana.type(Buffer.from("result\r"));
    world.onLife = (life) => {
      let writes = 0;
      life.onEffect = (what) =>
        !(life.number === 2 && life.isServing && what.startsWith("writes /journal/ledger") && ++writes === 1);
    };
    await world.until("the sender is told", () => sent!.settled);
    expect(outcome(sent)).toEqual({ status: InputStatus.APPLIED, bytes: 7 });
  });

  test("after a take was decided: of the other's waiting paste not one more byte is written", async () => {
    await scene({ mood: "deaf" });
    const ana = await world.attached("ana");
    const bot = await world.attached("bot");
    const paste = bot.type(bot.text(100_000, "\r"));
    await world.advance(500);
    world.life.dies("kill -9");
    await world.until("ana is back", () => world.isServing && ana.attachment !== null && world.live.attachments.size === 2);
    // And knows it.
    await world.advance(50);
    await world.finish(ana.steer("take"));
    await world.advance(100);
    const before = world.shim.written.length;
    world.shim.setMood("echo");
    await world.until("bot is told", () => paste!.settled);
    expect(world.shim.written.slice(before)).toEqual([]);
    expect(paste!.outcome!.bytes).toBe(4096);
  });

  test("between the record of a take and the word to the shim: the other's paste is cut all the same", async () => {
    await scene({ mood: "deaf" });
    const [ana, bot] = [await world.attached("ana"), await world.attached("bot")];
    const paste = bot.type(bot.text(100_000, "\r"));
    await world.advance(500);
    let armed = true;
    world.life.onEffect = (what) => !(armed && what.startsWith("tells the shim cancel") && !(armed = false));
    void ana.steer("take");
    await world.until("the next host serves", () => world.lives.length === 2 && world.isServing);
    await world.advance(1_000);
    const before = world.shim.written.length;
    world.shim.setMood("echo");
    await world.until("bot is told", () => paste!.settled);
    expect(world.shim.written.slice(before)).toEqual([]);
  });

  test("while no host lives the program exits: its last words and its code are there", async () => {
    await scene();
    world.keeps = false;
    world.life.dies("kill -9");
    world.shim.prints(Buffer.from("last words"));
    world.shim.exits(42);
    await world.advance(60_000);
    world.keeps = true;
    await world.boot();
    await world.until("the end is known", () => world.isServing && world.live.isOver);
    expect(world.live.facts.exit!.code).toBe(42);
    const ana = await world.attached("ana");
    await world.until("ana sees", () => text(ana).includes("last words"));
  });

  test("between a program's exit and its child's last print: what the child printed is not lost", async () => {
    await scene();
    world.shim.exits(0, true);
    await world.advance(100);
    world.life.dies("kill -9");
    await world.advance(2_000);
    world.shim.prints(Buffer.from("from the child"));
    const ana = await world.attached("ana");
    await world.until("ana sees", () => text(ana).includes("from the child"));
  });

  test("with half a line typed: the next host keeps an AI off it", async () => {
    await scene();
    const ana = await world.attached("ana");
    const bot = await world.attached("bot");
    const half = ana.type(Buffer.from("rm -r"));
    await world.until("ana is told", () => half!.settled);
    world.life.dies("kill -9");
    await world.until("bot is back", () => world.isServing && world.live.attachments.size === 2);
    await world.advance(10_000);
    const over = bot.type(Buffer.from(" /\r"));
    await world.until("bot is told", () => over!.settled);
    expect(over!.outcome!.code).toBe("line_not_empty");
  });
});

describe("the link to the shim breaks, and nobody dies", () => {
  test("just before a take: what the other pasted is cut once the shim is linked again, and not what came after", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      await scene({ seed, mood: "deaf" });
      const [ana, bot] = [await world.attached("ana"), await world.attached("bot")];
      const paste = bot.type(bot.text(100_000, "\r"));
      await world.advance(500);
      world.cutShimLink();
      await world.finish(ana.steer("take"));
      await world.advance(1_000);
      const before = world.shim.written.length;
      const mine = ana.type(Buffer.from("mine\r"));
      world.shim.setMood("echo");
      await world.until("both are told", () => paste!.settled && mine!.settled);
      expect(Buffer.concat(world.shim.written.slice(before).map((w) => w.bytes)).toString(), `seed ${seed}`).toBe("mine\r");
      expect(paste!.outcome!.bytes).toBe(4096);
      if (seed < 10) await heal(world);
      if (world.violations.length > 0) break;
    }
  });
});

describe("a link is cut", () => {
  test("mid-frame for two clients at once: each frame runs once, in its sender's order", async () => {
    await scene({ seed: 5, open: { floor: "open" } });
    const [ana, ben] = [await world.attached("ana"), await world.attached("ben")];
    for (let n = 0; n < 40; n++) {
      ana.type(ana.text(1, "\r"));
      if (n % 5 === 0) ben.type(ben.text(1, "\r"));
      await world.advance(0.3);
      for (const wire of [...world.network.wires]) if (n % 3 === 0) wire.cut();
    }
    await world.until("all are told", () => [...ana.sent, ...ben.sent].every((s) => s.settled));
    expect(ana.sent.filter((s) => s.outcome!.status === InputStatus.APPLIED).length).toBeGreaterThan(0);
  });

  test("at every byte of one frame's way: it runs once", async () => {
    for (let n = 0; n < 60; n++) {
      await scene({ seed: 1_000 + n });
      const ana = await world.attached("ana");
      const sent = ana.type(ana.text(1, "\r"));
      await world.advance(n / 60);
      for (const wire of [...world.network.wires]) wire.cut();
      await world.until("ana is told", () => sent!.settled);
      expect(outcome(sent)).toEqual({ status: InputStatus.APPLIED, bytes: sent!.bytes.length });
      if (n < 59) await heal(world);
      if (world.violations.length > 0) break;
    }
  });

  test("before a durable frame's second answer: the resend is told that it is on the disk", async () => {
    await scene();
    const ana = await world.attached("ana");
    const sent = ana.type(Buffer.from("keep\r"), { durable: true });
    await world.until("the program has it", () => world.shim.written.length > 0);
    for (const wire of [...world.network.wires]) wire.cut();
    await world.until("ana is told", () => sent!.settled);
    expect(outcome(sent)).toEqual({ status: InputStatus.APPLIED, bytes: 5 });
  });

  test("half-open for 20 seconds: the session goes on, and the client resumes where it was", async () => {
    await scene();
    const ana = await world.attached("ana");
    for (const wire of world.network.wires) wire.stall();
    world.shim.prints(Buffer.from("meanwhile"));
    await world.advance(20_000);
    for (const wire of [...world.network.wires]) wire.cut();
    await world.until("ana sees", () => text(ana).includes("meanwhile"));
  });

  test("in the middle of a snapshot: the next one stands alone", async () => {
    await scene({ ringBytes: 1024 * 1024 });
    world.shim.prints(world.shim.program.text(900_000));
    await world.advance(3_000);
    const ana = await world.newClient("ana");
    void ana.attach({ session: world.session });
    await world.advance(2);
    for (let n = 0; n < 8; n++) {
      for (const wire of [...world.network.wires]) wire.cut();
      await world.advance(40);
    }
    await world.advance(5_000);
    if (!ana.isAttached) await world.finish(ana.connect().then(() => ana.attach({ session: world.session })));
    await world.until("ana has a screen", () => ana.view!.seen.some((s) => s.is === "snapshot"));
  });

  test("and the attachment leaves: nothing of it stays at the host", async () => {
    await scene();
    const ana = await world.attached("ana");
    for (const wire of [...world.network.wires]) wire.cut();
    await world.until("ana is back", () => world.live.attachments.size === 1 && world.network.wires.size === 1);
    await world.finish(Promise.all([ana.detach(), ana.detach()]));
    await world.until("the link is gone", () => world.network.wires.size === 0);
  });
});

describe("the place of who lost their link", () => {
  /** Nobody is reached from here on; ana is cut off. */
  async function cutOff(graceMs = 60_000): Promise<{ readonly ana: SimClient; readonly id: string }> {
    await scene({ open: { graceMs } });
    const ana = await world.attached("ana");
    await world.until("a token is kept", () => world.tokens.text.includes(ana.attachment!.id));
    await world.advance(100);
    world.network.isDown = true;
    for (const wire of [...world.network.wires]) wire.cut();
    await world.until("the host knows it", () => world.live.attachments.size === 0);
    return { ana, id: ana.attachment!.id };
  }
  /** The network is there again after `ms`; resolves when ana types. */
  async function backAfter(ms: number, ana: SimClient): Promise<void> {
    await world.advance(ms);
    world.network.isDown = false;
    await world.until("ana is back", () => world.live.attachments.size === 1);
    const sent = ana.type(Buffer.from("here\r"));
    await world.until("it is answered", () => sent!.settled);
    expect(outcome(sent)).toEqual({ status: InputStatus.APPLIED, bytes: 5 });
  }
  const attachedAs = (): string[] =>
    world.entries().flatMap((e) => {
      if ("gap" in e || e.kind === OUTPUT_KIND) return [];
      const body = fromBinary(EventBodySchema, e.meta).kind;
      return body.case === "attached" ? [body.value.attachment] : [];
    });

  test("is theirs until its time is over, on one host or several", async () => {
    for (const deaths of [0, 1, 3]) {
      const { ana, id } = await cutOff();
      for (let n = 0; n < deaths; n++) {
        world.life.dies("the keeper will mend it");
        await world.until("the next host serves", () => world.isServing);
      }
      await backAfter(50_000 - deaths * 1_000, ana);
      expect(ana.attachment!.id).toBe(id);
      expect(new Set(attachedAs())).toEqual(new Set([id]));
      if (deaths < 3) await heal(world);
    }
  });

  test("is nobody's after that: they attach anew, and the session and what they sent are what they were", async () => {
    const { ana, id } = await cutOff();
    await backAfter(61_000, ana);
    expect(ana.attachment!.id).not.toBe(id);
    expect(attachedAs()).toEqual([id, ana.attachment!.id]);
  });

  test("is theirs in another life, whenever the one before was killed: the same seat, and each input runs once", async () => {
    for (let n = 0; n < 60; n++) {
      await scene({ seed: 2_000 + n });
      const ana = await world.attached("ana");
      await world.until("a token is kept", () => ana.kept?.includes("secret") === true);
      const first = ana.type(ana.text(1, "\r"))!;
      await world.until("ana steers", () => first.settled);
      const before = ana.type(ana.text(1, "\r"))!;
      await world.advance(n / 30);
      ana.dies();
      const again = await world.attached("ana", { resume: ana.kept! });
      expect([again.attachment!.id, again.attachment!.floor.seat]).toEqual([ana.attachment!.id, ana.attachment!.id]);
      const after = again.type(again.text(1, "\r"))!;
      await world.until("it is answered", () => after.settled);
      expect(outcome(after)).toEqual({ status: InputStatus.APPLIED, bytes: after.bytes.length });
      await world.advance(100);
      expect(Buffer.concat(world.shim.program.read)).toEqual(Buffer.concat([first, before, after].map(({ bytes }) => bytes)));
      expect(again.view!.seen[0]!.is).toBe("snapshot");
      if (n < 59) await heal(world);
      if (world.violations.length > 0) break;
    }
  });

  test("is nobody's in another life after that: what the host never had waits for a word, and is not asked for again", async () => {
    await scene({ open: { graceMs: 60_000 } });
    const ana = await world.attached("ana");
    await world.until("a token is kept", () => ana.kept?.includes("secret") === true);
    const had = ana.type(Buffer.from("had\r"))!;
    await world.until("it is answered", () => had.settled);
    world.network.isDown = true;
    for (const wire of [...world.network.wires]) wire.stall();
    ana.type(Buffer.from("never\r"));
    ana.dies();
    await world.until("the host knows it", () => world.live.attachments.size === 0);
    await world.advance(61_000);
    world.network.isDown = false;
    const again = await world.newClient("ana");
    const asked: number[] = [];
    const attachment = await world.finish(
      again.client!.attach({ session: world.session, resume: ana.kept! }, { held: (bytes) => void asked.push(bytes) }),
    );
    expect([attachment.id === ana.attachment!.id, asked]).toEqual([false, [6]]);
    expect(Buffer.concat(world.shim.program.read).toString()).toBe("had\r");
    attachment.flushHeld();
    await world.until("it is typed", () => Buffer.concat(world.shim.program.read).toString() === "had\rnever\r");
    await world.finish(attachment.detach());
  });

  test("is not somebody else's who has stolen what was kept: they are another attachment, and it stays whose it was", async () => {
    const { ana, id } = await cutOff();
    ana.dies();
    world.network.isDown = false;
    for (const thief of ["ben", "eva"] as const) {
      const other = await world.attached(thief, { resume: ana.kept! });
      expect(other.attachment!.id).not.toBe(id);
      await world.finish(other.detach());
    }
    const again = await world.attached("ana", { resume: ana.kept! });
    expect(again.attachment!.id).toBe(id);
  });

  test("is one's of two who have what was kept; the other is somebody new, and types with numbers of their own", async () => {
    const { ana, id } = await cutOff();
    ana.dies();
    world.network.isDown = false;
    const [one, other] = [await world.newClient("ana"), await world.newClient("ana")];
    await world.finish(Promise.all([one, other].map((client) => client.attach({ session: world.session, resume: ana.kept! }))));
    const ids = [one, other].map(({ attachment }) => attachment!.id);
    expect(ids.filter((each) => each === id).length).toBe(1);
    const sent = [one, other].map((client) => client.type(client.text(1, "\r"))!);
    await world.until("all is answered", () => sent.every(({ settled }) => settled));
    expect(sent.map(outcome)).toEqual(sent.map(({ bytes }) => ({ status: InputStatus.APPLIED, bytes: bytes.length })));
    await world.advance(100);
    expect(Buffer.concat(world.shim.program.read).length).toBe(sent.reduce((sum, { bytes }) => sum + bytes.length, 0));
  });

  test("is not theirs any more once they are revoked, whatever token they have", async () => {
    const { ana } = await cutOff();
    world.revoked.add("ana");
    world.life.host.continuity.revoked("ana");
    await world.advance(1_000);
    world.network.isDown = false;
    await world.until("ana is told", () => ana.view!.detached !== null);
    expect(ana.view!.detached).toBe("revoked");
    expect(world.live.attachments.size).toBe(0);
  });

  test("goes to the newer link at once where the older one is half-open, and the older one is fenced", async () => {
    await scene();
    const ana = await world.attached("ana");
    await world.until("a token is kept", () => world.tokens.text.includes(ana.attachment!.id));
    await world.advance(100);
    const { id } = ana.attachment!;
    const other = await world.newClient("ana");
    await world.finish(other.promise("carry", () => other.client!.carry(ana.attachment!)));
    const sent = ana.type(Buffer.from("moved\r"));
    await world.until("it is answered", () => sent!.settled);
    expect(outcome(sent)).toEqual({ status: InputStatus.APPLIED, bytes: 6 });
    expect([...world.live.attachments.keys()]).toEqual([id]);
    expect(attachedAs()).toEqual([id, id]);
  });
});

describe("others at work", () => {
  test("a take while 256 KiB of another's paste wait: not one more byte of it is written, and its sender learns how much was", async () => {
    await scene({ mood: "deaf" });
    const [ana, bot] = [await world.attached("ana"), await world.attached("bot")];
    const paste = bot.type(bot.text(250_000, "\r"));
    await world.advance(1_000);
    await world.finish(ana.steer("take"));
    world.shim.setMood("echo");
    await world.until("bot is told", () => paste!.settled);
    expect(paste!.outcome!.bytes).toBe(world.shim.written.reduce((n, w) => n + w.bytes.length, 0));
    expect(paste!.outcome!.status).not.toBe(InputStatus.APPLIED);
  });

  test("a take after the lease of a paste that waits has run out: it is cut all the same", async () => {
    await scene({ mood: "deaf" });
    const [ana, bot] = [await world.attached("ana"), await world.attached("bot")];
    const paste = bot.type(bot.text(100_000, "\r"));
    await world.advance(40_000);
    await world.finish(ana.steer("take"));
    // The cut may still be on its way to the shim when ana is told.
    await world.advance(1);
    world.shim.setMood("echo");
    await world.until("bot is told", () => paste!.settled);
    expect(paste!.outcome!.bytes).toBe(4096);
  });

  test("AIs are paused while one pastes: what waits is dropped, and it is told why the rest is refused", async () => {
    await scene({ mood: "deaf" });
    const [ana, bot] = [await world.attached("ana"), await world.attached("bot")];
    const paste = bot.type(bot.text(100_000, "\r"));
    await world.advance(200);
    await world.finish(ana.steer("aiPause"));
    world.shim.setMood("echo");
    await world.until("bot is told", () => paste!.settled);
    const more = bot.type(Buffer.from("more\r"));
    await world.until("bot is told again", () => more!.settled);
    expect(more!.outcome!.code).toBe("ai_paused");
  });

  test("a key typed while one's own paste waits comes after it", async () => {
    await scene({ mood: "slow" });
    const ana = await world.attached("ana");
    const paste = ana.type(ana.text(40_000, "\r"));
    const key = ana.type(Buffer.from("q"));
    world.shim.setMood("sink");
    await world.until("both are told", () => paste!.settled && key!.settled);
    expect(Buffer.concat(world.shim.program.read).at(-1)).toBe("q".charCodeAt(0));
  });

  test("600 frames at once and a cut: none runs twice, and none is called refused that ran", async () => {
    await scene({ mood: "sink" });
    const ana = await world.attached("ana");
    for (let n = 0; n < 600; n++) ana.type(ana.text(1, "\r"));
    await world.advance(1);
    for (const wire of [...world.network.wires]) wire.cut();
    await world.until("all are told", () => ana.sent.every((s) => s.settled));
  });

  test("pastes of more than a window keep no reader waiting", async () => {
    await scene({ mood: "sink" });
    const [ana, ben] = [await world.attached("ana"), await world.attached("ben")];
    const paste = ana.type(ana.text(150_000, "\r"));
    await world.until("ana is told", () => paste!.settled);
    world.shim.prints(Buffer.from("still here"));
    await world.until("ben sees", () => text(ben).includes("still here"));
  });

  test("with every input on the disk first, a resize does not overtake what waits for it", async () => {
    await scene({ open: { syncInput: true } });
    const ana = await world.attached("ana", { size: { cols: 80, rows: 24 } });
    for (let n = 0; n < 20; n++) {
      ana.type(ana.text(1, "\r"));
      ana.attachment!.resize({ cols: 80 + n, rows: 24 });
    }
    await world.until("all are told", () => ana.sent.every((s) => s.settled));
    expect(ana.sent.every((s) => s.outcome!.status === InputStatus.APPLIED)).toBe(true);
  });

  test("a program that exits while inputs wait for the disk: each is settled", async () => {
    await scene({ open: { syncInput: true } });
    const ana = await world.attached("ana");
    for (let n = 0; n < 10; n++) ana.type(ana.text(1, "\r"));
    await world.advance(0.5);
    world.shim.exits(0);
    await world.until("all are told", () => ana.sent.every((s) => s.settled));
  });
});

describe("readers", () => {
  test("one that is 9 MiB behind jumps to now, while a replay gets every byte", async () => {
    await scene({ ringBytes: 4 * 1024 * 1024 });
    const [slow, replay] = [await world.attached("ana"), await world.attached("ben", { mode: "replay", after: 0 })];
    slow.readUs = 3_000_000;
    for (let n = 0; n < 20; n++) {
      world.shim.prints(world.shim.program.text(500_000));
      await world.advance(200);
    }
    slow.readUs = 0;
    await world.until("the slow one has jumped", () => slow.view!.seen.some((s) => s.is === "snapshot" && s.why === "behind"));
    expect(replay.view!.seen.some((s) => s.is === "snapshot")).toBe(false);
  });

  test("the model's worker dies while a snapshot is on its way: the reader gets another", async () => {
    await scene();
    world.shim.prints(world.shim.program.text(5_000));
    await world.advance(50);
    const ana = await world.newClient("ana");
    void ana.attach({ session: world.session });
    for (let n = 0; n < 10; n++) {
      await world.advance(0.2);
      world.life.models.dies();
    }
    await world.until("ana has a screen", () => ana.view?.seen.some((s) => s.is === "snapshot") ?? false);
  });

  test("half a sequence, a restart, and its rest: everybody is shown the same", async () => {
    await scene({ mood: "sink" });
    const ana = await world.attached("ana");
    world.shim.prints(Buffer.from("before \x1b"));
    await world.advance(20);
    for (let n = 0; n < 12; n++) ana.type(ana.text(1, "\r"));
    await world.advance(20);
    world.life.dies("kill -9");
    await world.until("ana is back", () => world.isServing && world.live.attachments.size === 1);
    world.shim.prints(Buffer.from("[31mred"));
    const ben = await world.attached("ben", { mode: "replay", after: 0 });
    await world.until("both see", () => text(ana).includes("red") && text(ben).includes("red"));
  });

  test("a query is answered once, whatever dies", async () => {
    await scene({ mood: "sink" });
    await world.attached("ana");
    world.shim.prints(Buffer.from("\x1b[c"));
    await world.advance(5);
    world.life.models.dies();
    await world.advance(200);
    world.life.dies("kill -9");
    await world.advance(3_000);
    expect(Buffer.concat(world.shim.program.read).toString()).toBe("\x1b[?3c");
  });
});

describe("the machine", () => {
  test("sleeps for an hour, and its wall clock jumps by a day: the session and its attachments live on", async () => {
    await scene();
    const ana = await world.attached("ana");
    world.scheduler.sleep(3_600_000);
    world.scheduler.jumpWall(-86_400_000);
    await world.advance(1_000);
    const sent = ana.type(Buffer.from("awake\r"));
    await world.until("ana is told", () => sent!.settled);
    expect(outcome(sent)).toEqual({ status: InputStatus.APPLIED, bytes: 6 });
  });

  test("has a full disk: input is refused and not run, output waits, and all goes on when there is room", async () => {
    await scene();
    const ana = await world.attached("ana");
    world.disk.capacityBytes = world.disk.usedBytes + 300;
    for (let n = 0; n < 6; n++) {
      ana.type(ana.text(1, "\r"));
      world.shim.prints(world.shim.program.text(3_000));
      await world.advance(300);
    }
    expect(ana.sent.at(-1)!.outcome!.code).toBe("journal_frozen");
    world.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
    await world.until("the output is recorded", () => world.live.facts.ends[0] === world.shim.output.length);
    const sent = ana.type(ana.text(1, "\r"));
    await world.until("ana is told", () => sent!.settled);
    expect(sent!.outcome!.status).toBe(InputStatus.APPLIED);
    expect(world.lives.length).toBe(1);
  });

  test("has a disk that fails at one call, for each of 40: nothing runs unrecorded, and the session lives on", async () => {
    for (let n = 1; n <= 40; n++) {
      await scene({ seed: n });
      const ana = await world.attached("ana");
      world.disk.fault = { at: world.disk.trace.length + n, fault: "EIO", sticky: false };
      for (let i = 0; i < 8; i++) {
        ana.type(ana.text(1, "\r"), { durable: i % 2 === 0 });
        world.shim.prints(world.shim.program.text(500));
        await world.advance(30);
      }
      world.disk.fault = null;
      if (n < 40) await heal(world);
      if (world.violations.length > 0) break;
    }
  });

  test("loses its power: what was durable is there, whatever the disk kept", async () => {
    await scene();
    const ana = await world.attached("ana");
    for (let n = 0; n < 20; n++) {
      ana.type(ana.text(1, "\r"), { durable: n % 3 === 0 });
      world.shim.prints(world.shim.program.text(3_000));
      await world.advance(3);
    }
    const memory = remember(world);
    const images = CRASH_STYLES.map((style, i) => crashImage(world.disk, style, i));
    for (const image of images) await checkPowerLoss(world, memory, image);
  });
});
