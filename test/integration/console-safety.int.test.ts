/**
 * What others say stays text in the console, wherever it is shown; and whoever is not the console's page gets nothing of its listener: reliability
 * T-17 to T-19 and T-51 against the page and against every way to its host.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { OperatorKind } from "@holdfast/protocol";
import { generateKey } from "@holdfast/sdk/node";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { readPage } from "@holdfast/carrier/listen";
import { hostRoutes } from "../../packages/host/src/listen/host-routes.ts";
import { ConsoleBrowser, closeChrome, withWholeChromium } from "./world/console.ts";
import { held } from "./world/hold.ts";
import { fact } from "./world/processes.ts";
import { bytes, refusal, type World, world } from "./world/world.ts";

withWholeChromium();
afterAll(closeChrome);

/** Each would leave a mark in `__pwned` if a page ever took it for anything but text. */
const markup = [
  '<img src=x onerror="__pwned=1">',
  "<script>__pwned=2</script>",
  "<svg/onload=__pwned=3>",
  '"\'><iframe srcdoc="<script>parent.__pwned=4</script>">',
  "</title></style></textarea><script>__pwned=5</script>",
  "{{constructor.constructor('__pwned=6')()}}${__pwned=7}",
  '<a href="javascript:__pwned=8">click</a>',
  "<details open ontoggle=__pwned=9>",
];
/** What turns a line round, hides in it or ends it: U+202E, U+2066, U+200F, U+200B, U+2028, U+FEFF, C1. */
const turned = "safe\u202egpj.exe\u202c\u2066x\u2069\u200f\u200b\u2028\ufeff\u009b31m";
const unsafe = "/[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff]/";

/** What is shown beside terminals, and said of it to who does not look, that is not what it seems. */
const misread = (ana: ConsoleBrowser): Promise<unknown> =>
  ana.page.evaluate(`(() => {
    const found = [];
    for (const one of document.querySelectorAll("body *")) {
      if (one.closest(".xterm, textarea, pre")) continue;
      for (const { name, value } of one.attributes) if (/^(title|alt|placeholder|value|aria-.*)$/.test(name) && ${unsafe}.test(value)) found.push(one.className + " " + name + ": " + escape(value));
      for (const node of one.childNodes) if (node.nodeType === 3 && ${unsafe}.test(node.data)) found.push(one.className + ": " + escape(node.data));
    }
    return found;
  })()`);

interface Seen {
  readonly dialogs: string[];
  readonly opened: string[];
}

