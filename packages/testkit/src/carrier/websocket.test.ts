import { createHash, randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Acceptor, Link, LinkHandlers } from "@holdfast/carrier";
import { connectWebSocket as connectPage, linkUrl, SUBPROTOCOL } from "@holdfast/carrier/websocket";
import { connectWebSocket, offersLink, webSocketEnd } from "@holdfast/carrier/websocket/node";
import { HoldError, limits } from "@holdfast/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { carrierAcceptance } from "./acceptance.ts";
import { selfMadeCertificate } from "./certificate.ts";
import { Wire } from "./wire.ts";

/** A server that takes every upgrade, and what its links are told. */
class Listening {
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  readonly scheme: string;

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.scheme = scheme;
    server.on("connection", (socket: Duplex) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
    });
  }

  static async start(accept: Acceptor, options: { cert?: string; key?: string; aliveMs?: number } = {}): Promise<Listening> {
    const { cert, key, ...rest } = options;
    const end = webSocketEnd(rest);
    const server = cert && key ? createSecureServer({ cert, key }) : createServer();
    server.on("upgrade", (request, socket, head) => end.take(request, socket, head, accept));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Listening(server, cert ? "wss" : "ws");
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.scheme}://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

type Dial = (url: string, accept: Acceptor) => Promise<Link>;

function carrier(
  dial: Dial,
  options: { readonly tls?: { cert: string; key: string }; readonly holdsBack?: boolean; readonly stride?: number } = {},
) {
  return () => {
    const { holdsBack = true, stride = 1 } = options;
    const wire = new Wire();
    let listening: Listening;
    let lane: Awaited<ReturnType<Wire["before"]>>;
    const links: Link[] = [];
    return {
      wire,
      holdsBack,
      stride,
      async listen(accept: Acceptor) {
        listening = await Listening.start(accept, options.tls);
        lane = await wire.before(listening.port);
      },
      async dial(accept: Acceptor) {
        const link = await dial(listening.url.replace(/\d+$/, String(lane.port)), accept);
        links.push(link);
        return link;
      },
      async close() {
        for (const link of links) link.destroy();
        lane.close();
        await listening.close();
      },
    };
  };
}

const tls = selfMadeCertificate();
carrierAcceptance("websocket", carrier(connectWebSocket));
carrierAcceptance(
  "websocket over TLS",
  carrier((url, accept) => connectWebSocket(url, accept, { ca: tls.cert }), { tls, stride: 23 }),
);
carrierAcceptance("websocket of a page", carrier(connectPage, { holdsBack: false, stride: 7 }));

// --- hostile input ---

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end();
});

/** A listening end that notes what it is told, and a peer that writes what it likes. */
async function stranger(handlers: Partial<LinkHandlers> = {}, aliveMs?: number) {
  const frames: { channel: number; message: Uint8Array }[] = [];
  let closed!: (reason: string) => void;
  const over = new Promise<string>((resolve) => {
    closed = resolve;
  });
  let closings = 0;
  const listening = await Listening.start(
    () => ({
      frame: (channel, message) => frames.push({ channel, message }),
      closed: (reason) => {
        closings++;
        closed(reason);
      },
      ...handlers,
    }),
    aliveMs ? { aliveMs } : {},
  );
  open.push(() => listening.close());
  const peer = await RawPeer.upgrade(listening.port);
  open.push(() => peer.end());
  return { peer, frames, over, closings: () => closings };
}

