/** A session's port in a browser: who is let in, and what the program there is told. */
import { createServer, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync, writeFileSync } from "node:fs";
import type { HostClient } from "@holdfast/sdk";
import { connect } from "@holdfast/sdk/node";
import { preview, type Preview } from "@holdfast/sdk/preview";
import { chromium } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";
import WebSocket from "ws";
import { forwardingWorld } from "./world/ports.ts";
import { fact } from "./world/processes.ts";
import { RelayProcess } from "./world/relay.ts";
import type { World } from "./world/world.ts";

/** A dev server: says what it was asked and with which headers, redirects, sets a cookie, and speaks WebSocket to who comes from itself. */
const SERVER = (ws: string): string => `
import { createServer } from "node:http";
import { WebSocketServer } from ${JSON.stringify(ws)};
import { renameSync, writeFileSync } from "node:fs";
let forms = 0;
const server = createServer((request, response) => {
  if (request.url === "/form") forms++;
  if (request.url === "/forms") return response.end(String(forms));
  if (request.url === "/moved") return response.writeHead(302, { Location: "http://localhost:" + port + "/there" }).end();
  if (request.url === "/page") return response.setHeader("Content-Type", "text/html").end("<title>dev</title>");
  if (request.url === "/big") return response.end(Buffer.alloc(3_000_000, "b"));
  response.setHeader("Set-Cookie", "own=1; Domain=localhost; Path=/");
  let n = 0;
  request.on("data", (part) => (n += part.length));
  request.on("end", () => response.end(JSON.stringify({ url: request.url, method: request.method, headers: request.headers, n })));
});
let port = 0;
const sockets = new WebSocketServer({ server, verifyClient: ({ origin, req }) => origin === "http://" + req.headers.host });
sockets.on("connection", (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })));
server.listen(0, "127.0.0.1", () => {
  port = server.address().port;
  writeFileSync("port.new", String(port));
  renameSync("port.new", "port-dev");
});
`;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

function ask(p: Preview, path: string, headers: Record<string, string> = {}, method = "GET", body?: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const to = { host: "127.0.0.1", port: p.localPort, path, method, headers: { Host: new URL(p.url).host, ...headers } };
    const asked = httpRequest(to, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part) => void (text += part));
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

/** As a browser that opens the link: the cookie that it then has. */
async function enter(p: Preview): Promise<string> {
  const entered = await ask(p, new URL(p.url).pathname);
  expect({ status: entered.status, to: entered.headers.location }).toEqual({ status: 303, to: "/" });
  const [cookie] = entered.headers["set-cookie"]!;
  expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
  return cookie!.split(";")[0]!;
}

async function served(w: World, client: HostClient): Promise<{ readonly session: string; readonly port: number }> {
  writeFileSync(w.path("dev.mjs"), SERVER(import.meta.resolve("ws")));
  const session = await w.open(client, { name: "dev", script: "node dev.mjs" });
  return { session: session.id, port: await fact("it listens", () => Number(readFileSync(w.path("port-dev"), "utf8"))) };
}

async function opened(w: World, client: HostClient, port: number): Promise<Preview> {
  const made = await preview(client, "dev", { port });
  w.atEnd(() => void made.close());
  return made;
}

test("whoever opens the link first is let in, by a cookie that the program never sees; nobody else is, by the link or without", async () => {
  const w = await forwardingWorld();
  const admin = await w.connect();
  const { port } = await served(w, admin);
  const p = await opened(w, admin, port);
  expect((await ask(p, "/")).status).toBe(403);
  expect((await ask(p, "/.holdfast/wrong")).status).toBe(403);
  expect((await ask(p, new URL(p.url).pathname, {}, "HEAD")).status).toBe(403);
  const cookie = await enter(p);
  expect((await ask(p, new URL(p.url).pathname)).status).toBe(403);
  expect((await ask(p, "/", { Cookie: `${cookie.split("=")[0]}=guess` })).status).toBe(403);
  const page = await ask(p, "/a?b=c", { Cookie: `theme=dark; ${cookie}`, Referer: `http://${new URL(p.url).host}/x` });
  expect(page.status).toBe(200);
  const told = JSON.parse(page.text) as { url: string; headers: Record<string, string> };
  expect(told.url).toBe("/a?b=c");
  expect(told.headers).toMatchObject({ host: `localhost:${port}`, cookie: "theme=dark", referer: `http://localhost:${port}/x` });
  expect(page.text).not.toContain(cookie.split("=")[1]);
  // Its own cookies and redirects stay at this preview.
  expect(page.headers["set-cookie"]).toEqual(["own=1; Path=/"]);
  expect((await ask(p, "/moved", { Cookie: cookie })).headers.location).toBe(`http://${new URL(p.url).host}/there`);
  const posted = await ask(
    p,
    "/form",
    { Cookie: cookie, Origin: `http://${new URL(p.url).host}` },
    "POST",
    Buffer.alloc(2_000_000),
  );
  expect(JSON.parse(posted.text)).toMatchObject({
    n: 2_000_000,
    method: "POST",
    headers: { origin: `http://localhost:${port}` },
  });
});