/** Hears whatever a page could be made to do. */
async function watched(ana: ConsoleBrowser): Promise<Seen> {
  const seen: Seen = { dialogs: [], opened: [] };
  ana.page.on("dialog", (dialog) => {
    seen.dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  ana.context.on("page", (page) => void seen.opened.push(page.url()));
  await ana.page.addInitScript(`
    globalThis.__violations = [];
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => __violations.push(violatedDirective + " " + blockedURI));
  `);
  return seen;
}

async function nothingRan(ana: ConsoleBrowser, seen: Seen, where: string): Promise<void> {
  const there = await ana.page.evaluate(
    "[typeof __pwned, __violations, document.querySelectorAll('main script, main img[src=x], iframe[srcdoc]').length]",
  );
  expect([where, there, seen, ana.complaints]).toEqual([where, ["undefined", [], 0], { dialogs: [], opened: [] }, []]);
}

test("what files, commands, people and AIs say is text on every screen, and reads as what it is", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.operator("ben");
  const said = [...markup, turned].join(" ");
  const folder = w.path(`<img src=x onerror=__pwned=20>${turned.replace("\u009b31m", "")}`);
  mkdirSync(folder);
  for (const name of ["<img src=x onerror=__pwned=21>", `<svg onload=__pwned=22>${turned}`])
    writeFileSync(join(folder, name), `<script>__pwned=23</script>\n${markup.join("\n")}\n${turned}`);
  writeFileSync(
    join(folder, "picture.png"),
    `\x89PNG\r\n\x1a\n<svg xmlns="http://www.w3.org/2000/svg" onload="parent.__pwned=24"/>`,
    "latin1",
  );
  const session = await w.open(admin, { name: "said", cwd: folder });
  await w.open(admin, { name: "shown", command: ["sh", "-c", "sleep 600; : $1", "sh", said], cwd: folder });
  await w.open(admin, { name: "gone", command: [`${folder}/no ${said}`] }).catch(() => {});
  // Names have an alphabet of their own.
  for (const name of [markup[1]!, turned, "a b", ""]) expect(await refusal(admin.rename(session.id, name))).toBe("bad_request");

  const { publicKey } = generateKey(w.home, "robo");
  await admin.operatorAdd({ name: "robo", kind: OperatorKind.AI, role: "operator", publicKey, onBehalfOf: "ben" });
  const { path } = await admin.policy();
  writeFileSync(path, 'version = 1\n\n[ai]\notherwise = "allow"\nrun = "ask"\n', { mode: 0o600 });
  await admin.policyReload();
  const robo = await w.connect("robo");

  const ana = await ConsoleBrowser.of();
  const seen = await watched(ana);
  await ana.open(w);
  await ana.page.getByRole("row", { name: "shown" }).getByText("__pwned", { exact: false }).first().waitFor();
  await nothingRan(ana, seen, "sessions");
  expect(["sessions", await misread(ana)]).toEqual(["sessions", []]);

  const giving = new AbortController();
  onTestFinished(() => giving.abort());
  const gone = (): void => {};
  robo.approvals.ask(session.id, said, { options: [markup[0]!, turned], signal: giving.signal }).catch(gone);
  robo
    .run(session.id, { text: `true ${said.replaceAll("'", "").replaceAll('"', "")}`, signal: giving.signal } as never)
    .catch(gone);
  await ana.screen(/Approvals/);
  await ana.page.getByRole("article", { name: /robo asks/ }).waitFor();
  await ana.page.getByRole("article", { name: /robo would run/ }).waitFor();
  await nothingRan(ana, seen, "approvals");
  expect(["approvals", await misread(ana)]).toEqual(["approvals", []]);

  await ana.screen("Sessions");
  await ana.goTo("said");
  const quiet = `: '${said.replaceAll("'", "")}'`;
  const ben = await w.connect("ben");
  expect((await ben.run(session.id, { text: quiet })).code).toBe(0);
  await ben.send(session.id, bytes(`# ${said}\r`));
  await ana.page
    .getByText("ben typed")
    .or(ana.page.getByText(/typed$/))
    .first()
    .waitFor();
  await nothingRan(ana, seen, "a session");
  expect(["a session", await misread(ana)]).toEqual(["a session", []]);
  await ana.page.getByRole("button", { name: "Timeline" }).click();
  const ran = ana.page
    .getByRole("list", { name: "Timeline" })
    .getByRole("button", { name: /__pwned=1.*exit 0/ })
    .first();
  await ran.click();
  await ana.page.getByRole("region", { name: /^What .* printed$/ }).waitFor();
  await nothingRan(ana, seen, "a timeline");
  expect(["a timeline", await misread(ana)]).toEqual(["a timeline", []]);

  await ana.page.getByRole("button", { name: "Files and ports" }).click();
  await ana.page.getByRole("row", { name: "<img src=x onerror=__pwned=21>" }).waitFor();
  expect(["files", await misread(ana)]).toEqual(["files", []]);
  await ana.page.getByRole("row", { name: "<img src=x onerror=__pwned=21>" }).click();
  await ana.page.getByRole("dialog").getByText("<script>__pwned=23</script>").waitFor();
  await nothingRan(ana, seen, "a file");
  await ana.page.keyboard.press("Escape");
  await ana.page.getByRole("row", { name: "picture.png" }).click();
  const frame = ana.page.locator("iframe[title='picture.png']");
  await frame.waitFor();
  expect(await frame.getAttribute("sandbox")).toBe("");
  await ana.page.keyboard.press("Escape");
  await ana.page
    .getByRole("button", { name: "Play it back" })
    .or(ana.page.getByRole("button", { name: "Timeline" }))
    .first()
    .click();
  await ana.page.getByRole("button", { name: "Play it back" }).click();
  await ana.page.getByRole("heading", { name: "Playback of said" }).waitFor();
  await fact("it is read", async () => {
    await ana.page.keyboard.press("End");
    return (await ana.lines()).some((line) => line.includes("__pwned"));
  });
  await nothingRan(ana, seen, "a playback");
  expect(["a playback", await misread(ana)]).toEqual(["a playback", []]);
  await ana.page.keyboard.press("Control+k");
  await ana.page.getByRole("menuitem", { name: /^said/ }).waitFor();
  await nothingRan(ana, seen, "the palette");
  expect(["the palette", await misread(ana)]).toEqual(["the palette", []]);
});

test("a terminal's output is no markup, writes no clipboard and no title; its links lead only where the address was shown, by https, http and mailto", async () => {
  const w = await world();
  const admin = await w.connect();
  const link = (url: string, text: string): string => `\u001b]8;;${url}\u0007${text}\u001b]8;;\u0007`;
  const bad = {
    "javascript:__pwned=31": "one",
    "JaVaScRiPt:__pwned=32": "two",
    "data:text/html,<script>opener.__pwned=33</script>": "three",
    "file:///etc/passwd": "four",
    "vbscript:x": "five",
    "blob:http://127.0.0.1/x": "six",
    "ssh://box": "seven",
    "//example.org/": "eight",
    "\u0001javascript:__pwned=34": "nine",
  };
  const good = {
    "https://example.org/there": "https://trusted.example/",
    "mailto:ana@example.org?subject=x": "mail",
    "http://user@xn--80ak6aa92e.example/": "http://apple.example",
  };
  const lines = [
    ...markup,
    ...[0, 1, 2, 9, 50, 99].map((osc) => `\u001b]${osc};<script>__pwned=40</script>\u0007osc ${osc}`),
    ...["c", "p", "s", "0", ""].map((which) => `\u001b]52;${which};${Buffer.from("stolen").toString("base64")}\u0007osc 52`),
    "\u001b]52;c;?\u0007\u001b]1337;CopyToClipboard=\u0007stolen\u001b]1337;EndCopy\u0007",
    "\u001bPtmux;\u001b\u001b]52;c;c3RvbGVu\u0007\u001b\\",
    ...Object.entries(bad).map(([url, text]) => link(url, `bad ${text}`)),
    ...Object.entries(good).map(([url, text], n) => link(url, `good ${n} ${text}`)),
  ];
  writeFileSync(w.path("payload"), `${lines.join("\r\n")}\r\nall-printed\r\n`);
  await w.open(admin, { name: "evil", script: "stty -echo; cat payload; exec cat -v", size: { cols: 120, rows: 60 } });
  const ana = await ConsoleBrowser.of({ width: 1280, height: 1100 });
  const seen = await watched(ana);
  const url = await ana.open(w);
  await ana.context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
  await ana.page.evaluate('navigator.clipboard.writeText("untouched")');
  await ana.goTo("evil");
  await ana.sees("all-printed");
  await nothingRan(ana, seen, "a terminal");
  expect(await ana.page.title()).toBe("evil · Holdfast");
  for (const text of Object.values(bad)) await ana.clickRow(`bad ${text}`);
  const asks = ana.page.getByRole("alertdialog", { name: "Open this link?" });
  for (const [n, [target, text]] of Object.entries(good).entries()) {
    await ana.clickRow(`good ${n} ${text}`);
    // Of those before none has asked: one that had would stand over this.
    await asks.getByText(target, { exact: true }).waitFor();
    if (target.startsWith("http")) await asks.getByText(`It leads to ${new URL(target).host}.`).waitFor();
    await asks.getByRole("button", { name: "Cancel" }).click();
    await asks.waitFor({ state: "detached" });
  }
  await nothingRan(ana, seen, "links");
  expect(await ana.page.evaluate("navigator.clipboard.readText()")).toBe("untouched");
  // Nor was anything of it typed: an answer to a query with its bytes would stand there.
  await admin.send("evil", bytes("the-end\n"));
  await ana.sees("the-end");
  const rows = await ana.lines();
  expect(rows.slice(rows.findIndex((row) => row.includes("all-printed")) + 1).filter((row) => row !== "")).toEqual(["the-end"]);
  await ana.page.reload();
  await ana.sees("the-end");
  expect(await ana.page.evaluate("navigator.clipboard.readText()")).toBe("untouched");
  await nothingRan(ana, seen, "the screen that the host sends");
});

test("a link that was used is gone from the address and from the host's log, a second use is refused in words, and the key it made signs for nobody else", async () => {
  const w = await world();
  const { link, url } = JSON.parse(await held(w, "console", "--no-open", "--json")) as { link: string; url: string };
  const token = link.slice(link.indexOf("hold1."));
  const ana = await ConsoleBrowser.of();
  const asked: string[] = [];
  ana.page.on("request", (request) => void asked.push(`${request.url()} ${JSON.stringify(request.headers())}`));
  await ana.page.goto(link);
  await ana.page.getByRole("heading", { name: "No session lives here" }).waitFor();
  const there = await ana.page.evaluate(
    "[location.href, document.referrer, JSON.stringify(history.state), JSON.stringify({ ...localStorage, ...sessionStorage }), document.cookie, document.body.innerHTML]",
  );
  expect((there as string[])[0]).toBe(`${url}/`);
  expect(`${there} ${asked} ${w.log()}`).not.toContain(token.slice(0, 40));
  expect(
    await ana.page.evaluate(`new Promise((done) => {
    const open = indexedDB.open("holdfast");
    open.onsuccess = () => {
      const all = open.result.transaction("hosts").objectStore("hosts").getAll();
      all.onsuccess = async () => {
        const { privateKey } = all.result[0].pair;
        const wrapping = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["wrapKey"]);
        const read = (asking) => asking.then(() => "read", ({ name }) => name);
        const kinds = ["pkcs8", "jwk", "raw", "spki"];
        const got = await Promise.all([
          ...kinds.map((kind) => read(crypto.subtle.exportKey(kind, privateKey))),
          ...kinds.map((kind) => read(crypto.subtle.wrapKey(kind, privateKey, wrapping, { name: "AES-GCM", iv: new Uint8Array(12) }))),
        ]);
        done([got.includes("read"), privateKey.extractable, privateKey.usages.join(), structuredClone(privateKey).extractable, JSON.stringify(privateKey)]);
      };
    };
  })`),
  ).toEqual([false, false, "sign", false, "{}"]);

  const second = await ConsoleBrowser.of();
  await second.page.goto(link);
  await second.page
    .getByRole("alert")
    .getByText("This link has been used, is over or was taken back: each is good once")
    .waitFor();
  expect(second.page.url()).toBe(`${url}/`);
  await second.isSound("a link that did not work");
  // Who is in already is in, whatever link they open; and spends none.
  const { link: other } = JSON.parse(await held(w, "console", "--no-open", "--json")) as { link: string };
  await ana.page.goto(other);
  await fact("it is taken out of the address", () => ana.page.url() === `${url}/`);
  await ana.page.getByRole("heading", { name: "No session lives here" }).waitFor();
  await second.page.goto(other);
  await second.page.getByRole("heading", { name: "No session lives here" }).waitFor();
  expect([...ana.complaints, ...second.complaints]).toEqual([]);
});

interface Knock {
  readonly method?: string;
  readonly path: string;
  /** Each as it is written; `Host` too. */
  readonly lines: readonly string[];
}

const UPGRADE = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol: holdfast.v1",
];

