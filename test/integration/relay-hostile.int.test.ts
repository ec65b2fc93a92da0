/** A relay that is not what it should be: what it can read, change and put in another's place. Nothing. */
import { InputStatus } from "@holdfast/protocol";
import type { HostClient } from "@holdfast/sdk";
import { files, generateKey } from "@holdfast/sdk/node";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { type Deed, type Direction, EvilRelay } from "./world/evil-relay.ts";
import { held, machine } from "./world/hold.ts";
import { Canaries, eachStretch } from "./world/memory.ts";
import { freePort } from "./world/port.ts";
import { fact } from "./world/processes.ts";
import { RelayProcess } from "./world/relay.ts";
import { answering, reach } from "./world/steered.ts";
import { wire } from "./world/wire.ts";
import { bytes, record, refusal, say, soak, type World, world } from "./world/world.ts";

/** Types the canaries into a session that prints each backwards; the client's own screen shows all fifty. */
async function sing(w: World, address: string, canaries: Canaries): Promise<void> {
  const client = await reach(w, address);
  const session = await w.open(client, { script: 'stty -echo; while read -r line; do echo "$line" | rev; done' });
  let out = "";
  const attachment = await client.attach(
    { session: session.id },
    { output: ({ bytes: b }) => void (out += Buffer.from(b).toString()) },
  );
  for (const text of canaries.typed) expect((await attachment.input(bytes(`${text}\n`))).status).toBe(InputStatus.APPLIED);
  await fact("all of them were printed", () => canaries.printed.every((text) => out.includes(text)));
  client.close();
}

test("of fifty canaries, typed and printed, none stands in what passed a relay or in its memory; the same look finds them all elsewhere", async () => {
  const w = await world();
  const canaries = new Canaries();
  const seen = {
    relayed: new Set<string>(),
    plain: new Set<string>(),
    relayMemory: new Set<string>(),
    ownMemory: new Set<string>(),
  };
  let passed = 0;
  const tapInto = (found: Set<string>): ((piece: Buffer) => void) => {
    let tail = Buffer.alloc(0);
    return (piece) => {
      passed += piece.length;
      const whole = Buffer.concat([tail, piece]);
      canaries.look(whole, found);
      tail = Buffer.from(whole.subarray(-64));
    };
  };
  const webPort = await freePort();
  const webWire = await wire(w, `ws://127.0.0.1:${webPort}`, tapInto(seen.relayed));
  const web = ["--web", `127.0.0.1:${webPort}`, "--allow-host", new URL(webWire.url).host];
  const relay = await RelayProcess.start(w, "relay", "", web);
  // Both legs of the way are watched: the host dials through one wire, the operator through another.
  const [hostWire, ownWire] = [await wire(w, relay.url, tapInto(seen.relayed)), await wire(w, relay.url, tapInto(seen.relayed))];
  const local = await w.connect();
  const token = Buffer.from(/--token (\S+)/.exec(relay.join)![1]!, "base64url");
  await local.joinRelay({ url: hostWire.url.replace(/^ws/, "http"), token, name: "box" });
  await sing(w, `${ownWire.url.replace(/^ws/, "relay+http")}/box`, canaries);
  // And by its web side, which a native client takes where a network breaks gRPC.
  const before = passed;
  await sing(w, `${webWire.url.replace(/^ws/, "relay+ws")}/box`, canaries);
  expect(passed - before).toBeGreaterThan(10_000);
  expect(passed).toBeGreaterThan(20_000);
  const [inRelay, inOwn] = [
    eachStretch(relay.pid, (stretch) => canaries.look(stretch, seen.relayMemory)),
    eachStretch(process.pid, (stretch) => canaries.look(stretch, seen.ownMemory)),
  ];
  say(
    `${passed} bytes passed; ${Math.round(inRelay / 2 ** 20)} MiB of the relay and ${Math.round(inOwn / 2 ** 20)} MiB of the client were read`,
  );
  expect([...seen.relayed, ...seen.relayMemory]).toEqual([]);
  // What would have been found: the client has them all, and a wire that is plaintext carries them all.
  expect(canaries.counted(seen.ownMemory)).toBe(50);
  const listening = await w.listen();
  const open = await wire(w, listening, tapInto(seen.plain));
  await w.listen({ listen: new URL(listening).host, allowHosts: [new URL(open.url).host] });
  await sing(w, open.url, canaries);
  expect(canaries.counted(seen.plain)).toBe(50);
});

