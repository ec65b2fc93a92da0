import { type KeyObject, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { request as requestTls } from "node:https";
import type { Link } from "@holdfast/carrier";
import type { PageAnswer } from "@holdfast/carrier/listen";
import { openRelay, pinOf, reachThroughRelay, relayAddress, relayedHost, relayedUrl, relayUrl } from "@holdfast/carrier/grpc";
import { REACH_PATH, REACH_SUBPROTOCOL, reachPlain } from "@holdfast/carrier/websocket";
import {
  create,
  FindRequestSchema,
  FindResponseSchema,
  fromBinary,
  type Init,
  limits,
  type Piece,
  PieceSchema,
  toBinary,
} from "@holdfast/protocol";
import { selfMadeCertificate } from "@holdfast/testkit/certificate";
import { idOf, newKey, passOf, throughRelay } from "@holdfast/testkit/through-relay";
import { afterEach, describe, expect, test } from "vitest";
import { meantBy } from "./identity.ts";
import { Metrics } from "./metrics.ts";
import type { Relay } from "./relay.ts";
import { settled } from "./test/scene.ts";
import { listenWeb, type WebParts } from "./web.ts";

const open: (() => void)[] = [];
afterEach(() => {
  for (const end of open.splice(0).reverse()) end();
});

interface Asked {
  readonly page?: WebParts["page"];
  readonly beatMs?: number;
  readonly allowOrigins?: string[];
}

/** A relay with its web side, and a host there whose end of a link hears what `heard` tells. */
async function relayed({ beatMs, page: files, allowOrigins = [] }: Asked = {}) {
  const heard: string[] = [];
  const closings: string[] = [];
  const logged: string[] = [];
  /** The host's ends. */
  const ends: Link[] = [];
  const metrics = new Metrics();
  const made = await throughRelay(
    (end) => {
      ends.push(end);
      return {
        frame: (channel, message) => void heard.push(`${channel} ${Buffer.from(message).toString("latin1")}`),
        closed: (reason) => void closings.push(reason),
      };
    },
    { met: metrics.met, log: (event, facts) => void logged.push(JSON.stringify({ event, ...facts })) },
  );
  open.push(...made.closing);
  metrics.show(made.relay);
  const more = { ...(beatMs === undefined ? {} : { beatMs }), ...(files ? { page: files } : {}) };
  const parts: WebParts = { relay: made.relay, metrics, isMe: meantBy(null), ...more };
  const web = await listenWeb(parts, { listen: "127.0.0.1:0", allowOrigins });
  open.push(() => web.close());
  const authority = new URL(web.url).host;
  const pass = (): Promise<string> => passOf(made.ownKey, authority);
  const page = async (): Promise<Link> =>
    reachPlain({ relay: web.url, knock: { host: "box", pass: await pass() } }, () => ({ frame: () => {}, closed: () => {} }));
  return { ...made, web, ends, authority, heard, closings, logged, pass, page };
}

async function overTls(relay: Relay, address: string) {
  const folder = mkdtempSync(join(tmpdir(), "hf-web-"));
  open.push(() => rmSync(folder, { recursive: true }));
  const files = { tlsCert: join(folder, "cert.pem"), tlsKey: join(folder, "key.pem") };
  const { cert, key } = selfMadeCertificate();
  writeFileSync(files.tlsCert, cert);
  writeFileSync(files.tlsKey, key);
  const web = await listenWeb(
    { relay, metrics: new Metrics(), isMe: meantBy(new X509Certificate(cert)) },
    { listen: `${address}:0`, allowHosts: ["localhost"], ...files },
  );
  open.push(() => web.close());
  return { web, cert };
}

const fact = async (is: () => boolean): Promise<void> => {
  while (!is()) await new Promise((turn) => setImmediate(turn));
};

const get = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers });
  return { status: response.status, body: await response.text() };
};

const pieceOf = (body: NonNullable<Init<Piece>["body"]>): Buffer =>
  Buffer.from(toBinary(PieceSchema, create(PieceSchema, { body })));

/** A WebSocket by hand; what it hears are pieces' cases, and its end. */
function socketTo(url: string, first: (string | Uint8Array)[]): { readonly said: string[]; readonly over: Promise<string> } {
  const said: string[] = [];
  const socket = new WebSocket(`${url.replace("http", "ws")}${REACH_PATH}`, REACH_SUBPROTOCOL);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => {
    for (const message of first) socket.send(message as Uint8Array<ArrayBuffer>);
  });
  socket.addEventListener("message", ({ data }: { readonly data: unknown }) => {
    const { body } = fromBinary(PieceSchema, new Uint8Array(data as ArrayBuffer));
    said.push(body.case === "refused" ? `refused ${body.value.code}` : String(body.case));
  });
  const over = new Promise<string>((done) =>
    socket.addEventListener("close", ({ code, reason }) => done(`${code}${reason && ` ${reason}`}`)),
  );
  return { said, over };
}

