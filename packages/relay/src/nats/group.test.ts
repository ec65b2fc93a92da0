/** Relays of one group, in this process, at a real nats-server. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { NatsProcess } from "../../../../test/integration/world/nats.ts";
import { notHere } from "../lines.ts";
import { answered, type Caller, data, headOf, Host, Key, Scene, settled } from "../test/scene.ts";
import { NatsGroup } from "./group.ts";

const soon = { timeout: 8_000, interval: 5 };
const folder = mkdtempSync(join(tmpdir(), "hold-group-"));
const ends: (() => void)[] = [];
let nats: NatsProcess;

beforeAll(async () => {
  nats = await NatsProcess.start({ path: (name) => join(folder, name), atEnd: (end) => void ends.push(end) });
});
afterAll(async () => {
  await nats.kill();
  rmSync(folder, { recursive: true, force: true });
});

async function group(name: string, wallMs = (): number => Date.now()): Promise<NatsGroup> {
  const made = await NatsGroup.join({ servers: [nats.url] }, { name, wallMs, log: () => {} });
  onTestFinished(() => made.leave());
  return made;
}

const relay = async (name: string): Promise<Scene> => Scene.start({}, { group: await group(name) });
const two = (): Promise<readonly [Scene, Scene]> => Promise.all([relay("a"), relay("b")]);
/** Other tests' hosts are in the book too. */
const fresh = (name: string): string => `${name}-${randomBytes(4).toString("hex")}`;

/** A tunnel from an operator at `at` to a host that has its line elsewhere. */
async function crossing(at: Scene, key: Key, host: Host): Promise<{ readonly near: Caller; readonly far: Caller }> {
  const n = host.doors.length;
  const near = await at.knock(key, host.id);
  await near.joined();
  await vi.waitFor(() => expect(host.doors.length).toBe(n + 1), soon);
  return { near, far: host.doors[n]! };
}

const nobodyLeft = (...scenes: readonly Scene[]): Promise<void> =>
  vi.waitFor(() => {
    for (const { relay: of } of scenes) expect([of.lines.tunnels, of.group.counts.tunnels]).toEqual([0, 0]);
  }, soon);

/** A host of a key of its own, and who joins with it at each of these relays at once: what becomes of it there. */
async function race(
  relays: readonly Scene[],
  said: readonly { readonly host: Host; readonly name: string; readonly token: Uint8Array }[],
): Promise<string[]> {
  const dialled = await Promise.all(
    said.map(({ host, name, token }, i) => relays[i % relays.length]!.dial(host, { name, token })),
  );
  return Promise.all(
    dialled.map((host) =>
      host.registered().then(
        (r) => r.name,
        (fault: { code: string }) => `[${fault.code}]`,
      ),
    ),
  );
}

test("a host at one relay is reached from another by name and by id: what is said at either end is heard at the other, and its end comes after it", async () => {
  const [a, b] = await two();
  const ana = new Key();
  const name = fresh("box");
  const box = await a.host(name, [ana]);
  for (const asked of [name, box.id]) {
    const near = await b.knock(ana, asked);
    await near.joined();
    const far = box.doors.at(-1)!;
    const said = Array.from({ length: 200 }, (_, i) => `${i} `);
    for (const text of said) near.call.write(data(text));
    for (const text of said) far.call.write(data(text));
    await vi.waitFor(() => expect(near.text).toBe(said.join("")), soon);
    near.call.end();
    await vi.waitFor(() => expect(far.end).toBe("orderly"), soon);
    expect(far.text).toBe(said.join(""));
    await nobodyLeft(a, b);
  }
});

test("however a tunnel between two relays ends, both ends are over and neither relay keeps anything of it", async () => {
  const [a, b] = await two();
  const ana = new Key();
  const box = await a.host(fresh("box"), [ana]);
  const ways: Record<string, (near: Caller, far: Caller) => void> = {
    "the operator gives up": (near) => near.call.giveUp(),
    "the host gives up": (_, far) => far.call.giveUp(),
    "the host ends it orderly": (_, far) => far.call.end(),
    "the host's relay ends it": () => [...a.relay.lines.tunnelsOf(box.id)][0]!.end(notHere("box")),
  };
  for (const [how, end] of Object.entries(ways)) {
    const { near, far } = await crossing(b, ana, box);
    expect(a.relay.lines.tunnels, how).toBe(1);
    end(near, far);
    await vi.waitFor(() => expect([near.end, far.end], how).not.toContain(undefined), soon);
    await nobodyLeft(a, b);
  }
});

test("who leaves at any moment before the door is opened leaves nothing behind at either relay", async () => {
  const [a, b] = await two();
  const ana = new Key();
  const box = await a.host(fresh("box"), [ana]);
  box.comes = false;
  const client = await b.client();
  for (let turns = 0; turns < 40; turns++) {
    const near = await b.knock(ana, box.id, client);
    for (let i = 0; i < turns % 12; i++) await new Promise((next) => setImmediate(next));
    near.call.giveUp();
  }
  await nobodyLeft(a, b);
  box.comes = true;
  await (await b.knock(ana, box.id)).joined();
});