/** One attachment through a relay that does this to a piece of each of its tunnels, in one direction. */
async function outlives(w: World, local: HostClient, deed: Deed, direction: Direction): Promise<void> {
  const evil = await EvilRelay.start(w);
  const address = await evil.joinedBy(local, "box");
  const session = await answering(w, local, `${deed}-${direction.replace(" ", "-")}`);
  const client = await reach(w, address, { timeoutMs: 2_000 });
  let out = "";
  let end = 0;
  let isAttached = true;
  const breaks: number[] = [];
  const attachment = await client.attach(
    { session: session.id, mode: "replay", after: 0 },
    {
      output: ({ offset, bytes: piece }) => {
        if (offset !== end) breaks.push(offset);
        end = offset + piece.length;
        out += Buffer.from(piece).toString();
      },
      link: (state) => void (isAttached = state === "attached"),
    },
  );
  const lines: string[] = [];
  const type = async (text: string): Promise<void> => {
    lines.push(text);
    expect((await attachment.input(bytes(`${text}\n`))).status).toBe(InputStatus.APPLIED);
  };
  let cases = 0;
  for (const piece of [0, 1, 2, 3, 5]) {
    await fact("there is a tunnel to cut", () => isAttached && evil.open === 1);
    const before = evil.tunnels;
    evil.plan = { deed, direction, piece };
    cases++;
    evil.cut();
    const typed: Promise<void>[] = [];
    // Enough said both ways that there is such a piece, and one after it.
    for (let i = 0; i < 4; i++) typed.push(type(`${direction}, ${deed} ${piece}, ${i}`));
    await Promise.all(typed);
    for (let i = 4; evil.plan !== null; i++) await type(`${direction}, ${deed} ${piece}, ${i}`);
    // What was held back or left out shows when more is said.
    for (let i = 0; deed !== "double" && evil.tunnels < before + 2 && i < 2; i++) await type(`after ${cases}, ${i}`);
    await fact("the cut and the deed each cost a tunnel", () => evil.tunnels >= before + 2);
  }
  await fact("all of it came back", () => out.includes(`<${lines.at(-1)!}>`));
  expect(out.replaceAll("\r", "").trim().split("\n")).toEqual(lines.map((text) => `<${text}>`));
  expect([evil.deeds, breaks]).toEqual([cases, []]);
  expect(evil.tunnels).toBeGreaterThanOrEqual(2 * cases);
  const { output } = await record(await w.connect(), session.id);
  expect(output.toString().replaceAll("\r", "").trim().split("\n")).toEqual(lines.map((text) => `<${text}>`));
}

test("a piece that the relay alters, drops, doubles, swaps or cuts, whichever it is, costs a link and nothing else: each line is applied once", async () => {
  const w = await world();
  const local = await w.connect();
  const deeds = ["flip", "drop", "double", "swap", "truncate"] as const satisfies readonly Deed[];
  const directions = ["to host", "to operator"] as const satisfies readonly Direction[];
  // Each by a relay of its own, at the same time: who loses one link after the other waits for the next.
  await Promise.all(deeds.flatMap((deed) => directions.map((direction) => outlives(w, local, deed, direction))));
});

test("another host in the place of one that is known is signed nothing: by its name it is not the one, by its id it is not there", async () => {
  const [w, other] = [await world(), await world()];
  const relay = await RelayProcess.start(w);
  const laptop = machine(w, "laptop");
  const { publicKey } = generateKey(laptop.home, "lap");
  const [local, there] = [await w.connect(), await other.connect()];
  for (const admin of [local, there]) await admin.operatorAdd({ name: "lap", kind: 1, role: "operator", publicKey });
  const address = await relay.joinedBy(local, "box");
  const { hostId } = await local.status();
  expect(await refusal(reach(w, address, { home: laptop.home, as: "lap" }))).toBe("host_key_unknown");
  const client = await reach(w, address, { home: laptop.home, as: "lap", trust: "first" });
  expect((await client.whoami()).operator?.id).toBe("lap");
  client.close();
  // The relay is another's now: same address, and under the same name a host that lets this key in.
  await relay.kill();
  rmSync(w.path("relay"), { recursive: true });
  const evil = await RelayProcess.start(w, "evil", new URL(relay.url).host);
  await evil.joinedBy(there, "box");
  expect(await refusal(reach(w, address, { home: laptop.home, as: "lap" }))).toBe("host_key_changed");
  expect(await refusal(reach(w, address, { home: laptop.home, as: "lap", trust: "first" }))).toBe("host_key_changed");
  expect(await refusal(reach(w, address.replace(/box$/, hostId), { home: laptop.home, as: "lap", timeoutMs: 5_000 }))).toBe(
    "unreachable",
  );
  expect((await there.status()).links).toBe(1);
  expect(
    existsSync(files.knownHosts(laptop.home)) && readFileSync(files.knownHosts(laptop.home), "utf8").trim().split("\n"),
  ).toHaveLength(1);
});

const LUMP_MS = 20;

interface Frail {
  readonly url: string;
  /** Byte by byte, or what came in 20 ms at once. */
  pieces: "bytes" | "lumps";
  /** So many of the operator's bytes pass on each link, and then it breaks. */
  breakAfter: number;
  /** So many pass on the link that is there now, and then nothing does any more, and nobody is told. */
  stallAfter: number;
  passed: number;
  links: number;
}