/** A client that speaks WebSocket by hand. */
class RawPeer {
  readonly #socket: Socket;
  #heard = Buffer.alloc(0);
  #woken: () => void = () => {};
  readonly gone: Promise<void>;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => {
      this.#heard = Buffer.concat([this.#heard, bytes]);
      this.#woken();
    });
    this.gone = new Promise((resolve) => socket.once("close", () => resolve()));
  }

  static async upgrade(port: number): Promise<RawPeer> {
    const peer = new RawPeer(connectTcp(port, "127.0.0.1"));
    const key = randomBytes(16).toString("base64");
    peer.write(
      `GET /v1/link HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n` +
        "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    );
    while (!peer.#heard.includes("\r\n\r\n"))
      await new Promise<void>((woken) => {
        peer.#woken = woken;
      });
    const answer = peer.#heard.toString("latin1");
    expect(answer).toContain("101 Switching Protocols");
    expect(answer).toContain(createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64"));
    expect(answer.toLowerCase()).not.toContain("permessage-deflate");
    return peer;
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** A masked frame; `claims`: the length that its header tells in place of the true one. */
  frame(first: number, body: Uint8Array, claims: number = body.length): void {
    const header = Buffer.alloc(14);
    header[0] = first;
    header[1] = 0x80 | 127;
    header.writeBigUInt64BE(BigInt(claims), 2);
    // A mask of zeros leaves the body as it is.
    this.write(Buffer.concat([header, body]));
  }

  end(): void {
    this.#socket.destroy();
  }
}

const BINARY = 0x82;
const BINARY_MORE = 0x02;
const MORE = 0x00;
const LAST = 0x80;
const whole = (text: string): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 7]), Buffer.from(text)]);

describe("a websocket link and a hostile peer", () => {
  test("a message in fragments is one frame", async () => {
    const { peer, frames, over } = await stranger();
    const message = whole("in three pieces");
    peer.frame(BINARY_MORE, message.subarray(0, 2));
    peer.frame(MORE, message.subarray(2, 9));
    peer.frame(LAST, message.subarray(9));
    peer.frame(0x88, Buffer.alloc(0));
    await over;
    expect(frames.map((f) => [f.channel, Buffer.from(f.message).toString()])).toEqual([[7, "in three pieces"]]);
  });

  test.each([
    ["a text message", (p: RawPeer) => p.frame(0x81, Buffer.from("hello")), /bad_request|text/],
    ["a message too short for a channel", (p: RawPeer) => p.frame(BINARY, Buffer.from([1, 2, 3])), /a frame of 3 bytes/],
    ["a message of nothing", (p: RawPeer) => p.frame(BINARY, Buffer.alloc(0)), /a frame of 0 bytes/],
    ["a length past the limit", (p: RawPeer) => p.frame(BINARY, Buffer.alloc(8), limits.frameBytes + 1), /[Mm]ax payload size/],
    ["a length past 2^53", (p: RawPeer) => p.frame(BINARY, Buffer.alloc(8), 2 ** 60), /frame length|payload/],
    ["a compressed message", (p: RawPeer) => p.frame(BINARY | 0x40, Buffer.alloc(8)), /RSV1/],
    ["a reserved bit", (p: RawPeer) => p.frame(BINARY | 0x20, Buffer.alloc(8)), /RSV2/],
    ["an unknown opcode", (p: RawPeer) => p.frame(0x83, Buffer.alloc(8)), /opcode/],
    ["a frame without a mask", (p: RawPeer) => p.write(Buffer.from([BINARY, 4, 0, 0, 0, 0])), /MASK/],
    ["a fragment of nothing that began", (p: RawPeer) => p.frame(LAST, Buffer.alloc(8)), /opcode/],
    ["a ping longer than a ping may be", (p: RawPeer) => p.frame(0x89, Buffer.alloc(126)), /payload length/],
    [
      "endless fragments",
      (p: RawPeer) => {
        p.frame(BINARY_MORE, Buffer.alloc(1));
        for (let i = 0; i < 300; i++) p.frame(MORE, Buffer.alloc(1));
      },
      /fragments/i,
    ],
  ])("%s ends the link, once, and delivers nothing", async (_, act, reason) => {
    const { peer, frames, over, closings } = await stranger();
    act(peer);
    expect(await over).toMatch(reason);
    await peer.gone;
    expect(frames).toEqual([]);
    expect(closings()).toBe(1);
  });

  test("of a message longer than may come now nothing is kept, whole or in fragments, and after the handshake more may come", async () => {
    let most = 100;
    const bounded = {
      get maxFrameBytes() {
        return most;
      },
    };
    const first = await stranger(bounded);
    first.peer.frame(BINARY, Buffer.alloc(0), 101);
    expect(await first.over).toMatch(/payload/);
    const second = await stranger(bounded);
    second.peer.frame(BINARY_MORE, Buffer.alloc(60));
    second.peer.frame(MORE, Buffer.alloc(0), 41);
    expect(await second.over).toMatch(/payload/);
    const third = await stranger({
      ...bounded,
      get maxFrameBytes() {
        return most;
      },
      frame: () => {
        most = 1_000;
      },
    });
    third.peer.write(Buffer.concat([Buffer.from([BINARY, 0x80 | 4, 0, 0, 0, 0]), Buffer.alloc(4)]));
    third.peer.frame(BINARY, Buffer.alloc(900));
    third.peer.frame(BINARY, Buffer.alloc(0), 1_001);
    expect(await third.over).toMatch(/payload/);
  });

  test("a peer that goes in the middle of a frame leaves nothing behind but the end", async () => {
    const { peer, frames, over, closings } = await stranger();
    peer.frame(BINARY, whole("half"), 100);
    peer.end();
    expect(await over).toBe("closed");
    expect(frames).toEqual([]);
    expect(closings()).toBe(1);
  });

  test("a peer that answers no ping is let go", async () => {
    const { over } = await stranger({}, 10);
    expect(await over).toBe("no answer to a ping");
  });
});

