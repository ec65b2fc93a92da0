/** Relays of one group, which meet at NATS: hosts at one, operators at another, and what becomes of an attachment when any of it is killed. */
import { createHash } from "node:crypto";
import { connect as connectNats } from "@nats-io/transport-node";
import { InputStatus } from "@holdfast/protocol";
import type { HostClient } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { held } from "./world/hold.ts";
import { NatsCluster, NatsProcess } from "./world/nats.ts";
import { freePort } from "./world/port.ts";
import { fact } from "./world/processes.ts";
import { RelayProcess } from "./world/relay.ts";
import { answering, reach, steersThroughCuts } from "./world/steered.ts";
import { STREAM, Watched } from "./world/watched.ts";
import { refusal, say, soak, type World, world } from "./world/world.ts";
import { wire } from "./world/wire.ts";

const through = (url: string): string => `${url.replace(/^\w+:/, "relay+http:")}/box`;
const natsArgs = (urls: readonly string[]): string[] => urls.flatMap((url) => ["--nats", url]);

interface Scene {
  readonly w: World;
  readonly cluster: NatsCluster;
  readonly a: RelayProcess;
  readonly b: RelayProcess;
  readonly local: HostClient;
}

/** The host has joined both, and its line is at `a`. */
async function scene(): Promise<Scene> {
  const w = await world();
  const cluster = await NatsCluster.start(w);
  const a = await RelayProcess.start(w, "a", "", natsArgs(cluster.urls));
  const b = await RelayProcess.start(w, "b", "", natsArgs(cluster.urls));
  const local = await w.connect();
  await local.joinRelay({ url: b.url, token: Buffer.from(/--token (\S+)/.exec(a.join)![1]!, "base64url"), name: "box" });
  await local.joinRelay({ url: a.url, name: "box" });
  await stateAt(local, b, "standby");
  return { w, cluster, a, b, local };
}

function stateAt(local: HostClient, relay: RelayProcess, state: string): Promise<unknown> {
  return fact(`the host's line to ${relay.url} is ${state}`, async () => {
    const { uplinks } = await local.status();
    if (!uplinks.some((u) => u.url === relay.url && u.state === state))
      throw new Error(uplinks.map((u) => `${u.url} ${u.state} ${u.why}`).join());
    return true;
  });
}

/** An operator at `b`, the host's line at `a`: what NATS does between them is felt. */
async function crossesWhile({ w, cluster, b }: Scene, times: Record<string, number>): Promise<void> {
  const client = await reach(w, through(b.url));
  const watched = await Watched.at(client, "stream", "far");
  const cutOff = await nodeOfARelay(cluster);
  const cut = (): void => cluster.partition(cluster.nodes.indexOf(cutOff));
  times[`${cutOff.name} cut off`] = await watched.through(() => Promise.resolve(cut()));
  // Neither is told: the relay finds out that its node decides nothing.
  if (soak) await fact("its relay has left it", async () => (await relaysAt(cutOff)) === 0, 60_000);
  cluster.heal();
  await cluster.whole();
  const killed = await nodeOfARelay(cluster);
  times[`${killed.name} killed`] = await watched.through(() => killed.kill());
  await killed.start();
  await cluster.whole();
  watched.isWhole();
  expect(watched.resumed).toBeGreaterThanOrEqual(1);
}

function nodeOfARelay(cluster: NatsCluster): Promise<NatsProcess> {
  return fact("a relay is at some node", async () => {
    for (const node of cluster.nodes) if ((await relaysAt(node)) > 0) return node;
    return null;
  });
}

async function relaysAt(node: NatsProcess): Promise<number> {
  const { connections } = await node.told<{ connections: readonly { readonly name?: string }[] }>("connz");
  return connections.filter(({ name }) => name?.startsWith("holdfast relay")).length;
}

test("relays and NATS nodes are killed and cut off under one attachment: it is the same one all along, each byte and each line once", async () => {
  const s = await scene();
  const { w, a, b, local } = s;
  const session = await w.open(local, { name: "stream", script: STREAM });
  const client = await reach(w, through(b.url), { also: [{ url: through(a.url), home: w.home }] });
  const watched = await Watched.at(client, "stream", "near");
  const { id } = watched.attachment;
  const times: Record<string, number> = {};
  const during = async (what: string, deed: () => Promise<void>): Promise<void> => {
    times[what] = await watched.through(deed);
  };
  await during("the operator's relay killed", () => b.kill());
  await b.start();
  await during("the host's relay killed", () => a.kill());
  await stateAt(local, b, "connected");
  await a.start();
  // It dials that one again, and its line there takes the place of the other.
  await stateAt(local, a, "connected");
  await stateAt(local, b, "standby");
  await crossesWhile(s, times);
  watched.isWhole();
  expect(watched.resumed).toBeGreaterThanOrEqual(2);
  expect((await local.show(session.id)).pid).toBe(session.pid);
  expect(watched.attachment.id).toBe(id);
  say(
    `output stood still for: ${Object.entries(times)
      .map(([what, ms]) => `${what} ${ms} ms`)
      .join(", ")}`,
  );
}, 300_000);

