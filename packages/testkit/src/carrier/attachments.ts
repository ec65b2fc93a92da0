/**
 * What every carrier must do for attachments: a part of the one acceptance suite (acceptance.ts). The real host and the real SDK talk over links of the
 * carrier; the session's program is a scripted one, and the world's clock runs as real time passes.
 */
import type { Link } from "@holdfast/carrier";
import { InputStatus, limits } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { simulate, type SimClient, type World } from "../world/index.ts";
import type { CarrierUnderTest } from "./under-test.ts";
import type { Way } from "./wire.ts";

/** More than any window, so that a reader who uses nothing is not sent all of it. */
const FLOOD_BYTES = 2 * 1024 * 1024;
/** What one who uses nothing may be sent: the window that an attachment begins with, and what is no output. */
const WINDOW_BYTES = limits.windowDefault + 16 * 1024;
/** Hundreds of links are made one after the other, and some carriers start a program for each. */
const TIMEOUT_MS = 120_000;
const SOAK = process.env["HOLDFAST_SOAK"] === "1";

class Scene {
  readonly world: World;
  readonly carrier: CarrierUnderTest;

  constructor(world: World, carrier: CarrierUnderTest) {
    this.world = world;
    this.carrier = carrier;
  }

  /** The world goes on as real time passes, until this holds. */
  async until(what: string, holds: () => boolean, withinMs = 30_000): Promise<void> {
    const began = performance.now();
    for (let last = began; !holds(); ) {
      const now = performance.now();
      if (now - began > withinMs) throw new Error(`not within ${withinMs} ms: ${what}\n${this.world.report()}`);
      await this.world.advance(now - last);
      last = now;
    }
  }

  async finish<T>(what: string, promise: Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    promise.then(over, over);
    await this.until(what, () => isOver);
    return promise;
  }

  /** An operator with a link of this carrier, and whoever they are by then. */
  async client(name: Parameters<World["clientOf"]>[0]): Promise<SimClient> {
    const client = this.world.clientOf(name);
    client.dial = (accept) => this.carrier.dial(accept);
    await this.finish(`${name} is connected`, client.connect());
    return client;
  }

  async attached(
    name: Parameters<World["clientOf"]>[0],
    options: Partial<Parameters<SimClient["attach"]>[0]> = {},
  ): Promise<SimClient> {
    const client = await this.client(name);
    await this.finish(`${name} is attached`, client.attach({ session: this.world.session, ...options }));
    return client;
  }

  /** A link without a client, and what it was told. */
  async stranger(): Promise<{ readonly link: Link; readonly over: () => boolean }> {
    let isOver = false;
    const link = await this.finish(
      "a stranger has a link",
      this.carrier.dial(() => ({
        frame: () => {},
        closed: () => {
          isOver = true;
        },
      })),
    );
    return { link, over: () => isOver };
  }

  end(): void {
    for (const client of this.world.clients) client.client?.close();
    expect(this.world.violations).toEqual([]);
  }
}

const shown = (client: SimClient): Buffer =>
  Buffer.concat(client.view!.seen.flatMap((s) => (s.is === "output" ? [s.bytes] : [])));
const typed = (world: World): string => Buffer.concat(world.shim.program.read).toString();

const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "done",
    (fault: { readonly code?: string }) => fault.code ?? String(fault),
  );

