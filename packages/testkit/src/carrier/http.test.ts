import { createServer, type IncomingMessage, request as askPlain, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { framed, type Acceptor, type Link, type LinkHandlers } from "@holdfast/carrier";
import { connectHttp as connectPage, httpLinkUrl } from "@holdfast/carrier/http";
import { connectHttp, HTTP_LINK_PATH, HttpLinkEnd } from "@holdfast/carrier/http/node";
import { afterEach, describe, expect, test } from "vitest";
import { carrierAcceptance } from "./acceptance.ts";
import { selfMadeCertificate } from "./certificate.ts";
import { Wire } from "./wire.ts";

type Hook = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A server of links, and of nothing else. `hook`: sees each request first, and says whether it has answered it. */
class Listening {
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  readonly #scheme: string;
  readonly #end: HttpLinkEnd;

  private constructor(server: Server, scheme: string, end: HttpLinkEnd, accept: Acceptor, hook: Hook) {
    this.#server = server;
    this.#scheme = scheme;
    this.#end = end;
    server.on("connection", (socket: Duplex) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
    });
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      if (hook(request, response)) return;
      if (request.url === HTTP_LINK_PATH) return this.#end.open(response, accept);
      const link = this.#end.find(request.url!.slice(HTTP_LINK_PATH.length + 1), request);
      if (link) void link.take(request, response);
      else response.writeHead(404).end();
    });
  }

  static async start(
    accept: Acceptor,
    options: { cert?: string; key?: string; beatMs?: number; hook?: Hook } = {},
  ): Promise<Listening> {
    const { cert, key, beatMs, hook = () => false } = options;
    const server = cert && key ? createSecureServer({ cert, key }) : createServer();
    const end = new HttpLinkEnd(beatMs === undefined ? {} : { beatMs });
    const made = new Listening(server, cert ? "https" : "http", end, accept, hook);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return made;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

type Dial = (url: string, accept: Acceptor) => Promise<Link>;

function carrier(dial: Dial, options: { tls?: { cert: string; key: string }; hook?: Hook; stride?: number } = {}) {
  return () => {
    const { tls: pair, hook, stride = 1 } = options;
    const wire = new Wire();
    let listening: Listening;
    let lane: Awaited<ReturnType<Wire["before"]>>;
    const links: Link[] = [];
    return {
      wire,
      stride,
      async listen(accept: Acceptor) {
        listening = await Listening.start(accept, { ...pair, ...(hook ? { hook } : {}) });
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
carrierAcceptance("http", carrier(connectHttp, { stride: 23 }));
carrierAcceptance(
  "http over TLS",
  carrier((url, accept) => connectHttp(url, accept, { ca: tls.cert }), { tls, stride: 97 }),
);
carrierAcceptance("http of a page", carrier(connectPage, { stride: 41 }));

/** Every second request with a batch is done and its answer lost, as by a proxy that gives up. */
let batches = 0;
const losesAnswers: Hook = (request, response) => {
  if (request.url !== HTTP_LINK_PATH && ++batches % 2 === 1) {
    const { writeHead } = response;
    response.writeHead = ((...head: Parameters<typeof writeHead>) => {
      request.socket.destroy();
      return writeHead.apply(response, head);
    }) as typeof writeHead;
  }
  return false;
};
carrierAcceptance("http, where answers are lost,", carrier(connectHttp, { hook: losesAnswers, stride: 97 }));

// --- hostile input ---

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end();
});

/** A listening end that notes what it is told, with a link that is asked by hand. */
async function stranger(handlers: Partial<LinkHandlers> = {}, options: { beatMs?: number } = {}) {
  const frames: { channel: number; text: string }[] = [];
  let closed!: (reason: string) => void;
  const over = new Promise<string>((resolve) => {
    closed = resolve;
  });
  let server!: Link;
  const listening = await Listening.start((link) => {
    server = link;
    return {
      frame: (channel, message) => frames.push({ channel, text: Buffer.from(message).toString() }),
      closed,
      ...handlers,
    };
  }, options);
  open.push(() => listening.close());
  const socket = connectTcp(listening.port, "127.0.0.1");
  open.push(() => void socket.destroy());
  socket.write(`POST ${HTTP_LINK_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
  let said = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    said += String(chunk);
    if (said.includes("\n\n")) break;
  }
  const { link, token } = JSON.parse(/^data: (.*)$/m.exec(said)![1]!) as { link: string; token: string };
  const post = (seq: string | null, body: Uint8Array, as: { link?: string; token?: string } = {}): Promise<number> =>
    new Promise((resolve, reject) => {
      const asking = askPlain(`${listening.url}${HTTP_LINK_PATH}/${as.link ?? link}`, {
        method: "POST",
        headers: { "Holdfast-Link": as.token ?? token, ...(seq === null ? {} : { "Holdfast-Seq": seq }) },
      });
      asking.once("error", reject);
      asking.once("response", (answer) => {
        answer.resume();
        answer.once("close", () => resolve(answer.statusCode!));
      });
      asking.end(body);
    });
  return { listening, frames, over, post, link, token, server: () => server, socket };
}

const text = (frame: string): Buffer => framed(1, Buffer.from(frame));

describe("a listening end over HTTP", () => {
  test("takes each batch once, in order, whole", async () => {
    const { frames, post } = await stranger();
    expect(await post("1", Buffer.concat([text("a"), text("b")]))).toBe(204);
    expect(await post("1", Buffer.concat([text("a"), text("b")]))).toBe(204);
    expect(await post("3", text("d"))).toBe(409);
    expect(await Promise.all([post("2", text("c")), post("2", text("c")), post("2", text("c"))])).toEqual([204, 204, 204]);
    expect(await post("3", text("d"))).toBe(204);
    expect(await post("4", new Uint8Array(0))).toBe(204);
    expect(frames.map((f) => f.text).join("")).toBe("abcd");
  });

  test("takes nothing from who does not have the link's secret", async () => {
    const { frames, post, token } = await stranger();
    for (const as of [{ token: "" }, { token: token.slice(1) }, { token: `${token.slice(0, -1)}_` }, { link: "another" }])
      expect(await post("1", text("x"), as)).toBe(404);
    expect(frames).toEqual([]);
  });

  test.each([
    ["half a frame", Buffer.from([0, 0, 0, 9, 0, 0, 0, 1, 1, 2])],
    ["half a header", Buffer.from([0, 0, 0])],
    ["a frame without a channel", Buffer.from([0, 0, 0, 3, 1, 2, 3])],
    ["a frame that claims to be too long", Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1])],
  ])("ends the link at %s", async (_, batch) => {
    const { frames, over, post } = await stranger();
    expect(await post("1", batch)).toBe(400);
    expect(await over).toMatch(/bad_request/);
    expect(await post("1", text("x"))).toBe(404);
    expect(frames).toEqual([]);
  });

  test("a batch without a number, or with one that is none, ends nothing and brings nothing", async () => {
    const { frames, post } = await stranger();
    for (const seq of [null, "0", "-1", "1.0", "x", "1, 1", "9".repeat(20)]) expect(await post(seq, text("x"))).toBe(400);
    expect(await post("1", text("y"))).toBe(204);
    expect(frames.map((f) => f.text)).toEqual(["y"]);
  });

  test("keeps no more of a batch than a frame may have at that moment", async () => {
    const { over, post } = await stranger({ maxFrameBytes: 64 });
    expect(await post("1", framed(1, new Uint8Array(100)))).toBe(400);
    expect(await over).toMatch(/at most 72 bytes/);
  });

  test("answers nobody with more than it has been asked for: many batches at once are one too many", async () => {
    const { post, server } = await stranger();
    server().pause();
    const first = post("1", text("a"));
    const others = Array.from({ length: 8 }, (_, i) => post(String(i + 2), text("x")));
    expect((await Promise.all(others.map((o) => Promise.race([o, Promise.resolve(0)])))).length).toBe(8);
    const refused = await Promise.any(others.map((o) => o.then((status) => (status === 409 ? status : Promise.reject(status)))));
    expect(refused).toBe(409);
    server().resume();
    expect(await first).toBe(204);
    await Promise.all(others);
  });

  test("lets a client go that says nothing, not even that it has nothing to say", async () => {
    const { over } = await stranger({}, { beatMs: 5 });
    expect(await over).toBe("no word from the client");
  });
});

describe("a dialling end over HTTP", () => {
  test.each([connectHttp, connectPage])("rejects when nobody listens, and when who does is no host", async (dial) => {
    const nobody = await Listening.start(() => ({ frame: () => {}, closed: () => {} }));
    const { url } = nobody;
    await nobody.close();
    const handlers: LinkHandlers = { frame: () => {}, closed: () => {} };
    await expect(dial(url, () => handlers)).rejects.toMatchObject({ code: "unreachable" });
    const other = await Listening.start(() => handlers, { hook: (_, response) => void response.end("hello") === undefined });
    open.push(() => other.close());
    await expect(dial(other.url, () => handlers)).rejects.toMatchObject({ code: "unreachable" });
    const silent = await Listening.start(() => handlers, {
      hook: (_, response) => void response.writeHead(200, { "Content-Type": "text/event-stream" }).end() === undefined,
    });
    open.push(() => silent.close());
    await expect(dial(silent.url, () => handlers)).rejects.toThrow(/took the link and let it go/);
  });

  test("is over when the host says no to a batch, and says why", async () => {
    let refuse = false;
    const listening = await Listening.start(() => ({ frame: () => {}, closed: () => {} }), {
      hook: (request, response) => refuse && request.url !== HTTP_LINK_PATH && void response.writeHead(404).end() === undefined,
    });
    open.push(() => listening.close());
    let closed!: (reason: string) => void;
    const over = new Promise<string>((resolve) => {
      closed = resolve;
    });
    const link = await connectHttp(listening.url, () => ({ frame: () => {}, closed }));
    refuse = true;
    link.send(1, new Uint8Array(1));
    expect(await over).toBe("the host answered 404");
    expect(link.buffered).toBe(0);
  });

  test("refuses an address that another carrier would refuse", () => {
    for (const url of ["http://box.example:1", "http://127.0.0.1:1/x", "http://a:b@127.0.0.1:1", "ftp://127.0.0.1"])
      expect(() => httpLinkUrl(url)).toThrow();
    expect(String(httpLinkUrl("https://box.example:1"))).toBe(`https://box.example:1${HTTP_LINK_PATH}`);
    expect(String(httpLinkUrl("ws://127.0.0.1:1"))).toBe(`http://127.0.0.1:1${HTTP_LINK_PATH}`);
  });
});