/** Bytes on the wire, for what no WebSocket of a library would do. */
async function rawUpgrade(port: number, more: readonly string[] = []): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  open.push(() => void socket.destroy());
  const head = [
    `GET ${REACH_PATH} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
    `Sec-WebSocket-Protocol: ${REACH_SUBPROTOCOL}`,
    ...more,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  await once(socket, "data");
  return socket;
}

/** A frame of a client, its mask of zeros. */
function masked(first: number, data: Buffer): Buffer {
  const size = data.length < 126 ? [0x80 | data.length] : [0xfe, data.length >> 8, data.length & 0xff];
  return Buffer.concat([Buffer.from([first, ...size, 0, 0, 0, 0]), data]);
}

describe("the web side of a relay", () => {
  test("says that it lives, whether it takes calls, and nothing at any other path", async () => {
    const { web, relay } = await relayed();
    expect(await get(`${web.url}/healthz`)).toEqual({ status: 200, body: "lives\n" });
    expect(await get(`${web.url}/readyz`)).toEqual({ status: 200, body: "takes calls\n" });
    expect((await get(`${web.url}${REACH_PATH}`)).status).toBe(426);
    for (const path of ["/", "/metrics/", "/healthz?x", "/v1/reach/x", "/constructor"])
      expect((await get(web.url + path)).status).toBe(404);
    expect((await fetch(`${web.url}/healthz`, { method: "POST" })).status).toBe(405);
    await relay.drain(0);
    expect(await get(`${web.url}/healthz`)).toEqual({ status: 200, body: "lives\n" });
    expect(await get(`${web.url}/readyz`)).toEqual({ status: 503, body: "draining\n" });
  });

  test("serves the files of a page where it was given one, to whoever goes by a name of its own, and all else as before", async () => {
    const answer =
      (body: string): PageAnswer =>
      (_, response) =>
        void response.end(body);
    const page = { "/": answer("first"), "/sessions/{host}/{session}": answer("one of its places") };
    const { web } = await relayed({ page });
    expect(await get(`${web.url}/`)).toEqual({ status: 200, body: "first" });
    expect(await get(`${web.url}/sessions/a/b?x`)).toEqual({ status: 200, body: "one of its places" });
    for (const path of ["/sessions/a", "/sessions//b", "/sessions/a/%E0%A4%A", "/constructor"])
      expect((await get(web.url + path)).status).toBe(404);
    expect((await fetch(web.url, { method: "POST" })).status).toBe(405);
    expect(await get(`${web.url}/healthz`)).toEqual({ status: 200, body: "lives\n" });
    expect((await get(`${web.url}/`, { Origin: "https://elsewhere.example" })).status).toBe(403);
    const other = (await relayed()).web;
    expect((await get(`${other.url}/`)).status).toBe(404);
  });

  test("counts hosts, tunnels, bytes by direction, refusals by code and handshakes, and names nobody", async () => {
    const { web, page, heard, ownKey, hostKey } = await relayed();
    const link = await page();
    link.send(1, new Uint8Array(1_000));
    await fact(() => heard.length === 1);
    const stranger = socketTo(web.url, [
      pieceOf({ case: "knock", value: { host: "box", pass: await passOf(newKey(), new URL(web.url).host), plain: true } }),
    ]);
    await stranger.over;
    const { body } = await get(`${web.url}/metrics`);
    expect(body).toMatch(/^holdfast_relay_hosts_online 1$/m);
    expect(body).toMatch(/^holdfast_relay_tunnels 1$/m);
    expect(body).toMatch(/^holdfast_relay_refusals_total\{code="unreachable"\} 1$/m);
    expect(Number(/passed_bytes_total\{to="hosts"\} (\d+)/.exec(body)?.[1])).toBeGreaterThan(1_000);
    expect(Number(/handshake_seconds_count (\d+)/.exec(body)?.[1])).toBeGreaterThanOrEqual(2);
    expect(body).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
    expect(body).toMatch(/^process_resident_memory_bytes /m);
    for (const named of ["box", "home", "127.0.0.1", idOf(ownKey), idOf(hostKey).slice(0, 32)]) expect(body).not.toContain(named);
  });

  test.each(["/healthz", "/readyz", "/metrics", REACH_PATH])(
    "lets no other name and no page of another origin ask %s",
    async (path) => {
      const { web } = await relayed({ allowOrigins: ["https://good.example"] });
      const { port } = new URL(web.url);
      const asked = async (headers: string): Promise<string> => {
        const socket = connect(Number(port), "127.0.0.1");
        socket.write(`GET ${path} HTTP/1.1\r\n${headers}\r\n\r\n`);
        const [said] = (await once(socket, "data")) as [Buffer];
        socket.destroy();
        return said.toString().split(" ")[1]!;
      };
      const fine = path === REACH_PATH ? "426" : "200";
      const own = `Host: 127.0.0.1:${port}`;
      const upgrade = "Connection: Upgrade\r\nUpgrade: websocket";
      expect(await asked(own)).toBe(fine);
      expect(await asked(`${own}\r\nOrigin: https://good.example`)).toBe(fine);
      for (const other of ["Host: evil.example", "Host: 127.1", `${own}\r\n${own}`, "X: y"]) {
        expect(await asked(other)).toBe("403");
        expect(await asked(`${other}\r\n${upgrade}`)).toBe("403");
      }
      for (const origin of ["null", "https://evil.example", "https://good.example.evil.com", "http://good.example"]) {
        expect(await asked(`${own}\r\nOrigin: ${origin}`)).toBe("403");
        expect(await asked(`${own}\r\nOrigin: ${origin}\r\n${upgrade}`)).toBe("403");
      }
    },
  );

  const outer = Object.values(networkInterfaces())
    .flat()
    .find((at) => at?.family === "IPv4" && !at.internal)?.address;
  test.skipIf(outer === undefined)("tells what it counts to this machine's loopback alone", async () => {
    const { web } = await overTls((await relayed()).relay, outer!);
    const status = (path: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        requestTls(`${web.url}${path}`, { rejectUnauthorized: false }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end();
      });
    expect([await status("/readyz"), await status("/metrics")]).toEqual([200, 403]);
  });

  test.skipIf(outer === undefined)("takes 64 connections of one address that say nothing, and others beside them", async () => {
    const { web } = await overTls((await relayed()).relay, "0.0.0.0");
    const sockets = Array.from({ length: 70 }, () => connect(web.port, outer!).on("error", () => {}));
    open.push(() => sockets.forEach((socket) => void socket.destroy()));
    let over = 0;
    for (const socket of sockets) socket.resume().once("close", () => over++);
    await fact(() => over === 6);
    const other = connectTls({ port: web.port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(other, "secureConnect");
    other.destroy();
    expect(over).toBe(6);
  });
});

