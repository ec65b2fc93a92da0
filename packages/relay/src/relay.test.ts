import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { relayAddress, RelayClient } from "@holdfast/carrier/grpc";
import type { HoldError } from "@holdfast/protocol";
import { expect, onTestFinished, test, vi } from "vitest";
import { notHere } from "./lines.ts";
import { answered, type Caller, data, Host, Key, Scene, settled, wireTo } from "./test/scene.ts";

const soon = { timeout: 8_000, interval: 5 };
/** What moves 16 MiB waits for that, and not for a clock that a busy machine runs late. */
const BUSY_MS = 120_000;
const nobodyLeft = (scene: Scene): Promise<void> => vi.waitFor(() => expect(scene.relay.lines.tunnels).toBe(0), soon);

test("what is said at one end of a tunnel is heard at the other, and an orderly end of either comes after all of it", async () => {
  const scene = await Scene.start();
  const ana = new Key();
  const box = await scene.host("box", [ana]);
  const said = Array.from({ length: 100 }, (_, i) => `${i} `);
  for (const [from, to] of [
    ["near", "far"],
    ["far", "near"],
  ] as const) {
    const tunnel = await scene.tunnel(ana, box);
    for (const text of said) tunnel[from].call.write(data(text));
    tunnel[from].call.end();
    await vi.waitFor(() => expect(tunnel[to].end).toBe("orderly"), soon);
    expect(tunnel[to].text).toBe(said.join(""));
    await nobodyLeft(scene);
  }
});

test("however a tunnel ends, the other end is over and the relay keeps nothing of it", async () => {
  const scene = await Scene.start();
  const ana = new Key();
  const box = await scene.host("box", [ana]);
  const wire = await wireTo(Number(scene.address.authority.split(":")[1]));
  const through = relayAddress(`http://127.0.0.1:${wire.port}`);
  const ends: Record<string, (near: Caller, far: Caller) => void> = {
    "the operator gives up": (near) => near.call.giveUp(),
    "the host gives up": (_, far) => far.call.giveUp(),
    "the host ends it orderly": (_, far) => far.call.end(),
    "the relay ends it": () => [...scene.relay.lines.tunnelsOf(box.id)][0]!.end(notHere("box")),
  };
  for (const [how, end] of Object.entries(ends)) {
    const { near, far } = await scene.tunnel(ana, box);
    expect(scene.relay.lines.tunnels, how).toBe(1);
    end(near, far);
    await vi.waitFor(() => expect([near.end, far.end], how).not.toContain(undefined), soon);
    await nobodyLeft(scene);
  }
  const near = await scene.knock(ana, "box", await scene.client(through));
  await near.joined();
  wire.cut();
  const far = box.doors.at(-1)!;
  await vi.waitFor(() => expect(far.end).toBeDefined(), soon);
  await nobodyLeft(scene);
});

test("who leaves at any moment before the door is opened leaves nothing behind, and may come again", async () => {
  const scene = await Scene.start();
  const ana = new Key();
  const box = await scene.host("box", [ana]);
  box.comes = false;
  const client = await scene.client();
  // More than one key may have under way at one host: who is not forgotten keeps the next one out.
  for (let turns = 0; turns < 80; turns++) {
    const near = await scene.knock(ana, "box", client);
    for (let i = 0; i < turns % 8; i++) await new Promise((next) => setImmediate(next));
    near.call.giveUp();
  }
  await nobodyLeft(scene);
  box.comes = true;
  await (await scene.knock(ana, "box")).joined();
});

test("a host that is gone is told of at once to who waits at its door", async () => {
  const scene = await Scene.start();
  const ana = new Key();
  const box = await scene.host("box", [ana]);
  box.comes = false;
  const near = await scene.knock(ana, "box");
  await vi.waitFor(() => expect(box.words.at(-1)!.case).toBe("offer"), soon);
  const from = performance.now();
  box.line.giveUp();
  expect((await near.refused()).code).toBe("unreachable");
  expect(performance.now() - from).toBeLessThan(2_000);
  await nobodyLeft(scene);
});

