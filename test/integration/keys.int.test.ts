/** What a group of relays keeps at NATS, through nodes that are killed: what was written stands, and what was removed is gone. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { expect, onTestFinished, test } from "vitest";
import { Keys } from "../../packages/relay/src/nats/keys.ts";
import { NatsCluster } from "./world/nats.ts";
import { fact } from "./world/processes.ts";
import { soak } from "./world/world.ts";

class Records {
  readonly #keys: readonly Keys[];
  readonly #written = new Map<string, number>();
  readonly #removed: string[] = [];
  #n = 0;

  private constructor(keys: readonly Keys[]) {
    this.#keys = keys;
  }

  /** At each node. */
  static async at({ urls }: NatsCluster): Promise<Records> {
    const ncs: NatsConnection[] = [];
    for (const url of urls) ncs.push(await connect({ servers: [url], maxReconnectAttempts: -1, reconnectTimeWait: 50 }));
    for (const nc of ncs) onTestFinished(() => nc.close());
    const keys: Keys[] = [];
    // A cluster that has just chosen its leader may take longer to make a bucket than one question waits.
    for (const nc of ncs) keys.push(await fact("the bucket is there", () => Keys.open(nc, "holdfast-book", { replicas: 3 })));
    return new Records(keys);
  }

  /** As a host that joins: a token is bound and removed, a name and the host stay. */
  async join(node: number): Promise<void> {
    const [keys, n] = [this.#keys[node]!, this.#n++];
    const token = await keys.create(`token.${n}`, {});
    const bound = await keys.update(`token.${n}`, { host: n }, token!);
    for (const key of [`name.${n}`, `host.${n}`]) this.#written.set(key, (await keys.create(key, { n }))!);
    await keys.remove(`token.${n}`, token!);
    expect((await keys.get(`token.${n}`))?.revision, "another revision stays").toBe(bound);
    await keys.remove(`token.${n}`, bound!);
    await keys.remove(`token.${n}`, bound!);
    this.#removed.push(`token.${n}`);
  }

  /** Reads them at each node that is there. */
  async stand(without = -1): Promise<void> {
    for (const [node, keys] of this.#keys.entries()) {
      if (node === without) continue;
      await fact(`node ${node} answers`, () => keys.settle().then(() => true));
      const all = [...this.#written.keys(), ...this.#removed];
      const read = await Promise.all(all.map((key) => keys.get(key)));
      expect(Object.fromEntries(read.map((kept, i) => [all[i], kept?.revision]))).toEqual(
        Object.fromEntries(all.map((key) => [key, this.#written.get(key)])),
      );
    }
  }
}

function start(): Promise<NatsCluster> {
  const folder = mkdtempSync(join(tmpdir(), "hold-keys-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return NatsCluster.start({ path: (name) => join(folder, name), atEnd: (end) => onTestFinished(end) });
}

test("what was written stands and what was removed is gone when all nodes of NATS are killed and started again", async () => {
  const cluster = await start();
  const records = await Records.at(cluster);
  for (let n = 0; n < 6; n++) await records.join(n % 3);
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  await Promise.all(cluster.nodes.map((node) => node.spawn()));
  await cluster.whole();
  await records.stand();
});

test.runIf(soak)(
  "the same when one after the other is killed and started again, and hosts join meanwhile",
  async () => {
    const cluster = await start();
    const records = await Records.at(cluster);
    for (let n = 0; n < 30; n++) await records.join(n % 3);
    for (let round = 0; round < 4; round++)
      for (const [n, node] of cluster.nodes.entries()) {
        await node.kill();
        await records.stand(n);
        await records.join((n + 1) % 3);
        await node.spawn();
        await cluster.whole();
        await records.stand();
      }
  },
  600_000,
);
