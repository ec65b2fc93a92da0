/** Objects of a mirror in a real nats-server, whose answers are lost and whose writers are killed at the worst of times. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { Objm, type ObjectStore as Bucket } from "@nats-io/obj";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { expect, onTestFinished, test } from "vitest";
import { openNatsStore } from "./nats-store.ts";
import type { ObjectStore } from "./store.ts";

const HOST = "0123456789abcdef";
const HEAD = `${HOST}/head`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Resolves with where it serves. */
async function natsServer(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "nats-store-"));
  const port = await freePort();
  const child = spawn("nats-server", ["-js", "-a", "127.0.0.1", "-p", `${port}`, "-sd", folder], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
    rmSync(folder, { recursive: true, force: true });
  });
  child.stderr.setEncoding("utf8");
  for await (const text of child.stderr) if (String(text).includes("Server is ready")) break;
  return port;
}

/** A wire to it: from the moment that a client sends what `cut` finds, no answer comes any more. */
async function deafWire(port: number, cut: (sent: string) => boolean): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connectTcp(port, "127.0.0.1");
    let isDeaf = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    client.on("data", (data) => {
      isDeaf ||= cut(data.toString("latin1"));
      upstream.write(data);
    });
    upstream.on("data", (data) => isDeaf || client.write(data));
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function storeAt(port: number): Promise<ObjectStore> {
  const store = await openNatsStore({ url: `nats://127.0.0.1:${port}`, bucket: "holdfast" });
  onTestFinished(() => store.close());
  return store;
}

/** The bucket as anybody sees it. */
async function seen(
  port: number,
): Promise<{ connection: NatsConnection; manager: JetStreamManager; bucket: Bucket; chunks(): Promise<string[]> }> {
  const connection = await connect({ servers: `127.0.0.1:${port}` });
  onTestFinished(() => connection.close());
  const manager = await jetstreamManager(connection);
  const bucket = await new Objm(connection).open("holdfast");
  const chunks = async (): Promise<string[]> =>
    Object.keys((await manager.streams.info("OBJ_holdfast", { subjects_filter: "$O.holdfast.C.>" })).state.subjects ?? {});
  return { connection, manager, bucket, chunks };
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const subjectOf = (name: string): string => `$O.holdfast.M.${Buffer.from(name).toString("base64")}`;

test("a head whose answer is lost is there for who reads next, and nothing of it was taken back", async () => {
  const port = await natsServer();
  const store = await storeAt(port);
  const revision = await store.replace(HEAD, bytes("one"), 0);
  const deaf = await storeAt(await deafWire(port, (sent) => sent.includes(`PUB ${subjectOf(HEAD)}`)));
  await expect(deaf.replace(HEAD, bytes("two"), revision)).rejects.toThrow();
  expect(Buffer.from((await store.get(HEAD))!.bytes).toString()).toBe("two");
}, 60_000);

test("an object whose bytes are gone is read as one that nothing opens, and can be replaced", async () => {
  const port = await natsServer();
  const store = await storeAt(port);
  await store.replace(HEAD, bytes("one"), 0);
  const { manager, bucket } = await seen(port);
  const { nuid } = (await bucket.info(HEAD))!;
  await manager.streams.purge("OBJ_holdfast", { filter: `$O.holdfast.C.${nuid}` });
  const found = (await store.get(HEAD))!;
  expect(found.bytes).toHaveLength(0);
  await store.replace(HEAD, bytes("two"), found.revision);
  expect(Buffer.from((await store.get(HEAD))!.bytes).toString()).toBe("two");
}, 60_000);

test("of an object whose deletion was cut short the bytes are gone, and its name is there to be deleted again", async () => {
  const port = await natsServer();
  const name = `${HOST}/1/piece`;
  const store = await storeAt(port);
  await store.put(name, bytes("sealed"));
  const cut = await storeAt(await deafWire(port, (sent) => sent.includes("STREAM.PURGE")));
  await expect(cut.delete(name)).rejects.toThrow();
  const { chunks, bucket } = await seen(port);
  expect(await chunks()).toEqual([]);
  expect(await store.list(`${HOST}/`)).toEqual(new Set([name]));
  await store.delete(name);
  expect(await store.list(`${HOST}/`)).toEqual(new Set());
  expect(await bucket.list()).toEqual([]);
}, 60_000);

test("bytes that a killed put has left, and those of an object that others marked as deleted, go with the next tidying; another host's do not", async () => {
  const port = await natsServer();
  const store = await storeAt(port);
  const kept = `${HOST}/1/kept`;
  await store.put(kept, bytes("kept"));
  await store.put(`${HOST}/1/marked`, bytes("marked"));
  const { chunks, connection, bucket } = await seen(port);
  const marked = (await bucket.info(`${HOST}/1/marked`))!;
  connection.publish(
    subjectOf(`${HOST}/1/marked`),
    JSON.stringify({ name: marked.name, bucket: "holdfast", nuid: marked.nuid, size: 0, chunks: 0, digest: "", deleted: true }),
  );
  await connection.flush();
  for (const name of [`${HOST}/1/killed`, "fedcba/1/killed"]) {
    const before = (await chunks()).length;
    const killed = await storeAt(await deafWire(port, (sent) => sent.includes("PUB $O.holdfast.C.")));
    const put = killed.put(name, Buffer.alloc(600 * 1024));
    await expect.poll(async () => (await chunks()).length).toBe(before + 1);
    await killed.close();
    await expect(put).rejects.toThrow();
  }
  expect(await chunks()).toHaveLength(4);
  await store.tidy(`${HOST}/`);
  expect((await chunks()).sort()).toEqual([expect.stringContaining(`.C.${HOST}-`), expect.stringContaining(".C.fedcba-")].sort());
  expect(Buffer.from((await store.get(kept))!.bytes).toString()).toBe("kept");
}, 60_000);
