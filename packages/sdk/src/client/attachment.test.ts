import { HoldError, type HostBody, InputStatus } from "@holdfast/protocol";
import { describe, expect, test } from "vitest";
import type { ClientAttachment } from "./attachment.ts";
import type { Redial } from "./redial.ts";
import type { ResumeToken } from "./handshake.ts";
import { attachedScene, output, settled } from "./test/scripted-host.ts";

describe("a handler that throws", () => {
  test.each([
    [
      "at once",
      () => {
        throw new Error("no pen");
      },
    ],
    ["later", () => Promise.reject(new Error("no pen"))],
  ] as const)("%s, ends its attachment with what it said, and not the link", async (_when, fails) => {
    const told: unknown[] = [];
    const { host, connection, attachment } = await attachedScene({
      output: fails,
      detached: (reason, error) => void told.push([reason, error?.message]),
    });
    host.say(output(1, "x"));
    await settled();
    expect(told).toEqual([["handler failed", "a handler of this attachment threw: no pen"]]);
    expect(host.of("detach")).toHaveLength(1);
    expect(connection.isOver).toBe(false);
    await attachment.detach();
  });

  test("of the floor or of presence does the same", async () => {
    const told: string[] = [];
    const { host, connection } = await attachedScene({
      presence: () => {
        throw new Error("nobody");
      },
      detached: (reason) => void told.push(reason),
    });
    host.say({ case: "presence", value: { operators: [] } });
    await settled();
    expect(told).toEqual(["handler failed"]);
    expect(connection.isOver).toBe(false);
  });

  test("settles what was typed and not answered", async () => {
    const { host, attachment } = await attachedScene({
      output: () => {
        throw new Error("x");
      },
    });
    const typed = attachment.input(Buffer.from("ls\r"));
    host.say(output(1, "x"));
    expect(await typed).toMatchObject({ status: InputStatus.UNSPECIFIED, code: "internal" });
  });
});

test.each(["redacted", "pruned", "damaged"])(
  "output that is %s is a gap of exactly its bytes, in its place, and not output of no bytes",
  async (reason) => {
    const told: unknown[] = [];
    const { host, attachment } = await attachedScene({
      output: (o) => void told.push([o.seq, Buffer.from(o.bytes).toString()]),
      gap: (g) => void told.push(g),
    });
    host.say(output(1, "one", 0));
    const gone = output(2, "", 3) as Extract<ReturnType<typeof output>, { case: "event" }>;
    host.say({ case: "event", value: { ...gone.value, payload: reason, payloadBytes: 40 } });
    host.say(output(3, "two", 43));
    await settled();
    expect(told).toEqual([[1, "one"], { fromSeq: 2, toSeq: 2, reason, lost: { stream: 0, offset: 3, end: 43 } }, [3, "two"]]);
    await attachment.detach();
  },
);

test("detaching from a host that is stopped is over after two seconds, and leaves no timer", async () => {
  const { host, clock, attachment } = await attachedScene();
  host.on = () => {};
  let left = false;
  void attachment.detach().then(() => {
    left = true;
  });
  await settled();
  expect(left).toBe(false);
  await clock.next();
  expect(left).toBe(true);
  expect(clock.nowMs).toBe(2_000);
  expect(clock.pending).toBe(0);
});

test("detaching from a host that answers leaves no timer either", async () => {
  const { clock, attachment } = await attachedScene();
  await attachment.detach();
  expect(clock.pending).toBe(0);
});

test("detaching while offline is over at once, and nothing dials any more", async () => {
  const { host, clock, attachment } = await attachedScene();
  host.refusesLinks = true;
  host.links[0]!.destroy();
  await settled();
  await attachment.detach();
  expect(clock.pending).toBe(0);
  host.refusesLinks = false;
  await clock.next();
  expect(host.links).toHaveLength(1);
});

test("attempts to reconnect grow to two seconds at most, are spread, and end after ten minutes", async () => {
  const told: string[] = [];
  const { host, clock } = await attachedScene({ detached: (_reason, error) => void told.push(error!.code) });
  host.refusesLinks = true;
  host.links[0]!.destroy();
  await settled();
  for (let n = 0; n < 2_000 && told.length === 0; n++) await clock.next();
  expect(told).toEqual(["unreachable"]);
  expect(clock.nowMs).toBeGreaterThan(10 * 60_000);
  expect(clock.nowMs).toBeLessThan(10 * 60_000 + 5_000);
  expect(Math.max(...clock.waits)).toBeLessThanOrEqual(2_000);
  expect(clock.waits[0]! % 20).not.toBe(0);
  expect(clock.waits.length).toBeLessThan(700);
});

