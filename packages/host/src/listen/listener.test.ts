import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selfMadeCertificate } from "@holdfast/testkit/certificate";
import { afterEach, describe, expect, test } from "vitest";
import { HoldError } from "@holdfast/protocol";
import { readBody } from "../http/exchange.ts";
import type { Grant } from "../operator/grant.ts";
import { readListen, type ListenWish } from "@holdfast/carrier/listen";
import { Listener, type ListenerOptions, type Routes } from "./listener.ts";

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end();
});

async function listening(options: Partial<ListenerOptions> = {}, wish: Partial<ListenWish> = {}) {
  const seen: string[] = [];
  const routes: Routes = {
    "/told": {
      credential: "bearer",
      GET: (request, response) => void response.end(seen.push(request.url!) > 0 ? "told" : ""),
    },
    "/body": {
      credential: "bearer",
      POST: async (request, response) => void response.end(`read ${(await readBody(request)).length}`),
    },
    "/of/{name}/more": {
      credential: "bearer",
      GET: (_, response, { params, query }) => void response.end(`${params["name"]} ${query.get("x")}`),
      POST: () => Promise.reject(new Error("a defect")),
    },
    "/link": {
      credential: "first frames",
      upgrade(request, socket, _head, { known }) {
        seen.push(request.url!);
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        socket.on("data", (word: Buffer) => {
          if (word.toString() === "it is me") {
            known();
            socket.write("welcome");
          }
        });
      },
    },
  };
  const logged: string[] = [];
  const listener = await Listener.open(readListen({ listen: "127.0.0.1:0", ...wish }), routes, {
    log: (text) => void logged.push(text),
    readGrant: async (token) => {
      if (token !== "good") throw new HoldError("unknown_credential", "no grant");
      return { operator: {} as Grant["operator"], jti: "", keyId: new Uint8Array(32), leftMs: 1_000 };
    },
    ...options,
  });
  open.push(() => listener.close());
  const port = Number(new URL(listener.url).port);
  return { listener, seen, port, logged };
}

class Peer {
  readonly #socket: Socket;
  #said = "";
  #look: () => void = () => {};
  readonly gone: Promise<string>;

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("error", () => {});
    this.#socket.on("data", (bytes: Buffer) => {
      this.#said += bytes.toString("latin1");
      this.#look();
    });
    this.gone = new Promise((resolve) =>
      this.#socket.once("close", () => {
        resolve(this.#said);
        this.#look();
      }),
    );
    open.push(() => void this.#socket.destroy());
  }

  get said(): string {
    return this.#said;
  }

  write(text: string): this {
    this.#socket.write(text, "latin1");
    return this;
  }

  async hears(text: string): Promise<void> {
    while (!this.#said.includes(text)) {
      if (this.#socket.closed) throw new Error(`gone without ${text}; it said ${this.#said}`);
      await new Promise<void>((look) => {
        this.#look = look;
      });
    }
  }
}

const bearer = { Authorization: "Bearer good" };