describe("a WebSocket to a relay", () => {
  test("that does not begin with a knock, says text, or more than a message may hold, is refused and reaches no host", async () => {
    const { web, relay, pass } = await relayed();
    const wrong = socketTo(web.url, [pieceOf({ case: "data", value: new Uint8Array(3) })]);
    expect([await wrong.over, wrong.said]).toEqual(["1000", ["refused bad_request"]]);
    const take = socketTo(web.url, [pieceOf({ case: "take", value: { offer: new Uint8Array(16) } })]);
    expect([await take.over, take.said]).toEqual(["1000", ["refused bad_request"]]);
    expect(await socketTo(web.url, ["knock knock"]).over).toMatch(/^4000 \[bad_request\] a text message/);
    expect(await socketTo(web.url, [new Uint8Array(limits.preAuthBytes + 1)]).over).toMatch(/^1009|^1006/);
    const none = socketTo(web.url, [pieceOf({ case: "knock", value: { host: "box", pass: `${await pass()}x`, plain: true } })]);
    expect([await none.over, none.said]).toEqual(["1000", ["refused unknown_credential"]]);
    expect(relay.lines.tunnels).toBe(0);
  });

  test("text after the knock reaches no host either", async () => {
    const { web, pass, closings, heard } = await relayed();
    const knock = pieceOf({ case: "knock", value: { host: "box", pass: await pass(), plain: true } });
    const socket = new WebSocket(`${web.url.replace("http", "ws")}${REACH_PATH}`, REACH_SUBPROTOCOL);
    socket.addEventListener("open", () => socket.send(knock as Uint8Array<ArrayBuffer>));
    socket.addEventListener("message", () => socket.send("text"));
    const [{ code }] = (await once(socket, "close")) as [CloseEvent];
    expect(code).toBe(4000);
    await fact(() => closings.length === 1);
    expect(heard).toEqual([]);
  });

  test("a pass for another relay opens nothing at this one, and one that was used opens nothing again", async () => {
    const { web, ownKey, pass } = await relayed();
    const knock = (words: string): Buffer => pieceOf({ case: "knock", value: { host: "box", pass: words, plain: true } });
    const other = socketTo(web.url, [knock(await passOf(ownKey, "relay.example:443"))]);
    await other.over;
    expect(other.said).toEqual(["refused unknown_credential"]);
    const words = await pass();
    const first = socketTo(web.url, [knock(words)]);
    await fact(() => first.said.length > 0);
    const second = socketTo(web.url, [knock(words)]);
    await second.over;
    expect([first.said, second.said]).toEqual([["joined"], ["refused unknown_credential"]]);
  });

  test("has 5 s until it has knocked, and so has a connection that asks for nothing", async () => {
    const { web } = await relayed();
    const beganMs = performance.now();
    const silent = connect(web.port, "127.0.0.1");
    const half = connect(web.port, "127.0.0.1");
    half.write(`GET ${REACH_PATH} HTTP/1.1\r\nHost: 127`);
    const upgraded = socketTo(web.url, []);
    for (const socket of [silent, half]) socket.resume().on("error", () => {});
    await Promise.all([once(silent, "close"), once(half, "close"), upgraded.over]);
    expect(performance.now() - beganMs).toBeLessThan(limits.handshakeMs + 3_000);
    expect(upgraded.said).toEqual(["refused timed_out"]);
  });

  test("from which not a byte comes, though it is pinged, is let go, and the host's end with it", async () => {
    const { web, pass, closings, relay } = await relayed({ beatMs: 20 });
    const socket = await rawUpgrade(web.port);
    const knock = pieceOf({ case: "knock", value: { host: "box", pass: await pass(), plain: true } });
    socket.write(masked(0x82, knock));
    socket.resume();
    await once(socket, "close");
    await fact(() => closings.length === 1 && relay.lines.tunnels === 0);
  });

  test("that has nothing to say but answers pings is not let go", async () => {
    const { web, pass, relay } = await relayed({ beatMs: 20 });
    const socket = await rawUpgrade(web.port);
    socket.write(masked(0x82, pieceOf({ case: "knock", value: { host: "box", pass: await pass(), plain: true } })));
    for (let pings = 0; pings < 10; ) {
      const [said] = (await once(socket, "data")) as [Buffer];
      if (said[said.length - 2] !== 0x89) continue;
      pings++;
      socket.write(masked(0x8a, Buffer.alloc(0)));
    }
    expect(relay.lines.tunnels).toBe(1);
  });

  test("holds back who sends faster than the other end reads, both ways, and no other tunnel", async () => {
    const { relay, page, ends, heard, web, ownKey, trusts, authority } = await relayed();
    const stalled = await page();
    await fact(() => ends.length === 1);
    ends[0]!.pause();
    const piece = new Uint8Array(256 * 1024);
    const SENT = 64;
    for (let i = 0; i < SENT; i++) stalled.send(1, piece);
    const looked = async (): Promise<unknown> => (await fetch(`${web.url}/healthz`)).text();
    // What is under way: windows of HTTP/2, buffers of TCP, and a few pieces.
    const most = 12 * 1024 * 1024;
    expect(await settled(() => relay.tunnels.passed.toHosts, looked)).toBeLessThan(most);

    const address = relayAddress(web.url.replace("http", "ws"));
    let read = 0;
    const other = await reachThroughRelay(
      { relay: await openRelay(address), knock: { host: "box", pass: await passOf(ownKey, authority) }, key: ownKey, trusts },
      () => ({ frame: () => void read++, closed: () => {} }),
    );
    other.send(2, Buffer.from("past it"));
    await fact(() => heard.includes("2 past it"));
    other.pause();
    for (let i = 0; i < SENT; i++) ends[1]!.send(1, piece);
    expect(await settled(() => relay.tunnels.passed.toOperators, looked)).toBeLessThan(most);

    ends[0]!.resume();
    other.resume();
    await fact(() => heard.length === SENT + 1 && read === SENT);
  });

  test("delivers all that was sent before an orderly end, both ways, to an end that reads late", async () => {
    const { relay, ends, heard, closings, web, ownKey, trusts, authority } = await relayed();
    const address = relayAddress(web.url.replace("http", "ws"));
    let read = 0;
    let isOver = false;
    const reach = async () =>
      reachThroughRelay(
        { relay: await openRelay(address), knock: { host: "box", pass: await passOf(ownKey, authority) }, key: ownKey, trusts },
        () => ({ frame: () => void read++, closed: () => void (isOver = true) }),
      );
    const SENT = 32;
    const piece = new Uint8Array(256 * 1024);
    const up = await reach();
    await fact(() => ends.length === 1);
    ends[0]!.pause();
    for (let i = 0; i < SENT; i++) up.send(1, piece);
    up.close();
    await fact(() => relay.tunnels.passed.toHosts > 0);
    ends[0]!.resume();
    await fact(() => closings.length === 1);
    expect(heard).toHaveLength(SENT);

    isOver = false;
    const down = await reach();
    await fact(() => ends.length === 2);
    down.pause();
    for (let i = 0; i < SENT; i++) ends[1]!.send(1, piece);
    ends[1]!.close();
    await fact(() => relay.tunnels.passed.toOperators > 0);
    down.resume();
    await fact(() => isOver);
    expect(read).toBe(SENT);
    await fact(() => relay.lines.tunnels === 0);
  });

  test("a knock through either door has one book: tokens, passes and what is knocked with are in no line of the log", async () => {
    const { web, page, pass, logged, relay, ownKey } = await relayed();
    const words = await pass();
    const used = socketTo(web.url, [pieceOf({ case: "knock", value: { host: "box", pass: words, plain: true } })]);
    await fact(() => used.said.length > 0);
    const invited = Buffer.from("canary-invitation-of-32-bytes-xx");
    const refused = socketTo(web.url, [pieceOf({ case: "knock", value: { host: "canary-host", invited, plain: true } })]);
    await refused.over;
    (await page()).close();
    relay.revoke(idOf(ownKey), false);
    expect(await used.over).toMatch(/^4000 \[key_revoked\]/);
    const all = logged.join("\n");
    expect(all).toContain("tunnel_opened");
    expect(all).toContain("tunnel_ended");
    for (const secret of [words, words.split(".")[2]!, invited.toString(), invited.toString("hex"), invited.toString("base64")])
      expect(all).not.toContain(secret);
  });
});

