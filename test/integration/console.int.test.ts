/** The console in a real browser, against a real host and real shells: what a person does there, and what happens to them meanwhile. */
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { OperatorKind } from "@holdfast/protocol";
import { generateKey } from "@holdfast/sdk/node";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { axeOn, ConsoleBrowser, closeChrome } from "./world/console.ts";
import { held, hold } from "./world/hold.ts";
import { fact } from "./world/processes.ts";
import { bytes, world } from "./world/world.ts";

afterAll(closeChrome);

test("a link from hold console lets a browser in once, stands in no address afterwards, and makes a key that can't be read out", async () => {
  const w = await world();
  const ana = await ConsoleBrowser.of();
  const { link, url } = JSON.parse(await held(w, "console", "--no-open", "--json")) as { link: string; url: string };
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  await ana.page.goto(link);
  await ana.page.getByRole("heading", { name: "No session lives here" }).waitFor();
  expect(ana.page.url()).toBe(`${url}/`);
  expect(await ana.page.evaluate("JSON.stringify([{ ...localStorage }, document.cookie, history.state])")).not.toContain("hold1");
  const key = await ana.page.evaluate(`new Promise((done) => {
    const open = indexedDB.open("holdfast");
    open.onsuccess = () => {
      const all = open.result.transaction("hosts").objectStore("hosts").getAll();
      all.onsuccess = () => {
        const { privateKey } = all.result[0].pair;
        crypto.subtle.exportKey("pkcs8", privateKey).then(() => done("read"), () => done("kept, extractable " + privateKey.extractable));
      };
    };
  })`);
  expect(key).toBe("kept, extractable false");
  const { operators } = JSON.parse(
    await held(w, "operator", "ls", "--json").then((out) => `{"operators":[${out.split("\n").join(",")}]}`),
  );
  expect(operators).toHaveLength(1);

  const second = await ConsoleBrowser.of();
  // By another name of the same listener.
  await second.page.goto(link.replace("127.0.0.1", "localhost"));
  await second.page.getByText("This link has been used, is over or was taken back").waitFor();
  expect(second.page.url()).toBe(`${url.replace("127.0.0.1", "localhost")}/`);
  expect([...ana.complaints, ...second.complaints]).toEqual([]);
});

test("a session is opened, typed into and left; a reload in the midst of a flood shows what the host has, and closing the page ends nothing", async () => {
  const w = await world();
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.page.keyboard.press("n");
  await ana.page.getByLabel("Name").fill("work");
  await ana.page.getByLabel(/^Environment/).fill("GREETING=hello");
  await ana.page.getByRole("button", { name: "Open", exact: true }).click();
  await ana.page.getByText("live", { exact: true }).waitFor();
  await ana.type('echo "$GREETING from $((6 * 7))"');
  await ana.sees("hello from 42");
  await ana.page.getByText("you steer").waitFor();

  await ana.type("seq 1 300000; echo flood-$((1 + 1))-over");
  await ana.page.reload();
  await ana.sees("flood-2-over");
  const screen = JSON.parse(await held(w, "screen", "work", "--json")) as { lines: string[] };
  await fact("the page shows what the host has", async () => {
    const [here, there] = [await ana.lines(), screen.lines.map((line) => line.trimEnd())];
    return here.join("\n").trimEnd() === there.join("\n").trimEnd();
  });
  await ana.context.close();
  expect(JSON.parse(await held(w, "show", "work", "--json"))).toMatchObject({ state: "running" });
});