test("an operator at one relay steers a session of a host at another, through cuts and a killed host; 20 MB come whole, and NATS sees none of it", async () => {
  const w = await world();
  const nats = await NatsProcess.start(w);
  const [a, b] = [
    await RelayProcess.start(w, "a", "", natsArgs([nats.url])),
    await RelayProcess.start(w, "b", "", natsArgs([nats.url])),
  ];
  const local = await w.connect();
  await a.joinedBy(local, "box");
  const seen = { bytes: 0, canaries: [] as string[] };
  const watcher = await connectNats({ servers: [nats.url] });
  w.atEnd(() => void watcher.close());
  watcher.subscribe(">", {
    callback: (_, { data, subject }) => {
      seen.bytes += data.length;
      if (Buffer.from(data).includes("CANARY")) seen.canaries.push(subject);
    },
  });
  const lane = await wire(w, b.url);
  const client = await reach(w, through(lane.url));
  await answering(w, local);
  await steersThroughCuts(w, client, () => lane.cut());
  const big = await w.open(local, {
    name: "big",
    script: "stty -onlcr; read -r go; echo $go; yes CANARY-0123456789 | head -c 20000000; echo; echo over",
  });
  const [told, whole] = [createHash("sha256"), createHash("sha256")];
  let [length, tail, isOver] = [0, "", false];
  const from = performance.now();
  const attachment = await client.attach(
    // At its own pace: who only looks on is shown the newest where they fall far behind.
    { session: big.id, mode: "replay", after: 0 },
    {
      output: ({ bytes }) => {
        told.update(bytes);
        length += bytes.length;
        tail = (tail + Buffer.from(bytes).toString()).slice(-20);
        isOver ||= tail.includes("\nover\n");
      },
    },
  );
  await attachment.input(Buffer.from("CANARY-typed\n"));
  await fact("all of it came", () => isOver);
  const seconds = (performance.now() - from) / 1_000;
  // The terminal echoes what was typed before the program says it.
  const text = `CANARY-typed\nCANARY-typed\n${"CANARY-0123456789\n".repeat(20_000_000 / 18 + 1).slice(0, 20_000_000)}\nover\n`;
  whole.update(text);
  expect([length, told.digest("hex")]).toEqual([text.length, whole.digest("hex")]);
  expect(seen.canaries).toEqual([]);
  expect(seen.bytes).toBeGreaterThan(10_000_000);
  say(`20 MB across two relays in ${seconds.toFixed(2)} s`);
});

test("a group without NATS goes on with what does not cross, takes no host, says so, and is whole again when NATS is", async () => {
  const w = await world();
  const nats = await NatsProcess.start(w);
  const web = `127.0.0.1:${await freePort()}`;
  const a = await RelayProcess.start(w, "a", "", [...natsArgs([nats.url]), "--web", web]);
  const b = await RelayProcess.start(w, "b", "", natsArgs([nats.url]));
  const local = await w.connect();
  await a.joinedBy(local, "box");
  const ready = async (): Promise<number> => (await fetch(`http://${web}/readyz`)).status;
  expect(await ready()).toBe(200);
  const client = await reach(w, through(a.url));
  const session = await answering(w, local);
  let out = "";
  const attachment = await client.attach(
    { session: session.id },
    { output: ({ bytes }) => void (out += Buffer.from(bytes).toString()) },
  );
  await nats.kill();
  await fact("it is not ready", async () => (await ready()) === 503);
  expect((await attachment.input(Buffer.from("without NATS\n"))).status).toBe(InputStatus.APPLIED);
  await fact("it is answered", () => out.includes("<without NATS>"));
  (await reach(w, through(a.url))).close();
  expect(await refusal(reach(w, through(b.url), { timeoutMs: 5_000 }))).toBe("unreachable");
  expect(await refusal(local.joinRelay({ url: b.url, name: "box" }))).toBe("unreachable");
  expect(await fetch(`http://${web}/metrics`).then((r) => r.text())).toContain("holdfast_relay_group_whole 0");
  await nats.start();
  await fact("it is ready", async () => (await ready()) === 200);
  await fact("who is at the other relay reaches the host", async () => {
    const far = await reach(w, through(b.url), { timeoutMs: 5_000 });
    far.close();
    return true;
  });
  const shown = await held(w, "relay", "hosts", "--folder", b.folder, "--json");
  expect(JSON.parse(shown)).toMatchObject({ name: "box", online: true, relay: new URL(a.url).host });
});