const upgrade = (port: number, more = "", path = "/link"): string =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`;

describe("the listener", () => {
  test("answers its routes, and nothing else", async () => {
    const { port, seen } = await listening();
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: bearer });
      return [response.status, await response.text()];
    };
    expect(await get("/told?x=1")).toEqual([200, "told"]);
    expect(await get("/of/a%2Fb/more?x=%20")).toEqual([200, "a/b  "]);
    for (const path of ["/of//more", "/of/a/more/", "/of/a/b/more", "/of/%zz/more", "/of/{name}", "/of/a"])
      expect((await get(path))[0]).toBe(404);
    for (const path of ["/", "/told/", "/Told", "//told", "/toString", "/__proto__", "/constructor", "/../told/%2e"])
      expect((await get(path))[0]).toBe(404);
    expect((await get("/link"))[0]).toBe(426);
    expect(seen).toEqual(["/told?x=1"]);
  });

  test.each<[string, Record<string, string>, string]>([
    ["no grant", {}, "/told"],
    ["one that is none", { Authorization: "Bearer bad" }, "/told"],
    ["another scheme", { Authorization: "Basic Z29vZA==" }, "/told"],
    ["a grant without its scheme", { Authorization: "good" }, "/told"],
    ["two in one", { Authorization: "Bearer good, Bearer good" }, "/told"],
    ["one in the address", {}, "/told?access_token=good&authorization=Bearer%20good"],
    ["one in a cookie", { Cookie: "Authorization=Bearer good" }, "/told"],
    ["one for a proxy", { "Proxy-Authorization": "Bearer good" }, "/told"],
  ])("runs no route for who has %s, by any method", async (_, headers, path) => {
    const { port, seen } = await listening();
    for (const method of ["GET", "POST", "PUT", "OPTIONS"]) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers, method });
      expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
      expect((await response.text()).length).toBeLessThan(200);
    }
    expect(seen).toEqual([]);
  });

  test("two headers with a grant are none", async () => {
    const { port, seen } = await listening();
    const twice = "Authorization: Bearer good\r\n".repeat(2);
    const said = await new Peer(port).write(`GET /told HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${twice}\r\n`).gone;
    expect(said).toMatch(/^HTTP\/1.1 401 /);
    expect(seen).toEqual([]);
  });

  test("a host that reads no grants has no route for them", async () => {
    const { port } = await listening({ readGrant: undefined as never });
    expect((await fetch(`http://127.0.0.1:${port}/told`, { headers: bearer })).status).toBe(401);
  });

  test("a method that a route lacks is refused, and a defect is logged and not shown", async () => {
    const { port, logged } = await listening();
    const put = await fetch(`http://127.0.0.1:${port}/told`, { headers: bearer, method: "PUT" });
    expect([put.status, put.headers.get("allow")]).toEqual([405, "GET"]);
    const post = await fetch(`http://127.0.0.1:${port}/of/a/more`, { headers: bearer, method: "POST" });
    expect([post.status, ((await post.json()) as { code: string }).code]).toEqual([500, "internal"]);
    expect(logged).toEqual([expect.stringMatching(/^POST \/of\/a\/more: Error: a defect/)]);
  });

  test("a body that does not come is waited for so long and no longer, though its sender is known; one that breaks off is nobody's fault", async () => {
    const { port, logged } = await listening({ requestMs: 50 });
    const head = (length: number) =>
      `POST /body HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer good\r\nContent-Length: ${length}\r\n\r\n`;
    await new Peer(port).write(`${head(4)}body`).hears("read 4");
    expect(await new Peer(port).write(`${head(10)}b`).gone).toMatch(/^HTTP\/1.1 4\d\d /);
    expect(logged).toEqual([]);
  });

  test("a page of an origin that is allowed may ask, and is told so; no other is", async () => {
    const { port, seen } = await listening({}, { allowOrigins: ["https://console.example"] });
    const ask = (origin: string, headers: Record<string, string>, method: string) =>
      fetch(`http://127.0.0.1:${port}/told`, { method, headers: { Origin: origin, ...headers } });
    const wish = { "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization" };
    const allowed = await ask("https://console.example", wish, "OPTIONS");
    expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([204, "https://console.example"]);
    expect(allowed.headers.get("access-control-allow-credentials")).toBeNull();
    const answered = await ask("https://console.example", bearer, "GET");
    expect([answered.status, answered.headers.get("access-control-allow-origin")]).toEqual([200, "https://console.example"]);
    const barred = await ask("https://evil.example", wish, "OPTIONS");
    expect([barred.status, barred.headers.get("access-control-allow-origin")]).toEqual([403, null]);
    expect(seen).toEqual(["/told"]);
  });

  test.each([
    ["a name that is not ours", (p: number) => `GET /told HTTP/1.1\r\nHost: evil.example:${p}\r\n\r\n`, 403],
    ["no name", () => "GET /told HTTP/1.1\r\n\r\n", 403],
    [
      "an origin that is not allowed",
      (p: number) => `GET /told HTTP/1.1\r\nHost: localhost:${p}\r\nOrigin: http://evil\r\n\r\n`,
      403,
    ],
    ["an upgrade by a name that is not ours", (p: number) => upgrade(p).replace("127.0.0.1", "rebound.example"), 403],
    ["an upgrade of a page that is not allowed", (p: number) => upgrade(p, "Origin: http://evil.example\r\n"), 403],
    ["an upgrade elsewhere", (p: number) => upgrade(p, "", "/other"), 404],
    ["an upgrade of what has none", (p: number) => upgrade(p, "", "/told"), 400],
    ["an upgrade with a body", (p: number) => upgrade(p, "Content-Length: 3\r\n"), 400],
    ["a whole address for a path", (p: number) => `GET http://127.0.0.1:${p}/told HTTP/1.1\r\nHost: 127.0.0.1:${p}\r\n\r\n`, 400],
    [
      "a length and chunks",
      (p: number) =>
        `POST /told HTTP/1.1\r\nHost: 127.0.0.1:${p}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    [
      "two lengths",
      (p: number) => `POST /told HTTP/1.1\r\nHost: 127.0.0.1:${p}\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`,
      400,
    ],
    ["a length with a sign", (p: number) => `POST /told HTTP/1.1\r\nHost: 127.0.0.1:${p}\r\nContent-Length: +4\r\n\r\nabcd`, 400],
    [
      "chunks that are not the last coding",
      (p: number) => `POST /told HTTP/1.1\r\nHost: 127.0.0.1:${p}\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ["a folded header", (p: number) => `GET /told HTTP/1.1\r\nHost: 127.0.0.1:${p}\r\nX-A: 1\r\n b\r\n\r\n`, 400],
    ["a blank before the colon", (p: number) => `GET /told HTTP/1.1\r\nHost : 127.0.0.1:${p}\r\n\r\n`, 400],
    ["a header with a NUL", (p: number) => `GET /told HTTP/1.1\r\nHost: 127.0.0.1:${p}\r\nX-A: \0\r\n\r\n`, 400],
    ["a bare line feed", (p: number) => `GET /told HTTP/1.1\nHost: 127.0.0.1:${p}\n\n`, 400],
    ["a head of 9 KiB", (p: number) => `GET /told HTTP/1.1\r\nHost: 127.0.0.1:${p}\r\nX-A: ${"a".repeat(9_000)}\r\n\r\n`, 400],
    ["2,000 headers", (p: number) => `GET /told HTTP/1.1\r\nHost: 127.0.0.1:${p}\r\n${"a: b\r\n".repeat(2_000)}\r\n`, 400],
    ["no HTTP", () => "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 400],
  ])("refuses %s, in few words, and ends the connection", async (_, request, status) => {
    const { port, seen } = await listening();
    const said = await new Peer(port).write(request(port)).gone;
    expect(said).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const body = said.slice(said.indexOf("\r\n\r\n") + 4);
    expect(body.length).toBeLessThan(200);
    expect(seen).toEqual([]);
  });

  test("a header named __proto__ is a header like others", async () => {
    const { port } = await listening();
    const peer = new Peer(port).write(
      `GET /told HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n__proto__: x\r\nAuthorization: Bearer good\r\nConnection: close\r\n\r\n`,
    );
    expect(await peer.gone).toMatch(/200 OK[\s\S]*told$/);
  });

  test("a stranger's time runs from the first packet on, whatever it does meanwhile", async () => {
    const { port, listener } = await listening({ strangerMs: 50 });
    await Promise.all([
      new Peer(port).gone,
      new Peer(port).write("GET /told HTT").gone,
      new Peer(port).write(upgrade(port)).gone,
      new Peer(port).write(upgrade(port)).write("it is not me").gone,
    ]);
    await listener.close();
    expect(listener.strangers).toBe(0);
  });

  test("one stranger too many puts out the one who has waited longest; whoever is known is a stranger no more", async () => {
    const { port, listener } = await listening({ strangers: 2 });
    const [first, second] = [new Peer(port).write(upgrade(port)), new Peer(port)];
    await first.hears("101");
    await first.write("it is me").hears("welcome");
    await expect.poll(() => listener.strangers).toBe(1);
    const third = new Peer(port).write(upgrade(port));
    await third.hears("101");
    expect(listener.strangers).toBe(2);
    await new Peer(port).write(upgrade(port)).hears("101");
    expect(await second.gone).toBe("");
    expect(listener.strangers).toBe(2);
    await third.write("it is me").hears("welcome");
    await first.write("it is me").hears("welcomewelcome");
  });

  test("a stranger has 64 KiB, in whatever they come: requests, or what follows an upgrade", async () => {
    const { port } = await listening({ strangerMs: 60_000 });
    const request = `GET /nothing HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: ${"x".repeat(7_000)}\r\n\r\n`;
    const asking = new Peer(port);
    for (let i = 0; i < 30; i++) asking.write(request);
    expect((await asking.gone).match(/404 Not Found/g)!.length).toBeLessThan(10);
    const upgraded = new Peer(port).write(upgrade(port));
    await upgraded.hears("101");
    await upgraded.write("x".repeat(70_000)).gone;
    const known = new Peer(port).write(upgrade(port));
    await known.hears("101");
    await known.write("it is me").hears("welcome");
    known.write("x".repeat(200_000));
    await expect.poll(() => known.write("it is me").said).toContain("welcomewelcome");
  });

  test("a thousand who say nothing keep nobody out who says who they are", async () => {
    const { port, listener } = await listening({});
    for (let i = 0; i < 1_000; i++) new Peer(port);
    const request = `GET /told HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer good\r\n\r\n`;
    await new Peer(port).write(request).hears("told");
    expect(listener.strangers).toBeLessThanOrEqual(64);
  });

  test("a port that is taken is said to be", async () => {
    const { port } = await listening();
    await expect(listening({}, { listen: `127.0.0.1:${port}` })).rejects.toThrow(/can't be listened on \(EADDRINUSE\)/);
  });
});

describe("over TLS", () => {
  const files = (): { readonly tlsCert: string; readonly tlsKey: string } => {
    const folder = mkdtempSync(join(tmpdir(), "hold-tls-"));
    open.push(() => rmSync(folder, { recursive: true }));
    const made = selfMadeCertificate();
    writeFileSync(join(folder, "cert.pem"), made.cert);
    writeFileSync(join(folder, "key.pem"), made.key);
    return { tlsCert: join(folder, "cert.pem"), tlsKey: join(folder, "key.pem") };
  };

  test("a silent stranger, and one that speaks plaintext, are ended as any other", async () => {
    const { port, listener } = await listening({ strangerMs: 50 }, files());
    expect(listener.url).toBe(`wss://127.0.0.1:${port}`);
    await Promise.all([new Peer(port).gone, new Peer(port).write(upgrade(port)).gone]);
    await expect.poll(() => listener.strangers).toBe(0);
    await listener.close();
  });

  test("what is no certificate with its key is said to be none", async () => {
    const good = files();
    await expect(listening({}, { ...good, tlsCert: `${good.tlsCert}.gone` })).rejects.toThrow(/the certificate can't be read/);
    await expect(listening({}, { ...good, tlsKey: files().tlsKey })).rejects.toThrow(/no certificate with its key/);
  });
});