test("a host that dials again has one line; its tunnels go on, and a revocation still finds them", async () => {
  const scene = await Scene.start();
  const ana = new Key();
  const box = await scene.host("box", [ana]);
  const { near, far } = await scene.tunnel(ana, box);
  const again = Object.assign(new Host(), { key: box.key, raw: box.raw, keyId: box.keyId, id: box.id });
  await (await scene.dial(again)).registered();
  await vi.waitFor(() => expect(box.words.at(-1)).toMatchObject({ case: "refused", value: { code: "fenced" } }), soon);
  expect(scene.relay.lines.online).toBe(1);
  near.call.write(data("still here"));
  await vi.waitFor(() => expect(far.text).toBe("still here"), soon);
  // Between two lines nobody is registered, and the tunnels are there still.
  again.line.giveUp();
  await vi.waitFor(() => expect(scene.relay.lines.online).toBe(0), soon);
  expect((await scene.relay.revoke(ana.keyId, false)).tunnels).toBe(1);
  await vi.waitFor(() => expect(far.end).toBeDefined(), soon);
  expect(near.end).toMatch(/key_revoked/);
  await nobodyLeft(scene);
});

test("a host that is not there, one that lets others in and one of others that is away are one answer, and at once", async () => {
  const scene = await Scene.start();
  const [ana, eve] = [new Key(), new Key()];
  await scene.host("box", [ana]);
  const away = await scene.host("far", [ana]);
  away.line.giveUp();
  await vi.waitFor(() => expect(scene.relay.lines.online).toBe(1), soon);
  const answers: string[] = [];
  for (const host of ["box", "far", "none", "0".repeat(32)]) {
    const { code, message, details } = await (await scene.knock(eve, host)).refused();
    answers.push(JSON.stringify({ code, message: message.replace(host, "HOST"), details }));
  }
  expect(new Set(answers).size).toBe(1);
  expect(answers[0]).toContain("unreachable");
});

test("whom a host let in that is away now is let in when it is back; not whom it lets in no more, and not when it is out for good", async () => {
  const scene = await Scene.start();
  const [ana, ben] = [new Key(), new Key()];
  const box = await scene.host("box", [ana, ben]);
  const isAway = (): Promise<void> => vi.waitFor(() => expect(scene.relay.lines.online).toBe(0), soon);
  box.line.giveUp();
  await isAway();
  const [a, b] = [await scene.knock(ana, "box"), await scene.knock(ben, box.id)];
  const again = Object.assign(new Host(), { key: box.key, raw: box.raw, keyId: box.keyId, id: box.id });
  await (await scene.dial(again)).registered();
  again.admit(ana);
  await a.joined();
  expect(b.heard.some((p) => p.case === "joined")).toBe(false);
  again.line.giveUp();
  await isAway();
  const waiting = await scene.knock(ana, "box");
  await scene.relay.revoke("box", false);
  expect((await waiting.refused()).code).toBe("unreachable");
});

test("who is at the door while the host dials again is offered again; a host that has dialled by another way has none of the tunnels before", async () => {
  const scene = await Scene.start();
  const ana = new Key();
  const box = await scene.host("box", [ana]);
  const { near } = await scene.tunnel(ana, box);
  box.comes = false;
  const second = await scene.knock(ana, "box");
  await vi.waitFor(() => expect(box.words.filter((word) => word.case === "offer")).toHaveLength(2), soon);
  const again = Object.assign(new Host(), { key: box.key, raw: box.raw, keyId: box.keyId, id: box.id });
  await (await scene.dial(again, { stalled: true })).registered();
  await second.joined();
  await vi.waitFor(() => expect(near.end).toMatch(/unreachable/), soon);
  again.doors[0]!.call.write(data("by the new one"));
  await vi.waitFor(() => expect(second.text).toBe("by the new one"), soon);
});

test("a relay that has just started waits for hosts that may be dialling", async () => {
  const scene = await Scene.start({}, { gatherMs: 8_000 });
  const [ana, eve] = [new Key(), new Key()];
  const [early, stranger] = [await scene.knock(ana, "box"), await scene.knock(eve, "box")];
  await scene.host("box", [ana]);
  await early.joined();
  expect(stranger.heard).toEqual([]);
  const late = await Scene.start({}, { gatherMs: 200 });
  expect((await (await late.knock(ana, "box")).refused()).code).toBe("unreachable");
});