/** The status that a request written by hand is answered with. */
function knock(port: number, { method = "GET", path, lines }: Knock): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", reject);
    socket.once("data", (data: Buffer) => {
      resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(data.toString("latin1"))?.[1]));
      socket.destroy();
    });
    socket.once("close", () => resolve(0));
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`, "latin1");
  });
}

async function consoleOf(w: World): Promise<{ readonly url: string; readonly port: number }> {
  const { url } = JSON.parse(await held(w, "console", "--no-open", "--json")) as { url: string };
  return { url, port: Number(new URL(url).port) };
}

/** Of the console's listener, as the host itself has them. */
const routes = async () => {
  const page = Object.keys(readPage(join(import.meta.dirname, "..", "..", "dist", "console")));
  const host = await hostRoutes({} as never, (() => ({})) as never);
  return { page, host: Object.entries(host) };
};
const filled = (path: string): string => path.replaceAll(/\{\w+\}/g, "x");

test("only the console's own origin, and who sends none, upgrades to a link, whole and by no other writing of it; nothing else upgrades at all (T-17)", async () => {
  const w = await world();
  const { url, port } = await consoleOf(w);
  const host = `Host: 127.0.0.1:${port}`;
  const { page, host: table } = await routes();
  const links = table.filter(([, route]) => route.credential === "first frames" && route.upgrade).map(([path]) => path);
  expect(links).toEqual(["/v1/link"]);
  const origins = [
    ...[
      "null",
      "",
      "http://evil.example",
      "file://",
      url.replace("http", "https"),
      url.replace("http", "ws"),
      url.replace("http", "HTTP"),
    ],
    ...[
      `http://127.0.0.1`,
      `http://127.0.0.1:${port + 1}`,
      `http://127.0.0.1.:${port}`,
      `http://127.1:${port}`,
      `http://0x7f.1:${port}`,
    ],
    ...[
      `http://[::1]:${port}`,
      `http://LOCALHOST:${port}`,
      `http://user@127.0.0.1:${port}`,
      `http://127.0.0.1:${port}@evil.example`,
    ],
    ...[
      `${url}/`,
      `${url}.evil.example`,
      `http://evil127.0.0.1:${port}`,
      `http://evil.127.0.0.1:${port}`,
      `${url} ${url}`,
      `${url}, ${url}`,
    ],
    ...[`http://xn--127-0-0-1:${port}`, `http://\u00b927.0.0.1:${port}`],
  ];
  for (const origin of origins)
    for (const path of links)
      expect([origin, await knock(port, { path, lines: [host, ...UPGRADE, `Origin: ${origin}`] })]).toEqual([origin, 403]);
  expect(await knock(port, { path: "/v1/link", lines: [host, ...UPGRADE, `Origin: ${url}`, `Origin: ${url}`] })).toBe(403);
  for (const lines of [[`Origin: ${url}`], [`Origin: http://localhost:${port}`], []])
    expect(await knock(port, { path: "/v1/link", lines: [host, ...UPGRADE, ...lines] })).toBe(101);
  // A link that stands is nobody's before its first frames have proven who is there.
  expect((await (await w.connect()).status()).links).toBe(1);
  for (const path of [...page, ...table.map(([at]) => at)].map(filled).filter((at) => !links.includes(at)))
    for (const lines of [[`Origin: ${url}`], []]) {
      const said = await knock(port, { path, lines: [host, ...UPGRADE, ...lines] });
      expect([path, said >= 400]).toEqual([path, true]);
    }
});