test("two browsers and a terminal share a session: who steers is seen by all, taken, asked for and handed on", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { name: "shared" });
  const [ana, ben] = [await ConsoleBrowser.of(), await ConsoleBrowser.of()];
  await ana.open(w);
  await ana.goTo("shared");
  await ana.page.getByRole("button", { name: /What can be done with/ }).click();
  await ana.page.getByRole("menuitem", { name: "Share" }).click();
  await ana.page.getByText("Look on and take part").click();
  await ana.page.getByRole("button", { name: "Make an invitation" }).click();
  const invitation = await ana.page.getByLabel("Send them this").inputValue();
  await ana.page.getByRole("button", { name: "Done", exact: true }).click();

  const url = new URL(ana.page.url()).origin;
  await ben.page.goto(url);
  await ben.page.getByLabel("Or paste an invitation").fill(invitation);
  await ben.page.getByRole("button", { name: "Join" }).click();
  // There is one session for him, and he is led to it.
  await ben.page.getByText("live", { exact: true }).first().waitFor();
  // Her terminal has the focus again since the invitation was made.
  await ana.page.keyboard.type("echo from-ana\n");
  await ben.sees(/^from-ana/);
  await ben.page
    .getByRole("group", { name: "The floor" })
    .or(ben.page.getByRole("toolbar", { name: "The floor" }))
    .getByText("steers")
    .waitFor();

  await ben.page.getByRole("button", { name: "Ask for the floor" }).click();
  await ben.page.getByText("you asked for it").waitFor();
  await ana.page.getByText(/asks$/).waitFor();
  await ana.page.getByRole("button", { name: "Pass it" }).click();
  await ben.page.getByText("you steer").waitFor();
  await ben.type("echo from-$((1 + 1))-ben");
  await ana.sees(/^from-2-ben/);
  await ana.page.getByText("typed", { exact: false }).waitFor();
  await ben.page.getByRole("button", { name: "Pass the floor to" }).click();
  await ben.page.getByRole("menuitem", { name: /Pass to/ }).click();
  await ana.page.getByText("you steer").waitFor();

  // And a terminal has it after both.
  await ana.page.getByRole("button", { name: "Release", exact: true }).click();
  await ben.page.getByText("free: type to steer").waitFor();
  const cli = await admin.attach({ session: session.id, take: true }, {});
  await fact("the terminal steers", async () => (await admin.show(session.id)).floor?.seat === cli.id);
  await cli.input(bytes("echo from-the-$((2 * 2))\r"));
  await ben.sees(/^from-the-4/);
  await cli.detach();
  expect([...ana.complaints, ...ben.complaints]).toEqual([]);
});

test("what an AI asks is shown byte for byte and decided; a revoked browser is told so and is out", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.operator("ben");
  const session = await w.open(admin, { name: "asked" });
  const { publicKey } = generateKey(w.home, "robo");
  await admin.operatorAdd({ name: "robo", kind: OperatorKind.AI, role: "operator", publicKey, onBehalfOf: "ben" });
  const { path } = await admin.policy();
  writeFileSync(path, 'version = 1\n\n[ai]\notherwise = "allow"\nrun = "ask"\n', { mode: 0o600 });
  await admin.policyReload();

  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  const robo = await w.connect("robo");
  const ran = robo.run(session.id, { text: "echo allowed-$((40 + 2))" });
  await ana.page
    .getByRole("link", { name: /Approvals/ })
    .getByText("1")
    .waitFor();
  await ana.page.getByRole("link", { name: /Approvals/ }).click();
  const card = ana.page.getByRole("article", { name: /robo/ });
  await card.getByText("echo allowed-$((40 + 2))").first().waitFor();
  await card.getByRole("button", { name: "Allow once" }).click();
  expect((await ran).code).toBe(0);
  await ana.page.getByText("Nothing waits for you").waitFor();

  const asked = robo.approvals.ask(session.id, "Deploy now?", { options: ["yes", "later"] });
  await ana.page.getByRole("article", { name: /robo/ }).getByRole("button", { name: "later" }).click();
  expect(await asked).toMatchObject({ outcome: "answered", text: "later" });

  // The browser's own key, by which it is known: gone, and said so.
  const own = (await admin.operatorList()).find((o) => o.name === admin.operator.operator!.name)!;
  const key = Buffer.from(own.protectedKeyIds[0]!).toString("hex");
  await admin.keyRevoke(own.id, key);
  await ana.page.getByRole("link", { name: "Sessions", exact: true }).click();
  await ana.page.getByText(/refuses this browser/).waitFor();
  expect(ana.complaints).toEqual([]);
});

test("the host is killed under an open page: it says so, comes back by itself, and what was typed meanwhile is typed once", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { name: "kept", script: 'while read -r l; do echo "<$l>"; done' });
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.goTo("kept");
  await ana.type("before");
  await ana.sees("<before>");
  await w.killHost();
  await ana.type("meanwhile");
  await ana.page.getByText("live", { exact: true }).waitFor();
  // A host that is away for more than five seconds, as on a busy machine, has them asked for.
  const send = ana.page.getByRole("button", { name: "Send them" });
  if ((await send.count()) > 0) await send.click();
  await ana.sees("<meanwhile>");
  await ana.page.getByText("live", { exact: true }).waitFor();
  const { lines } = await (await w.connect()).screen(session.id);
  expect(lines.filter((line) => line.trim() === "<meanwhile>")).toHaveLength(1);
  // The list behind it, too.
  await ana.page.getByRole("button", { name: "All sessions" }).first().click();
  await ana.page.getByRole("row", { name: "kept" }).waitFor();
  expect(ana.complaints).toEqual([]);
});