test("who is let in no more is out of the tunnel", async () => {
  const scene = await Scene.start();
  const [ana, ben] = [new Key(), new Key()];
  const box = await scene.host("box", [ana, ben]);
  const [a, b] = [await scene.tunnel(ana, box), await scene.tunnel(ben, box)];
  box.admit(ben);
  await vi.waitFor(() => expect([a.near.end, a.far.end]).not.toContain(undefined), soon);
  b.near.call.write(data("stays"));
  await vi.waitFor(() => expect(b.far.text).toBe("stays"), soon);
  expect(scene.relay.lines.tunnels).toBe(1);
});

test("a host or a key that is revoked at the relay is out, and in again when that is undone", async () => {
  const scene = await Scene.start();
  const ana = new Key();
  const box = await scene.host("box", [ana]);
  const first = await scene.tunnel(ana, box);
  expect(await scene.relay.revoke(ana.keyId, false)).toMatchObject({ kind: "key", tunnels: 1 });
  await vi.waitFor(() => expect([first.near.end, first.far.end]).not.toContain(undefined), soon);
  expect((await (await scene.knock(ana, "box")).refused()).code).toBe("key_revoked");
  await scene.relay.revoke(ana.keyId, true);
  const second = await scene.tunnel(ana, box);
  expect(await scene.relay.revoke("home/box", false)).toMatchObject({ kind: "host", id: box.id, tunnels: 1 });
  await vi.waitFor(() => expect([second.near.end, second.far.end, box.end]).not.toContain(undefined), soon);
  await expect((await scene.dial(box)).registered()).rejects.toMatchObject({ code: "revoked" });
  await scene.relay.revoke("home/box", true);
  expect(await (await scene.dial(box)).registered()).toMatchObject({ name: "box" });
});

test("who waits at a door is told why it is shut: their key was revoked, or the relay is being stopped", async () => {
  const scene = await Scene.start();
  const [ana, ben] = [new Key(), new Key()];
  const box = await scene.host("box", [ana, ben]);
  box.comes = false;
  const [anas, bens] = [await scene.knock(ana, "box"), await scene.knock(ben, "box")];
  await vi.waitFor(() => expect(box.words.filter((w) => w.case === "offer")).toHaveLength(2), soon);
  await scene.relay.revoke(ana.keyId, false);
  expect((await anas.refused()).code).toBe("key_revoked");
  await scene.relay.drain(2_000);
  expect((await bens.refused()).code).toBe("draining");
  await nobodyLeft(scene);
});

test("a host that is revoked while it registers is not let in", async () => {
  const scene = await Scene.start();
  const { group } = scene.relay;
  const box = new Host();
  const claim = group.claim.bind(group);
  vi.spyOn(group, "claim").mockImplementationOnce(async (of) => {
    await scene.relay.revoke(box.id, false);
    return claim(of);
  });
  const registered = (await scene.dial(box, { name: "box", token: await scene.token() })).registered();
  await expect(registered).rejects.toMatchObject({ code: "revoked" });
  expect([scene.relay.lines.online, scene.relay.quotas.usedBy("home").hosts]).toEqual([0, 0]);
});

test("a token is good for one of two hundred hosts that come with it at once", async () => {
  const scene = await Scene.start();
  const token = await scene.token("lab");
  const hosts = Array.from({ length: 200 }, () => new Host());
  await Promise.all(hosts.map((host, i) => scene.dial(host, { token, name: `h${i}` })));
  const settled = await Promise.allSettled(hosts.map((host) => host.registered()));
  expect(settled.filter((s) => s.status === "fulfilled")).toHaveLength(1);
  const codes = settled.flatMap((s) => (s.status === "rejected" ? [(s.reason as { code: string }).code] : []));
  expect(new Set(codes)).toEqual(new Set(["invitation_unknown"]));
  expect([...(await scene.book.hosts)]).toHaveLength(1);
});

test("a key has so many tunnels to one host and no more; another key's are not counted with them", async () => {
  const scene = await Scene.start();
  const [ana, ben] = [new Key(), new Key()];
  const box = await scene.host("box", [ana, ben]);
  const client = await scene.client();
  const all = await Promise.all(Array.from({ length: 64 }, () => scene.knock(ana, "box", client)));
  for (const near of all) await near.joined();
  expect((await (await scene.knock(ana, "box", client)).refused()).code).toBe("too_many");
  await scene.tunnel(ben, box);
  all[0]!.call.giveUp();
  await vi.waitFor(() => expect(scene.relay.lines.tunnels).toBe(64), soon);
  await (await scene.knock(ana, "box", client)).joined();
});

