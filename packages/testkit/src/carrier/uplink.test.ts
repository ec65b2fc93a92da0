/** A host's line to a relay that does what it should not: the relay of these tests is a script. */
import { createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import type { Link } from "@holdfast/carrier";
import { Uplink, type UplinkState } from "@holdfast/host/uplink";
import {
  create,
  fromBinary,
  headOnWire,
  HoldError,
  type HostWord,
  HostWordSchema,
  type Init,
  PieceSchema,
  type RelayWord,
  RelayWordSchema,
  type SignedHead,
  toBinary,
} from "@holdfast/protocol";
import { listenGrpc, type Relay } from "@holdfast/relay";
import { expect, onTestFinished, test, vi } from "vitest";

type Call = Parameters<Relay["serve"]>[0];
const soon = { timeout: 8_000, interval: 5 };

/** One line, as the relay has it. */
class Line {
  readonly call: Call;
  readonly heard: HostWord["body"][] = [];
  isOver = false;

  constructor(call: Call) {
    this.call = call;
    call.on("data", (bytes: Buffer) => {
      this.heard.push(fromBinary(HostWordSchema, bytes).body);
      this.onWord?.(this.heard.at(-1)!);
    });
    for (const event of ["close", "cancelled", "error", "end"]) call.on(event, () => (this.isOver = true));
  }

  onWord: ((word: HostWord["body"]) => void) | undefined;

  say(body: NonNullable<Init<RelayWord>["body"]>): void {
    this.call.write(Buffer.from(toBinary(RelayWordSchema, create(RelayWordSchema, { body }))));
  }

  register(beatMs = 60_000, group = ""): void {
    this.say({ case: "registered", value: { name: "box", fleet: "home", beatMs, group } });
  }

  said(what: HostWord["body"]["case"]): HostWord["body"][] {
    return this.heard.filter((b) => b.case === what);
  }
}

interface Scene {
  readonly uplink: Uplink;
  readonly lines: Line[];
  readonly accepts: Call[];
  readonly logged: string[];
  readonly links: Link[];
  doors: Uint8Array[];
  head: SignedHead | null;
  readonly told: Set<(head: SignedHead) => void>;
  /** The group at another relay of which the host has a line. */
  served: string;
  state(): UplinkState["name"];
  line(n: number, withinMs?: number): Promise<Line>;
}

async function scene(allowPlain = false): Promise<Scene> {
  const lines: Line[] = [];
  const accepts: Call[] = [];
  const relay = {
    serve: (call: Call) => {
      call.letIn?.();
      lines.push(new Line(call));
    },
    accept: (call: Call) => {
      call.on("error", () => {});
      accepts.push(call);
    },
    reach: () => {},
    find: () => {},
  } as unknown as Relay;
  const { port, close } = await listenGrpc(relay, { listen: "127.0.0.1:0" });
  const { privateKey: key } = generateKeyPairSync("ed25519");
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12);
  const logged: string[] = [];
  const links: Link[] = [];
  const made: Scene = {
    lines,
    accepts,
    logged,
    links,
    doors: [randomBytes(32)],
    head: null,
    told: new Set(),
    served: "",
    state: () => made.uplink.state.name,
    line: (n, withinMs = soon.timeout) =>
      vi.waitFor(
        () => {
          const line = lines[n];
          if (line?.said("register").length !== 1) throw new Error(`${lines.length} lines`);
          return line;
        },
        { ...soon, timeout: withinMs },
      ),
    uplink: new Uplink(
      { url: `http://127.0.0.1:${port}`, name: "box", ca: "", allowPlain },
      {
        identity: { key, publicKey, id: "x" },
        version: "1.2.3",
        doors: () => ({ keyIds: made.doors, invited: [] }),
        meet: (link) => {
          links.push(link);
          return { frame: () => {}, closed: () => {} };
        },
        log: (text) => void logged.push(text),
        wallMs: () => Date.now(),
        witness: {
          current: () => made.head,
          onHead(told) {
            made.told.add(told);
            return () => made.told.delete(told);
          },
          present: ({ lsn }) => {
            if (lsn === 13) throw new HoldError("bad_request", "it is another's");
            return { lsn: BigInt(lsn), lastLsn: 99n, chain: new Uint8Array(32) };
          },
        },
        isServed: (group) => made.served === group,
        lineOver: () => {},
      },
    ),
  };
  onTestFinished(() => {
    made.uplink.stop();
    close();
  });
  return made;
}

test("whom the host lets in is said with each registration, and again when it changes", async () => {
  const s = await scene();
  s.uplink.start();
  const first = await s.line(0);
  s.uplink.tellDoors();
  expect(first.said("doors")).toEqual([]);
  first.register();
  await vi.waitFor(() => expect(first.said("doors")).toHaveLength(1), soon);
  s.doors = [];
  s.uplink.tellDoors();
  await vi.waitFor(
    () => expect(first.said("doors")).toMatchObject([{ value: { keyIds: [{}] } }, { value: { keyIds: [] } }]),
    soon,
  );
  first.call.end();
  const second = await s.line(1);
  second.register();
  await vi.waitFor(() => expect(second.said("doors")).toMatchObject([{ value: { keyIds: [] } }]), soon);
});