/** `open`: a carrier whose host takes links from now on. */
export function attachmentAcceptance(open: () => CarrierUnderTest): void {
  const scene = async (options: Partial<Parameters<typeof simulate>[0]> = {}): Promise<Scene> => {
    const world = await simulate({ seed: 1, ...options });
    const carrier = open();
    await carrier.listen(world.network.acceptor!);
    return new Scene(world, carrier);
  };

  test(
    "attach, steer, observe: what one types is answered to both, and nobody types who may only look or has no floor",
    async () => {
      const s = await scene();
      const ana = await s.attached("ana", { mode: "replay" });
      const ben = await s.attached("ben", { mode: "replay" });
      const eye = await s.attached("ben", { mode: "replay", observe: true });
      const { attachment } = eye;
      for (const [verb, told] of [
        ["take", "not_permitted"],
        ["ask", "not_permitted"],
        ["aiPause", "done"],
        ["aiResume", "done"],
      ] as const)
        expect([verb, await s.finish(`eye's ${verb} is answered`, codeOf(attachment![verb]()))]).toEqual([verb, told]);
      const { size } = s.world.live.facts;
      attachment!.resize({ cols: 33, rows: 11 }, { pin: true });
      const sent = ana.type(Buffer.from("hello\r"))!;
      await s.until("it is applied", () => sent.settled);
      expect(sent.outcome?.status).toBe(InputStatus.APPLIED);
      // A question whose answer was lost is asked again, and hers may have run out by then, four seconds after her key.
      for (let tries = 1; (await s.finish("ben asks", ben.steer("take"))) !== null; tries++) {
        expect(tries).toBeLessThan(5);
        await s.finish("ben lets go", ben.steer("release"));
        await s.finish("ana takes it", ana.steer("take"));
      }
      await s.finish("ana has it", ana.steer("take"));
      const late = [ben.type(Buffer.from("no\r"))!, eye.type(Buffer.from("no\r"))!];
      await s.until("both are told", () => late.every((l) => l.settled));
      expect(late.map((l) => l.outcome?.code)).toEqual(["floor_held", "not_permitted"]);
      for (const client of [ana, ben, eye])
        await s.until(`${client.label} sees it`, () => shown(client).toString() === "hello\r");
      expect(s.world.live.facts.size).toEqual(size);
      expect(typed(s.world)).toBe("hello\r");
      s.end();
    },
    TIMEOUT_MS,
  );

  test.each<Way>(["down", "up"])(
    "resume at every byte: whatever byte on the way %s its wire breaks at, each output and each input is there once",
    async (way) => {
      const s = await scene();
      const { wire, stride = 1 } = s.carrier;
      const ana = await s.attached("ana", { mode: "replay" });
      ana.waitMs = (ms) => Math.min(ms, 1);
      const line = async (n: number): Promise<void> => {
        const sent = ana.type(Buffer.from(`${n}\r`))!;
        await s.until(`line ${n} is applied after ${wire.cuts} cuts`, () => sent.settled, TIMEOUT_MS);
        expect(sent.outcome?.status, `line ${n}`).toBe(InputStatus.APPLIED);
      };
      // What an attachment that comes back needs of its wire, from the first byte to an answer.
      wire.cut();
      const before = wire.passed[way];
      let n = 0;
      await line(n++);
      const whole = wire.passed[way] - before;
      wire.breaks(
        way,
        (function* () {
          for (let at = 1; at <= whole; at += SOAK ? 1 : stride) yield at;
        })(),
      );
      const { cuts } = wire;
      while (!wire.isWhole) await line(n++);
      expect(wire.cuts - cuts).toBeGreaterThan(10);
      const all = Array.from({ length: n }, (_, i) => `${i}\r`).join("");
      await s.until("all is shown", () => shown(ana).length >= all.length);
      expect(shown(ana).toString()).toBe(all);
      expect(typed(s.world)).toBe(all);
      // The first was no resuming; each after it took up its place.
      expect(ana.resumed.length).toBeGreaterThan(1);
      expect(ana.resumed.slice(1)).not.toContain(false);
      s.end();
    },
    TIMEOUT_MS,
  );

  test(
    "credit: a reader who uses nothing is sent a window and no more, holds nobody up, and gets all of it in the end",
    async () => {
      const s = await scene({ mood: "sink", ringBytes: 1024 * 1024 });
      const ana = await s.attached("ana", { mode: "replay" });
      const slow = s.world.clientOf("ben");
      let heardBytes = 0;
      slow.dial = (accept) =>
        s.carrier.dial((link) => {
          const inner = accept(link);
          const { frame } = inner;
          return Object.assign(inner, {
            frame: (channel: number, message: Uint8Array) => {
              heardBytes += message.length;
              frame.call(inner, channel, message);
            },
          });
        });
      let use!: () => void;
      slow.reads = new Promise((go) => {
        use = go;
      });
      await s.finish("ben is connected", slow.connect());
      await s.finish("ben is attached", slow.attach({ session: s.world.session, mode: "replay" }));
      s.world.shim.prints(Buffer.alloc(FLOOD_BYTES, "0123456789abcdef"));
      await s.until("ana has all of it", () => shown(ana).length === FLOOD_BYTES);
      expect(heardBytes).toBeGreaterThan(0);
      expect(heardBytes).toBeLessThanOrEqual(WINDOW_BYTES);
      use();
      await s.until("ben has all of it", () => shown(slow).length === FLOOD_BYTES);
      expect(shown(slow).equals(s.world.shim.output)).toBe(true);
      s.end();
    },
    TIMEOUT_MS,
  );

  test(
    "refusal: who is not known, and what is not there, is told by its code, and the link of who is known goes on",
    async () => {
      const s = await scene();
      const stranger = s.world.clientOf("ana");
      stranger.dial = (accept) => s.carrier.dial(accept);
      stranger.credential = { keyId: new Uint8Array(32), sign: () => new Uint8Array(64) };
      await s.finish("the stranger is told", stranger.connect());
      expect(stranger.refusals).toEqual(["unknown_credential"]);
      const ana = await s.client("ana");
      await s.finish("ana is told", ana.attach({ session: "nothing" }));
      expect(ana.refusals).toEqual(["no_such_session"]);
      await s.finish("ana attaches", ana.attach({ session: s.world.session }));
      expect(ana.isAttached).toBe(true);
      s.end();
    },
    TIMEOUT_MS,
  );

  test(
    "drain: what was printed and typed before an end arrives before it, and the end says why",
    async () => {
      const s = await scene({ mood: "sink", ringBytes: 1024 * 1024 });
      const ben = await s.attached("ben", { mode: "replay" });
      const paste = ben.type(ben.text(100_000, "\r"))!;
      s.world.shim.prints(Buffer.alloc(1_000_000, "last words"));
      s.world.shim.exits(7);
      const kinds = (): string[] => ben.view!.seen.flatMap((e) => (e.is === "event" ? [e.kind] : []));
      await s.until("ben is told of the end", () => kinds().includes("closed"));
      expect(kinds().slice(-2)).toEqual(["exited", "closed"]);
      expect(shown(ben).length).toBe(1_000_000);
      await s.until("of the paste too", () => paste.settled);
      expect(paste.outcome).toMatchObject({ code: "session_ended" });
      s.end();
    },
    TIMEOUT_MS,
  );

  test.each<[string, (link: Link) => void]>([
    [
      "bytes that are no frame",
      (link) =>
        link.send(
          0,
          Uint8Array.from({ length: 500 }, (_, i) => (i * 37) & 0xff),
        ),
    ],
    ["a frame of nothing on a channel of attachments", (link) => link.send(9, new Uint8Array(0))],
    ["more than may come before a hello", (link) => link.send(0, new Uint8Array(70_000))],
    ["nothing at all, for as long as it takes", () => {}],
  ])(
    "hostile input: a stranger who sends %s is let go within the budget, and others go on",
    async (_, act) => {
      const s = await scene();
      const ana = await s.attached("ana", { mode: "replay" });
      const { link, over } = await s.stranger();
      act(link);
      await s.world.advance(5_100);
      await s.until("the stranger is let go", over);
      const sent = ana.type(Buffer.from("on\r"))!;
      await s.until("it is applied", () => sent.settled);
      await s.until("she sees it", () => shown(ana).toString() === "on\r");
      s.end();
    },
    TIMEOUT_MS,
  );
}