test(
  "who does not read holds back who sends to it, and neither the relay's memory nor another tunnel of that host",
  async () => {
    const scene = await Scene.start();
    const [ana, ben] = [new Key(), new Key()];
    const box = await scene.host("box", [ana, ben]);
    const slow = await scene.tunnel(ana, box);
    const quick = await scene.tunnel(ben, box);
    slow.near.call.pause();
    const flood = data(randomBytes(32 * 1024));
    const PIECES = 512;
    for (let n = 0; n < PIECES; n++) slow.far.call.write(flood);
    // Whole ones: the other tunnel's are counted with them.
    const passed = (): number => Math.trunc(scene.relay.tunnels.passed.toOperators / flood.length);
    // A hop's windows, and what streams take ahead.
    expect(await settled(passed, () => answered(quick))).toBeLessThan(PIECES / 4);
    slow.near.call.resume();
    await slow.near.hears(PIECES);
    expect(slow.near.heard.filter((h) => h.case === "data")).toHaveLength(PIECES);
  },
  BUSY_MS,
);

test("a call that begins with anything else than it should ends, and the relay stands", async () => {
  const scene = await Scene.start();
  const ana = new Key();
  const box = await scene.host("box", [ana]);
  const firsts = [
    Buffer.from([0xff, 0xff, 0xff]),
    Buffer.alloc(0),
    randomBytes(1_000),
    data("data"),
    Buffer.alloc(512 * 1024, 0x0a),
  ];
  for (const method of ["serve", "accept", "reach"] as const)
    for (const first of firsts) {
      const client = await scene.client();
      const call = client.stream(method);
      let end = "";
      call.on("data", () => {});
      call.on("error", (fault: Error) => (end = fault.message));
      call.on("end", () => (end ||= "orderly"));
      call.write(first);
      call.write(first);
      await vi.waitFor(() => expect(end).not.toBe(""), soon);
      client.close();
    }
  await scene.tunnel(ana, box);
});

test("who asks a relay that does not answer is told so in time", async () => {
  const scene = await Scene.start();
  const asked = vi.spyOn(scene.relay, "find").mockImplementation(() => {});
  const client = await scene.client();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const answered = client.find(Buffer.alloc(0)).catch((fault: HoldError) => fault.message);
  while (asked.mock.calls.length === 0) await new Promise((next) => setImmediate(next));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await answered).toMatch(/deadline/i);
});

test("a relay client that dials again has a connection of its own: the one before may be dead and not know it", async () => {
  const scene = await Scene.start();
  const wire = await wireTo(Number(scene.address.authority.split(":")[1]));
  const through = relayAddress(`http://127.0.0.1:${wire.port}`);
  const ana = new Key();
  const box = await scene.host("box", [ana]);
  const first = await RelayClient.open(through);
  onTestFinished(() => first.close());
  await (await scene.knock(ana, "box", first)).joined();
  wire.stop();
  const second = await RelayClient.open(through);
  onTestFinished(() => second.close());
  await (await scene.knock(ana, box.id, second)).joined();
});

test("a relay that is late with its work takes no new connection, keeps those that it has, and takes new ones when it has caught up", async () => {
  const scene = await Scene.start();
  const ana = new Key();
  const box = await scene.host("box", [ana]);
  const { near, far } = await scene.tunnel(ana, box);
  const port = Number(scene.address.authority.split(":")[1]);
  const refused = connect(port, "127.0.0.1").on("error", () => {});
  const over = once(refused, "close");
  // What a relay can do nothing about: more work than time. The connection is the kernel's meanwhile.
  const until = performance.now() + 1_500;
  while (performance.now() < until);
  await over;
  near.call.write(data("still here"));
  await vi.waitFor(() => expect(far.text).toBe("still here"), soon);
  await vi.waitFor(async () => (await RelayClient.open(scene.address)).close(), { timeout: 8_000 });
});