test("who asks for the console by any other name than its own gets nothing, by whatever way (T-19)", async () => {
  const w = await world();
  const { url, port } = await consoleOf(w);
  const ways = [
    { path: "/", lines: [] },
    { path: "/index.html", lines: [] },
    { path: "/v1/call/list", lines: [] },
    { method: "POST", path: "/v1/call/list", lines: ["Content-Length: 0"] },
    { method: "POST", path: "/v1/http-link", lines: ["Content-Length: 0"] },
    { method: "OPTIONS", path: "/v1/http-link", lines: [`Origin: ${url}`] },
    { path: "/v1/link", lines: UPGRADE },
  ];
  const hosts = [
    ...[
      `attacker.example`,
      `attacker.example:${port}`,
      `127.0.0.1`,
      `127.0.0.1:${port + 1}`,
      `127.0.0.1:0${port}`,
      `127.0.0.1.:${port}`,
    ],
    ...[
      `127.1:${port}`,
      `0x7f.1:${port}`,
      `2130706433:${port}`,
      `0.0.0.0:${port}`,
      `[::1]:${port}`,
      `[::ffff:127.0.0.1]:${port}`,
    ],
    ...[
      `LOCALHOST:${port}`,
      `localhost.:${port}`,
      `a.localhost:${port}`,
      `user@127.0.0.1:${port}`,
      `127.0.0.1:${port}/`,
      `127.0.0.1:${port}, x`,
    ],
  ];
  const shut = [400, 403, 421];
  for (const way of ways) {
    for (const name of hosts) {
      const said = await knock(port, { ...way, lines: [`Host: ${name}`, ...way.lines] });
      expect([way.path, name, shut.includes(said)]).toEqual([way.path, name, true]);
    }
    const good = `Host: 127.0.0.1:${port}`;
    for (const lines of [[], [good, good], [good, "Host: attacker.example"], ["Host: attacker.example", good]])
      expect([way.path, lines, shut.includes(await knock(port, { ...way, lines: [...lines, ...way.lines] }))]).toEqual([
        way.path,
        lines,
        true,
      ]);
    const absolute = await knock(port, { ...way, path: `http://attacker.example${way.path}`, lines: [good, ...way.lines] });
    expect([way.path, "absolute", shut.includes(absolute)]).toEqual([way.path, "absolute", true]);
    expect([way.path, shut.includes(await knock(port, { ...way, lines: [good, ...way.lines] }))]).toEqual([way.path, false]);
  }

  // A name that was made to lead here, in a browser that believes it.
  const { page } = await ConsoleBrowser.of();
  const rebound = await page.goto(`http://attacker.example:${port}/`);
  expect(rebound!.status()).toBe(403);
  const tries = await page.evaluate(`(async () => {
    const socket = new WebSocket("ws://" + location.host + "/v1/link", "holdfast.v1");
    const link = await new Promise((done) => {
      socket.onopen = () => done("open");
      socket.onclose = ({ code }) => done(code);
    });
    const said = async (path, method) => (await fetch(path, { method })).status;
    return [link, await said("/", "GET"), await said("/v1/http-link", "POST"), await said("/v1/call/list", "POST")];
  })()`);
  expect(tries).toEqual([1006, 403, 403, 403]);
});