test("by another name nothing is answered, and a page of another origin changes nothing, cookie or not", async () => {
  const w = await forwardingWorld();
  const admin = await w.connect();
  const { port } = await served(w, admin);
  const p = await opened(w, admin, port);
  for (const host of ["evil.example", `localhost:${p.localPort}`, `127.0.0.1:${p.localPort}`]) {
    expect((await ask(p, new URL(p.url).pathname, { Host: host })).status).toBe(421);
    expect((await ask(p, "/", { Host: host })).status).toBe(421);
  }
  const cookie = await enter(p);
  const cross = { Cookie: cookie, Origin: "http://localhost:8080" };
  expect((await ask(p, "/form", cross, "POST", Buffer.from("x"))).status).toBe(403);
  expect((await ask(p, "/form", { ...cross, Origin: "null" }, "DELETE")).status).toBe(403);
  const socket = new WebSocket(`ws://127.0.0.1:${p.localPort}/`, { headers: { ...cross, Host: new URL(p.url).host } });
  await expect(new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject))).rejects.toThrow("403");
});

test("pages and WebSockets come through a relay, and after the relay was killed and is back", async () => {
  const w = await forwardingWorld();
  const admin = await w.connect();
  await w.operator("ana");
  const { port } = await served(w, admin);
  const relay = await RelayProcess.start(w);
  const ana = await connect({ url: await relay.joinedBy(admin, "box"), home: w.home, as: "ana", trust: "first", via: "cli" });
  w.atEnd(() => ana.close());
  const p = await opened(w, ana, port);
  const cookie = await enter(p);
  const own = { Cookie: cookie, Host: new URL(p.url).host };
  const echo = async (): Promise<void> => {
    const socket = new WebSocket(`ws://127.0.0.1:${p.localPort}/hmr`, { headers: { ...own, Origin: `http://${own.Host}` } });
    await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
    const back = new Promise<Buffer>((told) => socket.once("message", (data) => told(data as Buffer)));
    const sent = Buffer.alloc(700_000, "w");
    socket.send(sent);
    expect((await back).equals(sent)).toBe(true);
    const gone = new Promise((told) => socket.once("close", told));
    socket.close();
    await gone;
  };
  expect((await ask(p, "/big", { Cookie: cookie })).text).toHaveLength(3_000_000);
  await echo();
  await relay.kill();
  await relay.start();
  await fact("a page comes again", async () => (await ask(p, "/big", { Cookie: cookie })).status === 200, 60_000);
  await echo();
});

test("who asks for a page of a program that does not listen is told so", async () => {
  const w = await forwardingWorld();
  const admin = await w.connect();
  await w.open(admin, { name: "dev", script: "exec sleep 1000" });
  const faults: string[] = [];
  const p = await preview(admin, "dev", { port: 1, failed: (fault) => faults.push(fault.code) });
  w.atEnd(() => void p.close());
  const told = await ask(p, "/", { Cookie: await enter(p) });
  expect({ status: told.status, text: told.text }).toEqual({
    status: 502,
    text: expect.stringContaining("no program of session dev listens on port 1"),
  });
  expect(faults).toEqual(["no_such_port"]);
});

test("in Chromium the printed link leads to the page, whose WebSocket opens and whose cookie no script reads; a page of another port has part in nothing", async () => {
  const w = await forwardingWorld();
  const admin = await w.connect();
  const { port } = await served(w, admin);
  const p = await opened(w, admin, port);
  const other = createServer((_, response) =>
    response.writeHead(200, { "Content-Type": "text/html" }).end("<title>other</title>"),
  );
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  // Chromium's own sandbox needs rights that a container's root lacks; the pages are ours.
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
  onTestFinished(async () => {
    await browser.close();
    other.close();
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(p.url);
  const own = new URL(p.url).origin;
  expect(new URL(page.url()).pathname).toBe("/");
  await page.goto(`${own}/page`);
  expect(await page.title()).toBe("dev");
  const echo = `new Promise((told) => {
    const socket = new WebSocket("${own.replace("http", "ws")}/hmr");
    socket.onopen = () => socket.send("hot");
    socket.onmessage = ({ data }) => told(data);
    socket.onerror = () => told("refused");
  })`;
  expect(await page.evaluate(echo)).toBe("hot");
  // The program's own is there; the preview's is not.
  expect(await page.evaluate("document.cookie")).toBe("own=1");
  const stranger = await context.newPage();
  await stranger.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}`);
  expect(await stranger.title()).toBe("other");
  expect(await stranger.evaluate(echo)).toBe("refused");
  const post = `fetch("${own}/form", { method: "POST", mode: "no-cors", credentials: "include", body: "x" }).then(() => "sent", () => "refused")`;
  await stranger.evaluate(post);
  const cookies = (await context.cookies(own)).map((c) => `${c.name}=${c.value}`).join("; ");
  expect((await ask(p, "/forms", { Cookie: cookies })).text).toBe("0");
});