test("who answers something else than a host is named with what it said", async () => {
  const server = createServer((_, response) => response.writeHead(403).end("[not_permitted] this Host is not allowed"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const nobody: Acceptor = () => ({ frame: () => {}, closed: () => {} });
  await expect(connectWebSocket(url, nobody)).rejects.toThrow(/403: \[not_permitted\] this Host is not allowed/);
  await expect(connectPage(url, nobody)).rejects.toMatchObject({ code: "unreachable" });
});

test("a certificate of nobody's is not trusted", async () => {
  const listening = await Listening.start(() => ({ frame: () => {}, closed: () => {} }), tls);
  open.push(() => listening.close());
  await expect(connectWebSocket(listening.url, () => ({ frame: () => {}, closed: () => {} }))).rejects.toThrow(
    /DEPTH_ZERO_SELF_SIGNED_CERT|self.signed/i,
  );
});

describe("an address of a host", () => {
  test.each([
    ["ws://127.0.0.1:7433", "ws://127.0.0.1:7433/v1/link"],
    ["http://localhost:7433/", "ws://localhost:7433/v1/link"],
    ["ws://[::1]:7433/v1/link", "ws://[::1]:7433/v1/link"],
    ["https://box.example:7433", "wss://box.example:7433/v1/link"],
    ["wss://box", "wss://box/v1/link"],
  ])("%s is %s", (text, href) => expect(linkUrl(text).href).toBe(href));

  test.each([
    "box:7433",
    "",
    "ftp://box",
    "ws://box:7433",
    "ws://127.0.0.1.evil.example:7433",
    "ws://128.0.0.1:7433",
    "wss://ana:secret@box",
    "wss://box/?token=1",
    "wss://box/#token",
    "wss://box/other",
  ])("%j is none", (text) => {
    expect(() => linkUrl(text)).toThrow(HoldError);
  });
});

test.each([
  [{ upgrade: "websocket", "sec-websocket-protocol": SUBPROTOCOL }, null],
  [{ upgrade: "WebSocket", "sec-websocket-protocol": `other, ${SUBPROTOCOL}` }, null],
  [{ upgrade: "h2c" }, /websocket/],
  [{ upgrade: "websocket" }, /holdfast\.v1/],
  [{ upgrade: "websocket", "sec-websocket-protocol": "holdfast.v1x" }, /holdfast\.v1/],
])("an upgrade with %j", (headers, wrong) => {
  const said = offersLink({ headers } as never);
  if (wrong) expect(said).toMatch(wrong);
  else expect(said).toBeNull();
});