test("a page of another port of this machine reads nothing of the console and changes nothing: no form, frame, window, script, stream or request of its (T-18)", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "kept" });
  const ana = await ConsoleBrowser.of();
  const url = await ana.open(w);
  const server = createServer((_, response) =>
    response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><body>"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  // In the same browser, which holds the key.
  const evil = await ana.context.newPage();
  await evil.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const before = await admin.status();
  const tries = await evil.evaluate(`(async () => {
    const at = ${JSON.stringify(url)};
    const read = (asking) => asking.then((r) => r.type === "opaque" ? "opaque" : "read", () => "refused");
    const loaded = (tag, fields) => new Promise((done) => {
      const one = Object.assign(document.createElement(tag), fields);
      one.onload = () => done("loaded");
      one.onerror = () => done("refused");
      document.head.append(one);
    });
    const socket = new WebSocket(at.replace("http", "ws") + "/v1/link", "holdfast.v1");
    const link = new Promise((done) => { socket.onopen = () => done("open"); socket.onclose = () => done("refused"); });
    const stream = new EventSource(at + "/v1/sessions/kept/events", { withCredentials: true });
    const streamed = new Promise((done) => { stream.onopen = () => done("open"); stream.onerror = () => { stream.close(); done("refused"); }; });
    const frame = document.createElement("iframe");
    frame.src = at;
    document.body.append(frame);
    const framed = new Promise((done) => { frame.onload = () => { try { done(frame.contentDocument === null ? "shut" : frame.contentDocument.title); } catch { done("shut"); } }; });
    const script = loaded("script", { src: at + "/index.html" });
    const posts = ["/v1/http-link", "/v1/call/kill", "/v1/call/open", "/v1/link", "/"].map((path) =>
      read(fetch(at + path, { method: "POST", mode: "no-cors", body: '{"session":"kept"}', credentials: "include" })));
    return {
      link: await link, streamed: await streamed, framed: await framed, script: await script,
      icon: await loaded("link", { rel: "stylesheet", href: at + "/icon.svg" }),
      read: await read(fetch(at, { credentials: "include" })),
      asked: await read(fetch(at + "/v1/call/list", { method: "POST", headers: { Authorization: "Bearer x" } })),
      posts: [...new Set(await Promise.all(posts))].filter((said) => said === "read"),
      database: (await indexedDB.databases()).length,
    };
  })()`);
  expect(tries).toEqual({
    ...{
      link: "refused",
      streamed: "refused",
      framed: "shut",
      script: "refused",
      icon: "refused",
      read: "refused",
      asked: "refused",
    },
    ...{ posts: [], database: 0 },
  });
  expect(evil.frames().map((frame) => frame.url())).not.toContain(`${url}/`);
  // A window of it is another's: nothing of it can be touched, and it knows nobody who opened it.
  const [opened] = await Promise.all([
    ana.context.waitForEvent("page"),
    evil.evaluate(`void (globalThis.other = window.open(${JSON.stringify(url)}))`),
  ]);
  await opened.getByRole("row", { name: "kept" }).waitFor();
  expect(await opened.evaluate("window.opener === null")).toBe(true);
  expect(await evil.evaluate("(() => { try { return other.document.title; } catch { return other.closed; } })()")).toBe(true);
  const [submitted] = await Promise.all([
    evil.waitForNavigation(),
    evil.evaluate(`{
      const form = Object.assign(document.createElement("form"), { method: "POST", action: ${JSON.stringify(`${url}/v1/call/kill`)}, enctype: "text/plain" });
      form.append(Object.assign(document.createElement("input"), { name: '{"session":"kept","x":"', value: '"}' }));
      document.body.append(form);
      form.submit();
    }`),
  ]);
  expect(submitted!.status()).toBe(403);
  expect(JSON.parse(await held(w, "show", "kept", "--json"))).toMatchObject({ state: "running" });
  await fact("no link of it is left", async () => (await admin.status()).links <= before.links + 1);
  expect((await admin.operatorList()).length).toBe(1);
});