test("who does not read holds back who sends to it across two relays, and no other tunnel of that host", async () => {
  const [a, b] = await two();
  const [ana, ben] = [new Key(), new Key()];
  const box = await a.host(fresh("box"), [ana, ben]);
  const slow = await crossing(b, ana, box);
  const quick = await crossing(b, ben, box);
  slow.near.call.pause();
  const flood = data(randomBytes(32 * 1024));
  const PIECES = 512;
  for (let n = 0; n < PIECES; n++) slow.far.call.write(flood);
  // Whole ones: the other tunnel's are counted with them.
  const passed = (): number => Math.trunc(a.relay.tunnels.passed.toOperators / flood.length);
  // A hop's windows, and credit.
  expect(await settled(passed, () => answered(quick))).toBeLessThan(PIECES / 4);
  slow.near.call.resume();
  await slow.near.hears(PIECES);
  expect(slow.near.heard.filter((h) => h.case === "data")).toHaveLength(PIECES);
}, 120_000);

test("of many hosts that show one token at two relays at once one is let in", async () => {
  const relays = await two();
  for (let round = 0; round < 5; round++) {
    const token = await relays[0].token();
    const said = Array.from({ length: 8 }, () => ({ host: new Host(), name: fresh("h"), token }));
    const settled = await race(relays, said);
    expect(
      settled.filter((s) => !s.startsWith("[")),
      settled.join(),
    ).toHaveLength(1);
    expect(new Set(settled.filter((s) => s.startsWith("[")))).toEqual(new Set(["[invitation_unknown]"]));
  }
});

test("of many hosts that want one name at two relays at once one has it; another relay gives it to nobody else either", async () => {
  const relays = await two();
  const [name, lab] = [fresh("box"), fresh("lab")];
  const said = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => ({ host: new Host(), name, token: await relays[i % 2]!.token() })),
  );
  const settled = await race(relays, said);
  expect(settled.filter((s) => s === name)).toHaveLength(1);
  expect(settled.filter((s) => s === "[name_taken]")).toHaveLength(7);
  // A refused one may come again with its token, by another name.
  const loser = said[settled.indexOf("[name_taken]")]!;
  expect(await race([relays[1]], [{ ...loser, name: fresh("other") }])).not.toContain("[invitation_unknown]");
  const elsewhere = { host: new Host(), name, token: await relays[1].token(lab) };
  expect(await race([relays[0]], [elsewhere])).toEqual([name]);
});

test("a host that registers at another relay has its line there: the first is told, its tunnels go on, and new ones come by the other", async () => {
  const [a, b] = await two();
  const ana = new Key();
  const box = await a.host(fresh("box"), [ana]);
  const before = await crossing(b, ana, box);
  const again = Object.assign(new Host(), { key: box.key, raw: box.raw, keyId: box.keyId, id: box.id });
  await (await b.dial(again)).registered();
  again.admit(ana);
  await vi.waitFor(() => expect(box.words.at(-1)).toMatchObject({ case: "refused", value: { code: "fenced" } }), soon);
  before.near.call.write(data("still here"));
  await vi.waitFor(() => expect(before.far.text).toBe("still here"), soon);
  await vi.waitFor(async () => (await a.knock(ana, box.id)).joined(), soon);
  expect([a.relay.lines.online, b.relay.lines.online]).toEqual([0, 1]);
  await vi.waitFor(() => expect(again.doors.length).toBeGreaterThan(0), soon);
});

test("a host for which another relay has no room keeps the line that it has", async () => {
  const [a, b] = await two();
  const [ana, fleet] = [new Key(), fresh("lab")];
  const box = await a.host("box", [ana], fleet);
  b.relay.quotas.set(fleet, { hosts: 0 });
  const again = Object.assign(new Host(), { key: box.key, raw: box.raw, keyId: box.keyId, id: box.id });
  await expect((await b.dial(again)).registered()).rejects.toMatchObject({ code: "too_many" });
  await (await b.knock(ana, box.id)).joined();
  expect([box.words.filter((w) => w.case === "refused").length, a.relay.lines.online]).toEqual([0, 1]);
});

test("heads are given at every relay of the group to whom the host admits, wherever its line is, and to nobody else", async () => {
  const [a, b] = await two();
  const [ana, eve] = [new Key(), new Key()];
  const box = await a.host(fresh("box"), [ana]);
  box.say({ case: "heads", value: { heads: [headOf(box, 4)] } });
  await vi.waitFor(async () => expect((await a.heads(ana, box.id)).heads).toMatchObject([{ lsn: 4n }]), soon);
  expect(await b.heads(ana, box.id)).toMatchObject({ host: box.id, heads: [{ lsn: 4n }] });
  for (const at of [a, b]) await expect(at.heads(eve, box.id)).rejects.toThrow(/unreachable/);
});