test("what a program prints is text: no markup, no script, no clipboard; a link says where it leads, and is of a scheme that is allowed", async () => {
  const w = await world();
  const admin = await w.connect();
  const evil = [
    "<img src=x onerror=document.title=1><script>document.title=2</script>",
    "\\033]0;<script>document.title=3</script>\\007",
    "\\033]52;c;ZXZpbA==\\007",
    "\\033]8;;javascript:document.title=4\\007bad link\\033]8;;\\007",
    "\\033]8;;https://example.org/there\\007good link\\033]8;;\\007",
  ];
  await w.open(admin, { name: "evil", script: `printf '${evil.join("\\n")}\\n'; exec cat` });
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.goTo("evil");
  await ana.sees("<script>document.title=2</script>");
  await ana.sees("good link");
  expect(await ana.page.title()).toBe("evil · Holdfast");
  expect(await ana.page.locator("main img[src=x], main script").count()).toBe(0);
  await ana.clickRow("bad link");
  await ana.clickRow("good link");
  const asks = ana.page.getByRole("alertdialog", { name: "Open this link?" });
  await asks.getByText("https://example.org/there").waitFor();
  await asks.getByRole("button", { name: "Cancel" }).click();
  expect(ana.complaints).toEqual([]);
});

test("the timeline says who ran what and how it ended, leads to what it printed, and is told what happens while one looks", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { name: "told" });
  const robo = await w.operator("robo", "ai");
  expect((await robo.run(session.id, { text: "echo from-robo; (exit 3)" })).code).toBe(3);
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.goTo("told");
  await ana.page.getByRole("button", { name: "Timeline" }).click();
  const timeline = ana.page.getByRole("list", { name: "Timeline" });
  const ran = timeline.getByRole("button", { name: /^(?!.*\\e).*from-robo.*exit 3/ });
  await ran.getByRole("img", { name: /robo, AI/ }).waitFor();
  await ana.type("echo from-ana");
  await timeline.getByRole("button", { name: /echo from-ana.*exit 0/ }).waitFor();
  await ana.page.getByLabel("Text in the timeline").fill("from-robo");
  await timeline.getByRole("button", { name: /echo from-ana.*exit 0/ }).waitFor({ state: "detached" });
  await ran.click();
  await ana.page.getByRole("region", { name: /^What .*from-robo.* printed$/ }).waitFor();

  await ana.page.getByRole("button", { name: "Play it back" }).click();
  await ana.page.getByRole("heading", { name: "Playback of told" }).waitFor();
  // What was read until then is what there is to go to.
  await fact("its end is shown", async () => {
    await ana.page.keyboard.press("End");
    return (await ana.lines()).some((row) => row.startsWith("from-ana"));
  });
  await ana.page.keyboard.press("Home");
  await ana.page.getByText(/^0:00 \/ /).waitFor();
  expect(ana.complaints).toEqual([]);
});

test("a session's files are looked at, and what listens is told; two stand side by side, also after a reload", async () => {
  const w = await world();
  const admin = await w.connect();
  writeFileSync(w.path("notes.txt"), "<b>as it is</b>\n");
  await w.open(admin, { name: "left" });
  await w.open(admin, { name: "right" });
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.goTo("left");
  await ana.page.getByRole("button", { name: "Files and ports" }).click();
  await ana.page.getByRole("row", { name: "notes.txt" }).click();
  await ana.page.getByRole("dialog", { name: "notes.txt" }).getByText("<b>as it is</b>").waitFor();
  await ana.page.getByRole("button", { name: "Close", exact: true }).click();
  await ana.page.getByText("None of its programs listens on a port.").waitFor();
  await ana.page.getByRole("button", { name: "Files and ports" }).click();
  await ana.page.getByRole("button", { name: "Show another session beside it" }).click();
  await ana.page.getByRole("menuitem", { name: "right" }).click();
  await ana.page.getByRole("region", { name: "Session right" }).getByText("live", { exact: true }).waitFor();
  await ana.page.reload();
  for (const name of ["left", "right"])
    await ana.page
      .getByRole("region", { name: `Session ${name}` })
      .getByText("live", { exact: true })
      .waitFor();
  expect(ana.complaints).toEqual([]);
});