test("a line that leaves beats unanswered is over, whatever its connection says, once another that is dialled beside it is had; one that answers stays", async () => {
  const s = await scene();
  s.uplink.start();
  const first = await s.line(0);
  first.onWord = (word) => word.case === "beat" && first.say({ case: "beat", value: {} });
  first.register(500);
  await vi.waitFor(() => expect(first.said("beat").length).toBeGreaterThan(4), soon);
  expect([s.lines.length, s.state()]).toEqual([1, "connected"]);
  first.onWord = undefined;
  const second = await s.line(1);
  await vi.waitFor(() => expect(first.isOver).toBe(true), soon);
  second.register();
  await vi.waitFor(() => expect(s.state()).toBe("connected"), soon);
});

test("a crowd that comes one by one, faster than a line is beaten, does not keep it from being beaten", async () => {
  const s = await scene(true);
  s.uplink.start();
  const line = await s.line(0);
  line.onWord = (word) => word.case === "beat" && line.say({ case: "beat", value: {} });
  line.register(500);
  const joined = Buffer.from(toBinary(PieceSchema, create(PieceSchema, { body: { case: "joined", value: { host: "box" } } })));
  const from = performance.now();
  while (line.said("beat").length === 0 && performance.now() - from < soon.timeout) {
    const n = s.links.length;
    line.say({ case: "offer", value: { id: randomBytes(16), from: "10.0.0.1", carrier: "websocket", plain: true } });
    await vi.waitFor(() => expect(s.accepts.length).toBeGreaterThan(n), soon);
    s.accepts.at(-1)!.write(joined);
    await vi.waitFor(() => expect(s.links.length).toBeGreaterThan(n), soon);
  }
  expect(line.said("beat")).not.toEqual([]);
});

test("what a relay refuses is shown and not asked again at once; a join that is refused leaves nothing", async () => {
  const s = await scene();
  const joining = s.uplink.join(randomBytes(32));
  const line = await s.line(0);
  line.say({ case: "refused", value: { code: "name_taken", message: "another is called box\u001b[2J", details: {} } });
  await expect(joining).rejects.toMatchObject({ code: "name_taken", message: expect.not.stringContaining("\u001b") as string });
  await vi.waitFor(() => expect(line.isOver).toBe(true), soon);
  expect(s.state()).toBe("over");

  const t = await scene();
  t.uplink.start();
  (await t.line(0)).say({ case: "refused", value: { code: "revoked", message: "out\nwith you", details: {} } });
  await vi.waitFor(() => expect(t.uplink.state).toEqual({ name: "refused", why: "out\u{fffd}with you" }), soon);
  expect(t.lines).toHaveLength(1);
  expect(t.logged.join()).toMatch(/out.with you/);
  expect(t.logged.join()).not.toContain("\n");
});

test("a host whose line is at another relay of the group stands by, and dials when that one is over; alone, fenced is refused", async () => {
  const s = await scene();
  s.uplink.start();
  const first = await s.line(0);
  first.register(60_000, "g1");
  await vi.waitFor(() => expect(s.uplink.isServing("g1")).toBe(true), soon);
  expect([s.uplink.isServing("g2"), s.uplink.isServing("")]).toEqual([false, false]);
  s.served = "g1";
  first.say({ case: "refused", value: { code: "fenced", message: "dialled again", details: {} } });
  await vi.waitFor(() => expect(s.state()).toBe("standby"), soon);
  s.uplink.wake();
  expect([s.state(), s.lines.length]).toEqual(["standby", 1]);
  s.served = "";
  s.uplink.wake();
  (await s.line(1)).register();
  await vi.waitFor(() => expect(s.state()).toBe("connected"), soon);
  s.lines[1]!.say({ case: "refused", value: { code: "fenced", message: "dialled again", details: {} } });
  await vi.waitFor(() => expect(s.state()).toBe("refused"), soon);
});

test("a line that another relay of the group has taken is not doubted any more, though its last beat was not answered; who is woken twice dials once", async () => {
  const s = await scene();
  s.uplink.start();
  const first = await s.line(0);
  first.register(500, "g1");
  await vi.waitFor(() => expect(first.said("beat")).toHaveLength(1), soon);
  s.served = "g1";
  first.say({ case: "refused", value: { code: "fenced", message: "dialled again", details: {} } });
  await vi.waitFor(() => expect(s.state()).toBe("standby"), soon);
  // Longer than it is until an unanswered beat has another connection dialled, and the line taken back.
  await expect(s.line(1, 1_500)).rejects.toThrow();
  expect(s.state()).toBe("standby");
  s.served = "";
  s.uplink.wake();
  s.uplink.wake();
  (await s.line(1)).register(60_000, "g1");
  await vi.waitFor(() => expect(s.state()).toBe("connected"), soon);
  await expect(s.line(2, 500)).rejects.toThrow();
});