test("of two lines of one host that race each other at two relays one is left, and the group knows which", async () => {
  const relays = await two();
  const ana = new Key();
  const box = await relays[0].host(fresh("box"), [ana]);
  for (let round = 0; round < 10; round++) {
    const same = (): Host => Object.assign(new Host(), { key: box.key, raw: box.raw, keyId: box.keyId, id: box.id });
    const lines = [same(), same()];
    await Promise.all(lines.map((line, i) => relays[i]!.dial(line)));
    await vi.waitFor(() => {
      const online = relays.map(({ relay: of }) => of.lines.entry(box.id)?.line.claim.fence ?? 0);
      expect(
        online.filter((fence) => fence > 0),
        `round ${round}`,
      ).toHaveLength(1);
      for (const line of lines) expect(line.words.length + Number(line.end !== undefined)).toBeGreaterThan(0);
    }, soon);
    const at = relays.findIndex(({ relay: of }) => of.lines.entry(box.id));
    lines[at]!.admit(ana);
    await vi.waitFor(async () => (await relays[1 - at]!.knock(ana, box.id)).joined(), soon);
  }
});

test("one that is not there, one that lets others in and one of others that is away are one answer, at whichever relay one asks", async () => {
  const [a, b] = await two();
  const [ana, eve] = [new Key(), new Key()];
  const [box, away] = [fresh("box"), fresh("far")];
  await a.host(box, [ana]);
  (await a.host(away, [ana])).line.giveUp();
  await vi.waitFor(() => expect(a.relay.lines.online).toBe(1), soon);
  const answers: string[] = [];
  for (const at of [a, b])
    for (const asked of [box, away, "none", "0".repeat(32), "a.b", "*", ">", "Ü"]) {
      const { code, message, details } = await (await at.knock(eve, asked)).refused();
      answers.push(JSON.stringify({ code, message: message.replace(JSON.stringify(asked), "HOST"), details }));
    }
  expect(new Set(answers).size, [...new Set(answers)].join("\n")).toBe(1);
});

test("who waits at one relay for a host that is away is let in once it has its line at another", async () => {
  const [a, b] = await two();
  const ana = new Key();
  const box = await a.host(fresh("box"), [ana]);
  box.line.giveUp();
  await vi.waitFor(() => expect(a.relay.lines.online).toBe(0), soon);
  const waiting = await a.knock(ana, box.id);
  const again = Object.assign(new Host(), { key: box.key, raw: box.raw, keyId: box.keyId, id: box.id });
  await (await b.dial(again)).registered();
  again.admit(ana);
  await waiting.joined();
});

test("two hosts of one name at two relays are told apart by id; what lets a key in is found at both", async () => {
  const [a, b] = await two();
  const ana = new Key();
  const name = fresh("box");
  const [one, other] = [await a.host(name, [ana]), await b.host(name, [ana], fresh("lab"))];
  for (const at of [a, b]) {
    expect((await (await at.knock(ana, name)).refused()).message).toMatch(/say its id/);
    await (await at.knock(ana, one.id)).joined();
    const found = await at.found(ana);
    expect([...found].sort()).toEqual([one.id, other.id].sort());
  }
});

test("a revoked key and a revoked host are out at every relay at once, and in again when that is undone", async () => {
  const [a, b] = await two();
  const [ana, ben] = [new Key(), new Key()];
  const box = await a.host(fresh("box"), [ana, ben]);
  const tunnel = await crossing(b, ana, box);
  await b.relay.revoke(ana.keyId, false);
  await vi.waitFor(() => expect([tunnel.near.end, tunnel.far.end]).not.toContain(undefined), soon);
  expect(tunnel.near.end).toMatch(/key_revoked/);
  for (const at of [a, b]) expect((await (await at.knock(ana, box.id)).refused()).code).toBe("key_revoked");
  await a.relay.revoke(ana.keyId, true);
  await vi.waitFor(async () => (await b.knock(ana, box.id)).joined(), soon);
  const bens = await crossing(b, ben, box);
  await b.relay.revoke(box.id, false);
  await vi.waitFor(() => expect([bens.near.end, bens.far.end, box.end]).not.toContain(undefined), soon);
  for (const at of [a, b]) await expect((await at.dial(box)).registered()).rejects.toMatchObject({ code: "revoked" });
  await a.relay.revoke(box.id, true);
  expect(await (await b.dial(box)).registered()).toBeDefined();
});

test("who stops tells its hosts and tunnels; an operator at the other relay hears that no such host is there", async () => {
  const [a, b] = await two();
  const ana = new Key();
  const box = await a.host(fresh("box"), [ana]);
  const { near, far } = await crossing(b, ana, box);
  await a.relay.drain(2_000);
  await vi.waitFor(() => expect([near.end, far.end]).not.toContain(undefined), soon);
  expect(near.end).toMatch(/draining/);
  expect((await (await b.knock(ana, box.id)).refused()).code).toMatch(/unreachable|draining/);
});