test("a paste of several lines is shown before it is typed", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { name: "pasted", command: ["cat"] });
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.goTo("pasted");
  const paste = (text: string): Promise<unknown> =>
    ana.page.evaluate(`{
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", ${JSON.stringify(text)});
      document.querySelector(".xterm-helper-textarea").dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }`);
  await paste("one\ntwo\u0003\n");
  const asks = ana.page.getByRole("alertdialog", { name: /^Paste/ });
  await asks.getByText("two\\x03").or(asks.getByText("two^C")).or(asks.getByText(/two.+/)).first().waitFor();
  await asks.getByRole("button", { name: "Cancel" }).click();
  await paste("three");
  await ana.sees("three");
  expect((await admin.screen(session.id)).lines.join("\n")).not.toContain("one");
});

/** Every screen, for what can be seen without looking: names, roles, contrast, order. */
const screens = [
  ["Sessions", async () => {}],
  ["a session", async (ana: ConsoleBrowser) => ana.goTo("seen")],
  ["a new session", async (ana: ConsoleBrowser) => ana.page.getByRole("button", { name: "New session" }).click()],
  ["Approvals", async (ana: ConsoleBrowser) => ana.screen(/Approvals/)],
  ["Operators", async (ana: ConsoleBrowser) => ana.screen("Operators")],
  ["Hosts", async (ana: ConsoleBrowser) => ana.screen("Hosts")],
] as const;

test("axe finds nothing on any screen, light on a desktop and dark on a phone; at 360 px nothing is wider than the page", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "seen" });
  for (const screen of [
    { width: 1280, height: 800, scheme: "light" },
    { width: 360, height: 740, scheme: "dark" },
  ] as const) {
    const ana = await ConsoleBrowser.of(screen);
    const url = await ana.open(w);
    for (const [name, go] of screens) {
      await ana.page.goto(url);
      await ana.page.getByRole("row", { name: "seen" }).waitFor();
      await go(ana);
      const isWider = await ana.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
      expect([name, screen, isWider]).toEqual([name, screen, false]);
      expect([name, screen, await axeOn(ana)]).toEqual([name, screen, []]);
    }
  }
});

test("everything is reached by keys: a session is opened, typed into, shared and left without a pointer", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "keys" });
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  const { keyboard } = ana.page;
  await keyboard.press("Control+k");
  await keyboard.type("keys");
  await ana.page.getByRole("menuitem", { name: /^keys/ }).waitFor();
  await keyboard.press("Enter");
  await ana.page.getByText("live", { exact: true }).waitFor();
  await keyboard.type("echo typed-$((3 * 3))");
  await keyboard.press("Enter");
  await ana.sees(/^typed-9/);
  await keyboard.press("Control+Shift+F");
  await keyboard.type("typed-9");
  await keyboard.press("Enter");
  await keyboard.press("Escape");
  await keyboard.press("Control+Shift+K");
  await keyboard.type("Approvals");
  await keyboard.press("Enter");
  await ana.page.getByRole("heading", { name: "Approvals" }).waitFor();
  expect(ana.complaints).toEqual([]);
});

test("another origin's page gets nothing of the console: not its link, not its host's answers, not into a frame", async () => {
  const w = await world();
  const { url } = JSON.parse(await held(w, "console", "--no-open", "--json")) as { url: string };
  const { page } = await ConsoleBrowser.of();
  const server = createServer((_, response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html>"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const tries = await page.evaluate(`(async () => {
    const socket = new WebSocket("${url.replace("http", "ws")}/v1/link", "holdfast.v1");
    const link = await new Promise((done) => {
      socket.onopen = () => done("open");
      socket.onclose = ({ code }) => done(code);
    });
    const read = await fetch("${url}").then(() => "read", () => "refused");
    const frame = document.createElement("iframe");
    frame.src = "${url}";
    document.body.append(frame);
    const framed = await new Promise((done) => {
      frame.onload = () => {
        try {
          done(frame.contentDocument === null ? "shut" : "in");
        } catch {
          done("shut");
        }
      };
    });
    return [link, read, framed];
  })()`);
  expect(tries).toEqual([1006, "refused", "shut"]);
  const status = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
    (await fetch(`${url}${path}`, { headers })).status;
  expect([
    await status("/"),
    await status("/hosts"),
    await status("/no-such"),
    await status("/../secret"),
    await status("/index.html%00"),
  ]).toEqual([200, 200, 404, 404, 404]);
  expect((await fetch(url, { method: "POST" })).status).toBe(405);
  expect((await hold(w, "console", "--off")).code).toBe(0);
  await expect(fetch(url)).rejects.toThrow();
});