test("a host that leaves while the relay has not answered is told so at once, and the line is over", async () => {
  const s = await scene();
  const joining = s.uplink.join(randomBytes(32));
  const line = await s.line(0);
  const from = performance.now();
  s.uplink.stop();
  await expect(joining).rejects.toBeInstanceOf(HoldError);
  expect(performance.now() - from).toBeLessThan(2_000);
  await vi.waitFor(() => expect(line.isOver).toBe(true), soon);
});

test("a relay that talks nonsense is left, asked again seldom, and stops nothing here", async () => {
  const nonsense = [
    Buffer.from([0xff, 0xff]),
    Buffer.alloc(1_000, 0x0f),
    Buffer.from(
      toBinary(
        RelayWordSchema,
        create(RelayWordSchema, { body: { case: "registered", value: { name: "a\u001b]0;x\u0007", fleet: "home", beatMs: 1 } } }),
      ),
    ),
  ];
  for (const words of nonsense) {
    const s = await scene();
    s.uplink.start();
    const line = await s.line(0);
    line.call.write(words);
    await vi.waitFor(() => expect([s.state(), line.isOver]).toEqual(["refused", true]), soon);
    expect(s.lines).toHaveLength(1);
  }
});

test("what a relay counts on is not taken from it: beats without a pause, doors that nobody stands at, a thousand at once", async () => {
  const s = await scene();
  s.uplink.start();
  const line = await s.line(0);
  line.onWord = (word) => word.case === "beat" && line.say({ case: "beat", value: {} });
  line.register(0);
  for (let i = 0; i < 1_000; i++)
    line.say({ case: "offer", value: { id: randomBytes(16), from: "10.0.0.1\u001b[2J", carrier: "grpc", plain: false } });
  await vi.waitFor(() => expect(line.said("decline")).toHaveLength(1_000 - 256), soon);
  expect(s.accepts.length).toBeLessThanOrEqual(256);
  expect(line.said("beat").length).toBeLessThan(20);
  await vi.waitFor(() => expect(s.accepts).toHaveLength(256), soon);
  for (const call of s.accepts) call.write(Buffer.from([0xff]));
  line.say({ case: "offer", value: { id: randomBytes(16), from: "", carrier: "grpc", plain: false } });
  await vi.waitFor(() => {
    line.say({ case: "offer", value: { id: randomBytes(16), from: "", carrier: "grpc", plain: false } });
    expect(s.accepts.length).toBeGreaterThan(256);
  }, soon);
  expect([s.state(), s.links.length]).toEqual(["connected", 0]);
  expect(s.logged.filter((l) => l.includes("came to nothing")).length).toBeLessThan(10);
  expect(s.logged.join()).not.toContain("\u001b");
});

test("who comes by a page, which the relay could read, is declined", async () => {
  const s = await scene();
  s.uplink.start();
  const line = await s.line(0);
  line.register();
  line.say({ case: "offer", value: { id: randomBytes(16), from: "10.0.0.1", carrier: "websocket", plain: true } });
  await vi.waitFor(() => expect(line.said("decline")).toMatchObject([{ value: { error: { code: "not_permitted" } } }]), soon);
  expect(s.accepts).toEqual([]);
});

test("heads are told with each registration, with what the chain is at the one that the relay has, and as they are signed; to a line that is over no more", async () => {
  const head = (lsn: number): SignedHead => ({ lsn, chain: randomBytes(32), atUnixMs: 1, signature: randomBytes(64) });
  const s = await scene();
  s.uplink.start();
  const first = await s.line(0);
  first.register();
  await vi.waitFor(() => expect(first.said("heads")).toMatchObject([{ value: { heads: [], proof: undefined } }]), soon);
  for (const told of s.told) told(head(5));
  await vi.waitFor(() => expect(first.said("heads")).toMatchObject([{}, { value: { heads: [{ lsn: 5n }] } }]), soon);
  s.head = head(7);
  first.call.end();
  const second = await s.line(1);
  expect(s.told.size).toBe(0);
  second.say({ case: "registered", value: { name: "box", fleet: "home", beatMs: 60_000, witnessed: headOnWire(head(5)) } });
  const shown = { value: { heads: [{ lsn: 7n }], proof: { lsn: 5n, lastLsn: 99n } } };
  await vi.waitFor(() => expect(second.said("heads")).toMatchObject([shown]), soon);
  expect(s.told.size).toBe(1);
  // What it says that it has is a stranger's word.
  second.call.end();
  const third = await s.line(2);
  third.say({ case: "registered", value: { name: "box", fleet: "home", beatMs: 60_000, witnessed: headOnWire(head(13)) } });
  await vi.waitFor(() => expect(third.said("heads")).toMatchObject([{ value: { proof: undefined } }]), soon);
  expect(s.state()).toBe("connected");
  expect(s.logged.join()).toContain("a head that is not ours");
});