test("a native client that was given the relay's key says nothing to who shows another", async () => {
  const { relay, ownKey, trusts, heard } = await relayed();
  const { web, cert } = await overTls(relay, "127.0.0.1");
  const at = web.url.replace("http", "ws");
  const pin = pinOf(new X509Certificate(cert).publicKey.export({ format: "der", type: "spki" }));
  await expect(openRelay(relayAddress(at))).rejects.toMatchObject({ code: "unreachable" });
  await expect(openRelay(relayAddress(`${at}#${"0".repeat(64)}`))).rejects.toMatchObject({ code: "host_key_changed" });
  const address = relayAddress(`${at}#${pin}`);
  expect(relayUrl(address)).toBe(`${at}#${pin}`);
  expect(relayedUrl(relayedHost(`relay+${at}/box#${pin}`))).toBe(`relay+${at}/box#${pin}`);
  const link = await reachThroughRelay(
    {
      relay: await openRelay(address),
      knock: { host: "box", pass: await passOf(ownKey, address.authority) },
      key: ownKey,
      trusts,
    },
    () => ({ frame: () => {}, closed: () => {} }),
  );
  link.send(1, Buffer.from("by its key"));
  await fact(() => heard.includes("1 by its key"));
});

test("a native client lists hosts by WebSocket, as often as it asks, and is shown those that admit its key", async () => {
  const { web, ownKey, hostKey } = await relayed();
  const address = relayAddress(web.url.replace("http", "ws"));
  const relay = await openRelay(address);
  open.push(() => relay.close());
  const found = async (key: KeyObject): Promise<string[]> => {
    const pass = await passOf(key, address.authority);
    const answer = await relay.find(Buffer.from(toBinary(FindRequestSchema, create(FindRequestSchema, { pass }))));
    return fromBinary(FindResponseSchema, answer).hosts.map(({ id, name }) => `${name} ${id}`);
  };
  expect(await found(ownKey)).toEqual([`box ${idOf(hostKey).slice(0, 32)}`]);
  expect(await found(newKey())).toEqual([]);
  expect(await found(ownKey)).toHaveLength(1);
});

describe("a relay that drains", () => {
  test("tells its hosts and operators to go elsewhere, takes nobody, and is done when what was under way has arrived", async () => {
    const { relay, web, page, pass, heard, closings, far } = await relayed();
    const link = await page();
    link.send(1, Buffer.from("last words"));
    await fact(() => heard.length === 1);
    const beganMs = performance.now();
    await relay.drain(5_000);
    expect(performance.now() - beganMs).toBeLessThan(4_000);
    await far;
    await fact(() => closings.length === 1);
    expect([relay.lines.online, relay.lines.tunnels]).toEqual([0, 0]);
    const late = socketTo(web.url, [pieceOf({ case: "knock", value: { host: "box", pass: await pass(), plain: true } })]);
    await late.over;
    expect(late.said).toEqual(["refused draining"]);
  });
});