/** A wire that passes what it is given in other pieces, breaks and stands still. */
async function frail(w: World, url: string): Promise<Frail> {
  const to = Number(new URL(url).port);
  const server = createServer((near) => {
    let left = made.breakAfter;
    const far = connectTcp({ port: to, host: "127.0.0.1", noDelay: true });
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true);
      from.on("error", () => {});
      from.on("close", () => into.destroy());
    }
    let isStalled = false;
    made.links++;
    const put = (into: Socket): ((piece: Buffer) => void) => {
      if (made.pieces === "bytes")
        return (piece) => {
          for (const byte of piece) into.write(Buffer.of(byte));
        };
      let lump: Buffer[] = [];
      return (piece) => {
        if (lump.push(piece) > 1) return;
        setTimeout(() => {
          into.write(Buffer.concat(lump));
          lump = [];
        }, LUMP_MS);
      };
    };
    const [toNear, toFar] = [put(near), put(far)];
    far.on("data", (piece: Buffer) => isStalled || toNear(piece));
    near.on("data", (piece: Buffer) => {
      if (isStalled) return;
      const taken = piece.subarray(0, Math.min(left, made.stallAfter));
      isStalled = made.stallAfter < piece.length;
      made.stallAfter = isStalled ? Infinity : made.stallAfter - taken.length;
      left -= taken.length;
      made.passed += taken.length;
      if (taken.length > 0) toFar(taken);
      if (left > 0) return;
      near.resetAndDestroy();
      far.resetAndDestroy();
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  w.atEnd(() => server.close());
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const made: Frail = { url: at, pieces: "bytes", breakAfter: Infinity, stallAfter: Infinity, passed: 0, links: 0 };
  return made;
}

test("a way in that is cut into single bytes, or breaks at any of them, ends as a whole one does or leaves nothing", async () => {
  const w = await world();
  const relay = await RelayProcess.start(w);
  const local = await w.connect();
  await relay.joinedBy(local, "box");
  const lane = await frail(w, relay.url);
  const address = `relay+${lane.url}/box`;
  const whole = await reach(w, address);
  const needed = lane.passed;
  expect((await whole.whoami()).operator?.id).toBe((await local.whoami()).operator?.id);
  const session = await answering(w, local);
  let out = "";
  const attachment = await whole.attach(
    { session: session.id },
    { output: ({ bytes: b }) => void (out += Buffer.from(b).toString()) },
  );
  await attachment.input(bytes("byte by byte\n"));
  await fact("it comes back", () => out.includes("<byte by byte>"));
  whole.close();
  const codes: string[] = [];
  for (let at = 1; at < needed; at += soak ? 1 : Math.ceil(needed / 60)) {
    lane.breakAfter = at;
    codes.push(await refusal(reach(w, address, { timeoutMs: 2_000 })));
  }
  expect(needed).toBeGreaterThan(1_000);
  expect(codes.length).toBeGreaterThan(50);
  // Before there is a connection at all it is tried again, for as long as there is time.
  expect(codes.filter((code) => code !== "unreachable" && code !== "timed_out")).toEqual([]);
  lane.breakAfter = Infinity;
  expect((await (await reach(w, address)).whoami()).via).toBe("sdk");
  const tunnels = async (): Promise<number> =>
    (JSON.parse(await held(w, "relay", "hosts", "--folder", w.path("relay"), "--json")) as { tunnels: number }).tunnels;
  await fact("one tunnel is left, and its link", async () => (await tunnels()) === 1 && (await local.status()).links === 2);
});

test("a way that lumps together what was apart carries the same; one that stands still in the midst of a frame costs a link and no input", async () => {
  const w = await world();
  const relay = await RelayProcess.start(w);
  const local = await w.connect();
  await relay.joinedBy(local, "box");
  const session = await answering(w, local);
  const lane = await frail(w, relay.url);
  lane.pieces = "lumps";
  const client = await reach(w, `relay+${lane.url}/box`, { timeoutMs: 5_000 });
  let [out, links] = ["", 0];
  const attachment = await client.attach(
    { session: session.id, mode: "replay", after: 0 },
    {
      output: ({ bytes: b }) => void (out += Buffer.from(b).toString()),
      link: (state) => void (state === "attached" && links++),
      held: () => attachment.flushHeld(),
    },
  );
  const lines: string[] = [];
  const type = (text: string): Promise<unknown> => {
    lines.push(text);
    return attachment.input(bytes(`${text}\n`));
  };
  await Promise.all(Array.from({ length: 50 }, (_, i) => type(`lump ${i}`)));
  await fact("all of them came back", () => out.includes("<lump 49>"));
  // In the midst of HTTP/2's head, of a piece, of a record.
  for (let turn = 0; turn < (soak ? 40 : 3); turn++) {
    lane.stallAfter = 1 + turn * 7;
    const before = lane.links;
    // Longer than what is let through: it is in its midst that the way stands still.
    await type(`stall ${turn} ${".".repeat(lane.stallAfter)}`);
    expect(lane.links).toBeGreaterThan(before);
  }
  await fact("all of it came back", () => out.includes(lines.at(-1)!));
  expect(links).toBeGreaterThan(3);
  expect(out.replaceAll("\r", "").trim().split("\n")).toEqual(lines.map((text) => `<${text}>`));
});
