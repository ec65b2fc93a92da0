/** The console where there is little: no room, no pointer, and a system that ends a page whenever it likes. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OperatorKind } from "@holdfast/protocol";
import { generateKey } from "@holdfast/sdk/node";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { ConsoleBrowser, closeChrome } from "./world/console.ts";
import { held } from "./world/hold.ts";
import { fact } from "./world/processes.ts";
import { bytes, type World, world } from "./world/world.ts";

afterAll(closeChrome);

const PHONE = { width: 360, height: 740, scheme: "dark" } as const;

async function robo(w: World) {
  const admin = await w.connect();
  await w.operator("ben");
  const { publicKey } = generateKey(w.home, "robo");
  await admin.operatorAdd({ name: "robo", kind: OperatorKind.AI, role: "operator", publicKey, onBehalfOf: "ben" });
  const { path } = await admin.policy();
  writeFileSync(path, 'version = 1\n\n[ai]\notherwise = "allow"\nrun = "ask"\nexec = "ask"\n', { mode: 0o600 });
  await admin.policyReload();
  return w.connect("robo");
}

test("a page that the system has ended is the same person's again, without a login: the screen as it is, and the next key types", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { name: "kept", script: 'echo first-line; while read -r l; do echo "<$l>"; done' });
  const ana = await ConsoleBrowser.of(PHONE);
  const url = await ana.open(w);
  await ana.goTo("kept");
  await ana.type("before");
  await ana.sees("<before>");
  const at = ana.page.url();
  const [own] = (await admin.show(session.id)).operators;

  // As a phone does it: the page's process is ended, and told nothing.
  const crashed = ana.page.waitForEvent("crash");
  const cdp = await ana.context.newCDPSession(ana.page);
  await Promise.race([cdp.send("Page.crash").catch(() => {}), crashed]);
  await crashed;
  await ana.page.close();
  await admin.send(session.id, bytes("meanwhile\n"), { take: true });
  await fact("it is printed", async () => (await admin.screen(session.id)).lines.join().includes("<meanwhile>"));
  const again = await ana.anew();
  await again.page.goto(at);
  await again.page.getByText("live", { exact: true }).waitFor();
  const rows = await fact("the screen is there", async () => {
    const lines = (await again.lines()).filter((line) => line !== "");
    return lines.includes("<meanwhile>") ? lines : null;
  });
  expect(rows).toEqual((await admin.screen(session.id)).lines.map((line) => line.trimEnd()).filter((line) => line !== ""));
  const now = (await admin.show(session.id)).operators;
  expect(now.map(({ operator, via }) => [operator, via])).toEqual([[own!.operator, "web"]]);
  await again.type("after");
  await again.sees("<after>");
  // One key, one operator: nothing was enrolled again.
  expect((await admin.operatorList()).map(({ keyIds }) => keyIds.length)).toEqual([2]);
  await again.page.goto(url);
  await again.page.getByRole("row", { name: "kept" }).waitFor();
  expect(again.complaints).toEqual([]);
});

test("by keys alone: a session is opened and typed into, the floor is taken, an AI's request is allowed, and the session is ended", async () => {
  const w = await world();
  const asks = await robo(w);
  const ben = await w.connect("ben");
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  const { keyboard } = ana.page;
  await ana.page.getByRole("heading", { name: "No session lives here" }).waitFor();
  await keyboard.press("n");
  await ana.page.getByLabel("Name").waitFor();
  await keyboard.type("keyed");
  await keyboard.press("Enter");
  await ana.page.getByText("live", { exact: true }).waitFor();
  await keyboard.type("echo typed-$((3 * 3))");
  await keyboard.press("Enter");
  await ana.sees(/^typed-9/);
  await ana.page.getByText("you steer").waitFor();

  const command = async (text: string): Promise<void> => {
    await keyboard.press("Control+Shift+K");
    await ana.page.getByRole("menu", { name: "Found" }).waitFor();
    await keyboard.type(text);
    await ana.page.getByRole("menuitem", { name: text }).waitFor();
    await keyboard.press("Enter");
  };
  // Four idle seconds, which a slow machine may need for this, release it too: then there is nothing to choose.
  const free = ana.page.getByText("free: type to steer");
  const release = ana.page.getByRole("menuitem", { name: "Release the floor" });
  await keyboard.press("Control+Shift+K");
  await ana.page.getByRole("menu", { name: "Found" }).waitFor();
  await keyboard.type("Release the floor");
  await release.or(free).first().waitFor();
  await keyboard.press((await release.isVisible()) ? "Enter" : "Escape");
  await free.waitFor();
  await ben.floor("keyed", "take");
  await ana.page.getByText("ben steers").waitFor();
  await command("Ask for the floor");
  await fact("it is asked for", async () => ((await ben.show("keyed")).floor?.asking.length ?? 0) > 0);
  await ben.floor("keyed", "release");
  await ana.page.getByText("you steer").or(ana.page.getByText("free: type to steer")).waitFor();
  if (!(await ana.page.getByText("you steer").isVisible())) await command("Take the floor");
  await ana.page.getByText("you steer").waitFor();
  await keyboard.type("echo again-$((4 * 4))");
  await keyboard.press("Enter");
  await ana.sees(/^again-16/);

  // Tab is the program's in a terminal: keys of the page lead to its panel and to its bar.
  const focused = (): Promise<unknown> => ana.page.evaluate("document.activeElement.ariaLabel");
  await keyboard.press("Control+Shift+L");
  await fact("the timeline has the focus", async () => (await focused()) === "Timeline");
  await ana.page.getByLabel("Text in the timeline").waitFor();
  await keyboard.press("Tab");
  expect(await focused()).toBe("Text in the timeline");
  await keyboard.press("Shift+Tab");
  await fact("the terminal has it", async () => (await focused()) === "Terminal input");
  await keyboard.press("Control+Shift+ArrowUp");
  await fact("its bar has it", async () => (await focused()) === "All sessions");

  const ran = asks.exec("keyed", ["echo", "allowed"]);
  ran.catch(() => {});
  await ana.page
    .getByRole("link", { name: /Approvals/ })
    .getByText("1")
    .waitFor();
  await command("Approvals");
  await ana.page.getByRole("heading", { name: "Approvals" }).waitFor();
  const allow = ana.page.getByRole("button", { name: "Allow once" });
  await allow.waitFor();
  const way: string[] = [];
  while (way.at(-1) !== "Allow once" && way.length < 40) {
    await keyboard.press("Tab");
    way.push(
      (await ana.page.evaluate(
        "document.activeElement.innerText || document.activeElement.ariaLabel || document.activeElement.tagName",
      )) as string,
    );
  }
  expect(way.at(-1), way.join(", ")).toBe("Allow once");
  await keyboard.press("Enter");
  expect((await ran).exit?.code).toBe(0);

  await keyboard.press("Control+k");
  await keyboard.type("keyed");
  await ana.page.getByRole("menuitem", { name: /^keyed/ }).waitFor();
  await keyboard.press("Enter");
  await ana.sees(/^again-16/);
  await command("End this session");
  await ana.page.getByRole("alertdialog", { name: "End keyed?" }).waitFor();
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  await ana.page.getByText(/^This session ended/).waitFor({ timeout: 60_000 });
  expect(ana.complaints).toEqual([]);
});

const LONG = "a-name-as-long-as-a-name-may-be-with-64-letters-and-no-blank-in-";

test("at 360 px no screen, panel or dialog is cut, whatever stands in it", async () => {
  const w = await world();
  const asks = await robo(w);
  const admin = await w.connect();
  const folder = w.path(`${LONG}${LONG}`);
  mkdirSync(folder);
  const file = `${LONG}${LONG}.txt`;
  writeFileSync(join(folder, file), `${"no-blank-in-it-".repeat(30)}\n`);
  const session = await w.open(admin, { name: LONG, cwd: folder });
  await w.open(admin, { name: "gone", script: "exit 1" });
  await admin.invite({ session: session.id, role: "observer", ttlMs: 3_600_000 });
  const giving = new AbortController();
  onTestFinished(() => giving.abort());
  const word = "a-word-without-a-blank-".repeat(20);
  const gone = (): void => {};
  asks.approvals.ask(session.id, `${word} ?`, { options: [word.slice(0, 60), "no"], signal: giving.signal }).catch(gone);
  asks.run(session.id, { text: `echo ${word}`, signal: giving.signal } as never).catch(gone);

  const fresh = await ConsoleBrowser.of(PHONE);
  const { link } = JSON.parse(await held(w, "console", "--no-open", "--json")) as { link: string };
  await fresh.page.goto(new URL(link).origin);
  await fresh.page.getByRole("heading", { name: "This browser knows no host yet" }).waitFor();
  await fresh.isSound("a browser that knows no host");

  const ana = await ConsoleBrowser.of(PHONE);
  const url = await ana.open(w);
  const wide: string[] = [];
  const look = async (screen: string): Promise<void> => {
    if (await ana.isWider()) wide.push(screen);
  };
  await ana.page.getByRole("row", { name: LONG }).waitFor();
  await look("sessions");
  await ana.page.getByRole("button", { name: /^Ended/ }).click();
  await ana.page.getByRole("row", { name: "gone" }).waitFor();
  await look("ended sessions");
  for (const [item, dialog] of [
    ["Rename", /^Rename/],
    ["Share", /^Share/],
    ["End", /^End/],
  ] as const) {
    await ana.page.getByRole("button", { name: `What can be done with ${LONG}` }).click();
    await look(`the menu before ${item}`);
    await ana.page.getByRole("menuitem", { name: item }).click();
    await ana.page
      .getByRole("dialog", { name: dialog })
      .or(ana.page.getByRole("alertdialog", { name: dialog }))
      .waitFor();
    await look(item);
    if (item === "Share") {
      await ana.page.getByRole("button", { name: "Make an invitation" }).click();
      await ana.page.getByLabel("Send them this").waitFor();
      await look("an invitation");
    }
    await ana.page.keyboard.press("Escape");
    await ana.page.getByRole("heading", { name: dialog }).waitFor({ state: "detached" });
  }
  await ana.page.keyboard.press("Control+k");
  await ana.page.getByRole("menuitem", { name: new RegExp(LONG) }).waitFor();
  await look("the palette");
  await ana.page.keyboard.press("Escape");
  await ana.page.getByRole("button", { name: "New session" }).click();
  await ana.page.getByRole("dialog", { name: "New session" }).waitFor();
  await look("a new session");
  await ana.page.keyboard.press("Escape");

  await ana.screen(/Approvals/);
  await ana.page.getByRole("article").nth(1).waitFor();
  await look("approvals");
  await ana.screen("Operators");
  await ana.page.getByText("Invitations that nobody has taken up").waitFor();
  await look("operators");
  await ana.page.getByRole("button", { name: "Invite", exact: true }).click();
  await ana.page.getByText("A person").click();
  await look("an invitation to the host");
  await ana.page.keyboard.press("Escape");
  await ana.screen("Hosts");
  await ana.page.getByText("answers", { exact: true }).waitFor();
  await look("hosts");
  await ana.page.getByRole("button", { name: "Add host" }).click();
  await look("another host");
  await ana.page.keyboard.press("Escape");
  await ana.page.getByRole("button", { name: "Forget" }).click();
  await look("a host that is forgotten");
  await ana.page.keyboard.press("Escape");

  await ana.page.goto(url);
  await ana.goTo(LONG);
  await look("a session");
  const at = new URL(ana.page.url()).pathname;
  await ana.page.getByRole("button", { name: "Search what was printed" }).click();
  await ana.page.getByRole("textbox", { name: "Search what was printed" }).fill("nowhere-in-it");
  await ana.page.getByText("not found", { exact: true }).waitFor();
  await look("a search");
  await ana.page.getByRole("button", { name: "Timeline" }).click();
  await ana.page.getByRole("list", { name: "Timeline" }).getByRole("button").first().waitFor();
  await look("a timeline");
  await ana.page.goto(`${url}${at}/files`);
  await ana.page.getByRole("row", { name: file }).waitFor();
  await look("files");
  await ana.page.getByRole("row", { name: file }).click();
  await ana.page.getByRole("dialog", { name: file }).waitFor();
  await look("a file");
  await ana.page.goto(`${url}${at}/playback`);
  await ana.page.getByRole("heading", { name: `Playback of ${LONG}` }).waitFor();
  await look("a playback");
  await ana.page.goto(`${url}/sessions/none/none`);
  await ana.page.getByRole("heading", { name: "This browser does not know that host" }).waitFor();
  await ana.isSound("no such host");
  await ana.page.goto(`${url}${at.slice(0, at.lastIndexOf("/"))}/none/timeline`);
  await ana.page.getByRole("heading", { name: "There is no such session" }).waitFor();
  await ana.isSound("no such session");
  expect(wide).toEqual([]);
  expect(ana.complaints).toEqual([]);
});
