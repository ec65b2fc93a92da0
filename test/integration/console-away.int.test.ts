/** What the console says where nothing is there: no session, no answer yet, no host, no right, no host that is known. */
import { afterAll, expect, test } from "vitest";
import { ConsoleBrowser, closeChrome } from "./world/console.ts";
import { fact } from "./world/processes.ts";
import { world } from "./world/world.ts";

afterAll(closeChrome);

test("a host that is away is said to be, with what was seen last; a session that was let go meanwhile is attached again by a press", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "kept", script: "echo was-here; exec cat" });
  const ana = await ConsoleBrowser.of();
  await ana.page.clock.install();
  await ana.open(w);
  await ana.goTo("kept");
  await ana.sees("was-here");
  await w.noHost();
  await ana.page.getByText(/^The link has been down for .* The session runs on/).waitFor();
  await ana.sees("was-here");
  await ana.isSound("a session whose host is away");
  // Longer than who looks for a host goes on with it.
  await ana.page.clock.fastForward("11:00");
  const again = ana.page.getByRole("button", { name: "Attach again" });
  await again.waitFor();
  await ana.page.getByText(/^You are no longer attached: /).waitFor();
  await ana.isSound("a session that was let go");

  await again.click();
  await ana.page.getByRole("heading", { name: /^Waiting for / }).waitFor();
  await ana.isSound("a session that is waited for");
  await w.start();
  await ana.page.getByText("live", { exact: true }).waitFor({ timeout: 60_000 });
  await ana.type("typed-again");
  await ana.sees("typed-again");

  await w.noHost();
  await ana.page.getByRole("button", { name: "All sessions" }).first().click();
  await ana.page
    .getByText(/has not answered for .* Its sessions live on; what is listed is as it was seen last\./)
    .waitFor({ timeout: 60_000 });
  await ana.page.getByRole("row", { name: "kept" }).waitFor();
  await ana.isSound("sessions of a host that is away");
  await ana.screen("Hosts");
  await ana.page.getByText("offline", { exact: true }).waitFor();
  await ana.isSound("a host that is away");
  await ana.screen("Operators");
  await ana.page.getByText("does not answer now").waitFor();
  await w.start();
  await ana.page.getByRole("region", { name: /^Operators of / }).waitFor({ timeout: 60_000 });
  expect(ana.complaints).toEqual([]);
});

test("while a host is asked the page says so, and an empty list says what a session is", async () => {
  const w = await world();
  const ana = await ConsoleBrowser.of();
  const url = await ana.open(w);
  await ana.page.getByRole("heading", { name: "No session lives here" }).waitFor();
  await ana.isSound("an empty list");
  await ana.page.getByLabel("Filter sessions").fill("<b>nobody</b>");
  await ana.page
    .getByRole("heading", { name: "No session lives here" })
    .or(ana.page.getByText("Nothing fits “<b>nobody</b>”"))
    .waitFor();

  let go = (): void => {};
  const answered = new Promise<void>((resolve) => (go = resolve));
  await ana.page.routeWebSocket(/\/v1\/link$/, async (socket) => {
    await answered;
    socket.connectToServer();
  });
  await ana.page.goto(url);
  await ana.page.getByRole("heading", { name: "Looking at your sessions" }).waitFor();
  await ana.isSound("a list that is asked for");
  go();
  await ana.page.getByRole("heading", { name: "No session lives here" }).waitFor();
  expect(ana.complaints).toEqual([]);
});

test("a browser whose key was revoked is told so everywhere, also when it comes again, and nothing of the host is shown as if it were of now", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "shut", script: "echo seen-before; exec cat" });
  const ana = await ConsoleBrowser.of();
  const url = await ana.open(w);
  await ana.goTo("shut");
  await ana.sees("seen-before");
  const own = (await admin.operatorList()).find((o) => o.name === admin.operator.operator!.name)!;
  await admin.keyRevoke(own.id, Buffer.from(own.protectedKeyIds[0]!).toString("hex"));
  await ana.page.getByText(/^You are no longer attached: /).waitFor();
  await ana.isSound("a session that one was put out of");
  await ana.page.getByRole("button", { name: "Attach again" }).click();
  await ana.page.getByRole("heading", { name: /refuses this browser$/ }).waitFor();
  await ana.page.goto(url);
  await ana.page.getByText(/refuses this browser: /).waitFor();
  expect(await ana.page.getByText("The host is being asked.").count()).toBe(0);
  await ana.isSound("a list that is refused");
  await ana.screen("Hosts");
  await ana.page.getByText("refused", { exact: true }).waitFor();
  await ana.isSound("a host that refuses");
  expect(ana.complaints).toEqual([]);
});

const keptHosts = `new Promise((done) => {
  const open = indexedDB.open("holdfast");
  open.onsuccess = () => {
    const all = open.result.transaction("hosts").objectStore("hosts").getAll();
    all.onsuccess = () => {
      open.result.close();
      done(all.result.length);
    };
  };
})`;

test("a host is forgotten only when that was meant: then its key and its tabs are gone from the browser, and a new link lets it in again", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "left" });
  const ana = await ConsoleBrowser.of();
  const url = await ana.open(w);
  await ana.goTo("left");
  await ana.screen("Hosts");
  const asks = ana.page.getByRole("alertdialog", { name: /^Forget / });
  const forget = ana.page.getByRole("button", { name: /^Forget / });
  await forget.click();
  await asks.getByText(/key for it is deleted/).waitFor();
  await ana.isSound("the question");
  // What is pressed without looking keeps it.
  await ana.page.keyboard.press("Enter");
  await asks.waitFor({ state: "detached" });
  await forget.click();
  await ana.page.keyboard.press("Escape");
  await asks.waitFor({ state: "detached" });
  expect(await ana.page.evaluate(keptHosts)).toBe(1);
  await forget.click();
  await asks.getByRole("button", { name: "Forget", exact: true }).click();
  await ana.page.getByRole("heading", { name: "This browser knows no host yet" }).waitFor();
  expect(await ana.page.evaluate(keptHosts)).toBe(0);
  expect(await ana.page.evaluate(`JSON.parse(localStorage["holdfast.workspace"] ?? '{"tabs":[]}').tabs`)).toEqual([]);
  await fact("its link is over", async () => (await admin.show("left")).operators.length === 0);
  await ana.isSound("a browser that knows no host");
  await ana.page.goto(url);
  await ana.page.getByRole("heading", { name: "This browser knows no host yet" }).waitFor();
  await ana.open(w);
  await ana.page.getByRole("row", { name: "left" }).waitFor();
  expect(await ana.page.evaluate(keptHosts)).toBe(1);
  expect(ana.complaints).toEqual([]);
});
