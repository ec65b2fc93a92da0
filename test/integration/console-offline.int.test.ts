/** The console as a browser keeps it: installed, opened while its host is away, and replaced by a newer one when its person says so. */
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { axeOn, ConsoleBrowser, closeChrome } from "./world/console.ts";
import { held } from "./world/hold.ts";
import { fact } from "./world/processes.ts";
import { world } from "./world/world.ts";

afterAll(closeChrome);

const isKept = (page: Page): Promise<unknown> =>
  fact("the page is kept", () => page.evaluate("navigator.serviceWorker.controller?.state === 'activated'") as Promise<boolean>);

test("the page can be installed: its manifest is read without an error, and nothing stands against it", async () => {
  const w = await world();
  const { link, url } = JSON.parse(await held(w, "console", "--no-open", "--json")) as { link: string; url: string };
  // A window that keeps nothing can't install: this one has a profile.
  const context = await chromium.launchPersistentContext(w.path("profile"), {
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(link);
  await page.getByRole("heading", { name: "Sessions", exact: true }).waitFor();
  await isKept(page);
  const session = await context.newCDPSession(page);
  const { errors, data = "{}", url: at } = await session.send("Page.getAppManifest");
  expect([at, errors]).toEqual([`${url}/console.webmanifest`, []]);
  const manifest = JSON.parse(data) as {
    icons: { src: string; purpose: string }[];
    shortcuts: { url: string }[];
    display: string;
  };
  expect(manifest.display).toBe("standalone");
  expect(manifest.icons.map(({ purpose }) => purpose)).toContain("maskable");
  for (const path of [
    ...manifest.icons.map(({ src }) => src),
    ...manifest.shortcuts.map((one) => one.url),
    "/icon-apple-180.png",
  ])
    expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
  expect((await session.send("Page.getInstallabilityErrors")).installabilityErrors).toEqual([]);
});

test("without its host the page opens, says so, and lists sessions by itself when the host is back; what is kept is its own files", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "away" });
  const ana = await ConsoleBrowser.of();
  const url = await ana.open(w);
  await isKept(ana.page);
  await ana.goTo("away");
  await ana.type("echo se$((1 + 1))cret");
  await ana.sees("se2cret");
  await ana.page.evaluate("fetch('/v1/anything').catch(() => {})");
  const kept = (await ana.page.evaluate(`(async () => {
    const all = [];
    for (const name of await caches.keys())
      for (const { url } of await (await caches.open(name)).keys()) all.push(new URL(url).pathname);
    return all.sort();
  })()`)) as string[];
  const built = join(import.meta.dirname, "..", "..", "dist", "console");
  expect(kept).toContain("/index.html");
  const files = readdirSync(built, { recursive: true, encoding: "utf8" }).map((name) => `/${name}`);
  expect(kept.filter((path) => !files.includes(path) || path === "/worker.js")).toEqual([]);

  await held(w, "host", "down");
  for (const path of ["/", "/settings", "/approvals"]) {
    await ana.page.goto(url + path);
    await ana.page.getByRole("navigation", { name: "Screens" }).waitFor();
  }
  await ana.page.goto(`${url}/`);
  await ana.page.getByRole("heading", { name: "No host answers" }).waitFor();
  expect(await axeOn(ana)).toEqual([]);
  // An address that is none of the page's is not answered out of what is kept.
  const other = await ana.context.newPage();
  await expect(other.goto(`${url}/v1/link`)).rejects.toThrow(/ERR_CONNECTION_REFUSED/);
  await held(w, "host", "up");
  await ana.page.getByRole("row", { name: "away" }).waitFor();
  expect(ana.complaints.filter((text) => !/ERR_CONNECTION_REFUSED|Failed to fetch|404|fetching the script/.test(text))).toEqual(
    [],
  );
});

test("a newer page is said, and comes when its reader says so; one that a reload has brought already is not", async () => {
  const built = join(import.meta.dirname, "..", "..", "dist", "console");
  const types: Readonly<Record<string, string>> = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".html": "text/html",
  };
  let worker = (text: string): string => text;
  let index = (text: string): string => text;
  const server = createServer(({ url = "/" }, response) => {
    const path = url === "/" ? "/index.html" : url;
    response.setHeader("Content-Type", types[extname(path)] ?? "application/octet-stream");
    response.setHeader("Cache-Control", "no-cache");
    try {
      const bytes = readFileSync(join(built, path));
      const changed = { "/worker.js": worker, "/index.html": index }[path];
      response.end(changed ? changed(bytes.toString()) : bytes);
    } catch {
      response.writeHead(404).end();
    }
  }).listen(0, "127.0.0.1");
  await fact("it listens", async () => server.listening);
  onTestFinished(() => void server.close());
  const ana = await ConsoleBrowser.of();
  await ana.page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await ana.page.getByRole("heading", { name: "This browser knows no host yet" }).waitFor();
  await isKept(ana.page);

  // Another build: the list names another first script than this page's.
  const script = /src="(\/assets\/index-[^"]+\.js)"/.exec(readFileSync(join(built, "index.html"), "utf8"))![1]!;
  worker = (text) => `${text.replaceAll(script, "/assets/other.js")}\n//`;
  index = (text) => text.replace("<title>Holdfast</title>", "<title>Newer</title>");
  await ana.page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.update())");
  // Its list has a file that is not there: it is not taken, and nothing is said.
  await fact(
    "it was tried",
    async () =>
      (await ana.page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.installing === null)")) === true,
  );
  expect(await ana.page.getByText("A newer version is there.").count()).toBe(0);
  worker = (text) => `${text.replaceAll(script, "/worker.js")}\n//`;
  await ana.page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.update())");
  await ana.page.getByText("A newer version is there.").waitFor();
  expect(await ana.page.title()).toBe("Holdfast");
  await ana.page.getByRole("button", { name: "Reload" }).click();
  await ana.page.waitForFunction("document.title === 'Newer'");
  expect(await ana.page.evaluate("caches.keys().then((all) => all.length)")).toBe(1);

  // This one's list has the page's own script: it takes over, and there is nothing to say.
  worker = (text) => `${text}\n// again`;
  await ana.page.evaluate(`(async () => {
    const over = new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done, { once: true }));
    await (await navigator.serviceWorker.getRegistration()).update();
    await over;
  })()`);
  expect(await ana.page.getByText("A newer version is there.").count()).toBe(0);
});