test.each(["draining", "timed_out", "continuity_busy", "too_many"] as const)(
  "whose way back is %s for now is there as soon as it is not",
  async (code) => {
    const told: string[] = [];
    const { host, clock } = await attachedScene({ detached: (_reason, error) => void told.push(error!.code) });
    Object.assign(host, { refusesLinks: true, refusal: code });
    host.links[0]!.destroy();
    await settled();
    for (let n = 0; n < 20; n++) await clock.next();
    host.refusesLinks = false;
    await clock.next();
    expect([told, host.links.length]).toEqual([[], 2]);
  },
);

test("a host that takes links and drops them is not dialled faster and faster", async () => {
  const { host, clock } = await attachedScene();
  host.on = (body) => {
    if (body.case === "attach") host.links.at(-1)!.destroy();
  };
  host.links[0]!.destroy();
  await settled();
  for (let n = 0; n < 8; n++) await clock.next();
  expect(clock.waits.at(-1)).toBeGreaterThan(clock.waits[0]! * 20);
});

test("what is used late, from an earlier link, is credited to nobody", async () => {
  const used: (() => void)[] = [];
  const { host, clock } = await attachedScene({ output: () => new Promise<void>((resolve) => void used.push(resolve)) });
  host.say(output(1, "x".repeat(20_000)));
  await settled();
  host.links[0]!.destroy();
  await settled();
  await clock.next();
  expect(host.of("attach")).toHaveLength(2);
  for (const use of used) use();
  await settled();
  expect(host.of("credit")).toEqual([]);
});

test("an input that is applied, and whose being on the disk can't be known, says both", async () => {
  const { host, attachment } = await attachedScene();
  const typed = attachment.input(Buffer.from("x"), { durable: true });
  await settled();
  host.say({ case: "inputResult", value: { n: 1n, seq: 5n, status: InputStatus.APPLIED, bytes: 1 } });
  host.say({
    case: "inputResult",
    value: { n: 1n, seq: 5n, status: InputStatus.APPLIED, bytes: 1, error: { code: "journal_frozen", message: "no room" } },
  });
  expect(await typed).toMatchObject({ status: InputStatus.APPLIED, code: "journal_frozen" });
});

test("the floor is taken at the first attach and not again at a resume", async () => {
  const { host, clock } = await attachedScene({}, { take: true });
  host.links[0]!.destroy();
  await settled();
  await clock.next();
  expect(host.of("attach").map((a) => a.take)).toEqual([true, false]);
});

test("a verb of the floor while offline, or under way when the link drops, is refused and not left waiting", async () => {
  const { host, attachment } = await attachedScene();
  const under = attachment.take();
  under.catch(() => {});
  host.refusesLinks = true;
  host.links[0]!.destroy();
  await expect(under).rejects.toBeInstanceOf(HoldError);
  await expect(attachment.take()).rejects.toMatchObject({ code: "unreachable" });
});

describe("an attachment that is carried to another way", () => {
  const token = { handle: new Uint8Array(16).fill(1), n: 1, secret: new Uint8Array(32).fill(2) };
  const given: HostBody = { case: "continuity", value: { ...token, graceMs: 600_000n } };

  /** Carries it on, over a way that tells what it was shown. */
  async function carried() {
    const scene = await attachedScene();
    const shown: (ResumeToken | null)[] = [];
    const way: Redial = {
      connect: (resume) => {
        shown.push(resume);
        return scene.clock.connect();
      },
      now: () => scene.clock.now(),
      wallMs: () => scene.clock.wallMs(),
      wait: (ms, signal) => scene.clock.wait(ms, signal),
      newId: () => scene.clock.newId(),
    };
    const moved = (scene.attachment as ClientAttachment).moveTo(way);
    await settled();
    return { ...scene, shown, moved };
  }

  test("waits for the token by which it stays the same, and shows it there", async () => {
    const { host, clock, shown, moved } = await carried();
    expect(shown).toEqual([]);
    host.say(given);
    await moved;
    expect(shown).toEqual([token]);
    expect(clock.pending).toBe(0);
  });

  test("goes without one where none comes, and attaches anew", async () => {
    const { clock, shown, moved } = await carried();
    await clock.next();
    await moved;
    expect(shown).toEqual([null]);
  });
});
