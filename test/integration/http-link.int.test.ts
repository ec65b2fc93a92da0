/** Links made of HTTP requests, to a real host: for networks that break WebSockets. */
import { spawnSync } from "node:child_process";
import { request as ask } from "node:http";
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { framed } from "@holdfast/carrier";
import { encodeClient } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { fact } from "./world/processes.ts";
import { answering, reach, steersThroughCuts } from "./world/steered.ts";
import { wire } from "./world/wire.ts";
import { record, refusal, type World, world } from "./world/world.ts";

const http = (url: string): string => url.replace(/^ws/, "http");

test("one operator by socket and by requests steers one session; a cut wire and a killed host lose nothing and double nothing", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  const lane = await wire(w, url);
  await w.listen({ listen: new URL(url).host, allowHosts: [new URL(lane.url).host] });
  const client = await reach(w, http(lane.url));
  const local = await w.connect();
  expect((await client.whoami()).operator?.id).toBe((await local.whoami()).operator?.id);
  const session = await answering(w, local);
  await steersThroughCuts(w, client, () => lane.cut());
  const { events } = await record(await w.connect(), session.id);
  const attached = events.flatMap((e) => (e.body?.kind.case === "attached" ? [e.body.kind.value.carrier] : []));
  expect(new Set(attached)).toEqual(new Set(["http"]));
});

/** A network that lets requests through and no upgrade. */
async function middlebox(w: World, url: string): Promise<string> {
  const to = Number(new URL(url).port);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    sockets.add(near);
    near.on("error", () => {});
    near.once("data", (head: Buffer) => {
      if (/^upgrade:/im.test(head.toString("latin1")))
        return void near.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      const far = connectTcp(to, "127.0.0.1");
      sockets.add(far);
      far.on("error", () => {});
      far.on("close", () => near.destroy());
      near.on("close", () => far.destroy());
      far.write(head);
      near.pipe(far).pipe(near);
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  w.atEnd(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("where upgrades do not get through, the next carrier does, if it may; the command line takes the address as it is", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  const through = await middlebox(w, url);
  await w.listen({ listen: new URL(url).host, allowHosts: [new URL(through).host] });
  expect(await refusal(reach(w, through))).toBe("unreachable");
  const client = await reach(w, through, { carriers: ["websocket", "http"] });
  const { session } = await client.open({
    name: "there",
    command: ["sh", "-c", 'echo "[$HOME|$HOLDFAST_WORLD|$PWD]"; sleep 1000'],
  });
  const home = w.env["HOME"];
  await fact("it inherited nothing of here", async () =>
    (await client.screen(session.id)).lines.join("").includes(`[${home}||${home}]`),
  );
  const hold = spawnSync(join(import.meta.dirname, "../../bin/hold"), ["--host", http(url), "ls", "--json"], {
    env: w.env,
    encoding: "utf8",
  });
  expect([hold.status, hold.stderr, hold.stdout.includes('"there"')]).toEqual([0, "", true]);
});

/** A link by hand: what is said in its answer, and batches to it. */
async function raw(w: World, url: string) {
  const socket = connectTcp(Number(new URL(url).port), "127.0.0.1");
  w.atEnd(() => void socket.destroy());
  socket.on("error", () => {});
  let said = "";
  let isOver = false;
  socket.on("data", (bytes: Buffer) => void (said += bytes.toString()));
  socket.once("close", () => {
    isOver = true;
  });
  socket.write(`POST /v1/http-link HTTP/1.1\r\nHost: ${new URL(url).host}\r\nContent-Length: 0\r\n\r\n`);
  const [, data] = await fact("it is opened", () => /^data: (\{.*\})$/m.exec(said));
  const { link, token } = JSON.parse(data!) as { link: string; token: string };
  const post = (seq: number, body: Uint8Array): Promise<number> =>
    new Promise((resolve, reject) => {
      const asking = ask(`${http(url)}/v1/http-link/${link}`, {
        method: "POST",
        headers: { "Holdfast-Link": token, "Holdfast-Seq": String(seq) },
      });
      asking.once("error", reject);
      asking.once("response", (answer) => {
        answer.resume();
        answer.once("close", () => resolve(answer.statusCode!));
      });
      asking.end(body);
    });
  return { said: () => said, isOver: () => isOver, post };
}

const hello = (nonce: number): Uint8Array =>
  encodeClient({
    case: "hello",
    value: { minProtocol: 1, maxProtocol: 1, client: "x", via: "sdk", nonce: new Uint8Array(nonce), keyId: new Uint8Array(32) },
  });

test("a stranger has its 5 s and its 64 KiB, and learns nothing", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  const silent = await raw(w, url);
  const large = await raw(w, url);
  expect(await large.post(1, framed(0, new Uint8Array(64 * 1024 + 1)))).toBe(400);
  await fact("it is ended", () => large.isOver());
  const asking = await raw(w, url);
  expect(await asking.post(1, framed(0, hello(32)))).toBe(204);
  await fact("it is challenged", () => asking.said().includes("event: frame"));
  const rude = await raw(w, url);
  await rude.post(1, framed(1, encodeClient({ case: "attach", value: { session: "x" } })));
  await fact("it is ended", () => rude.isOver());
  await fact("the silent one is ended, and the one that only asked", () => silent.isOver() && asking.isOver());
  expect(silent.said().split("\n\n").length).toBeLessThan(5);
  const status = (path: string, headers: Record<string, string>, body = ""): Promise<number> =>
    new Promise((resolve, reject) => {
      const request = ask(`${http(url)}${path}`, { method: "POST", headers });
      request.once("error", reject);
      request.once("response", (answer) => {
        answer.resume();
        resolve(answer.statusCode!);
      });
      request.end(body);
    });
  expect(await status("/v1/http-link", {}, "body")).toBe(400);
  expect(await status("/v1/http-link", { Origin: "http://evil.example" })).toBe(403);
  expect(await status("/v1/http-link", { Host: "rebound.example" })).toBe(403);
  expect(await status("/v1/http-link/guessed", { "Holdfast-Link": "guessed", "Holdfast-Seq": "1" })).toBe(404);
});

test("who is revoked is out at once, attached or not", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  const admin = await w.connect();
  await w.operator("ana");
  const client = await reach(w, http(url), { as: "ana" });
  await w.open(admin, { name: "watched", script: "while sleep 0.01; do echo tick; done" });
  let ended = "";
  await client.attach({ session: "watched", reconnect: false }, { detached: (reason) => void (ended = reason) });
  await admin.operatorRevoke("ana");
  await fact("the attachment is over", () => ended !== "");
  expect(ended).toBe("revoked");
  expect(await refusal(client.list())).toMatch(/revoked|unreachable/);
  expect(await refusal(reach(w, http(url), { as: "ana" }))).toBe("revoked");
});
