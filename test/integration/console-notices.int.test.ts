/** What the system tells of an AI that waits, to who looks elsewhere. */
import { writeFileSync } from "node:fs";
import { OperatorKind } from "@holdfast/protocol";
import { generateKey } from "@holdfast/sdk/node";
import { afterAll, expect, test } from "vitest";
import { ConsoleBrowser, closeChrome, withWholeChromium } from "./world/console.ts";
import { fact } from "./world/processes.ts";
import { world } from "./world/world.ts";

withWholeChromium();
afterAll(closeChrome);

/** The notices that the page's worker shows now. */
const shown = (ana: ConsoleBrowser): Promise<unknown[]> =>
  ana.page.evaluate(
    "navigator.serviceWorker.ready.then((worker) => worker.getNotifications()).then((all) => all.map(({ title, body }) => [title, body]))",
  ) as Promise<unknown[]>;

/** Somebody presses the one that is shown. The worker's own words to the browser are heard: none that nobody pressed may open or show a page. */
async function presses(ana: ConsoleBrowser): Promise<string[]> {
  const [worker] = ana.context.serviceWorkers();
  return (await worker!.evaluate(`(async () => {
    const said = [];
    clients.openWindow = (path) => (said.push("opens " + path), Promise.resolve(null));
    WindowClient.prototype.focus = function () { return said.push("shows " + new URL(this.url).pathname), Promise.resolve(this); };
    const [notification] = await registration.getNotifications();
    const done = [];
    const event = new NotificationEvent("notificationclick", { notification });
    event.waitUntil = (work) => done.push(work);
    dispatchEvent(event);
    await Promise.all(done);
    return said;
  })()`)) as string[];
}

/** What a page makes itself where no worker does. */
const HEARD = `{
  const Own = globalThis.Notification;
  globalThis.__notices = [];
  globalThis.Notification = class extends Own {
    constructor(...made) {
      super(...made);
      __notices.push(this);
    }
  };
}`;
const NO_WORKER = "navigator.serviceWorker.getRegistration = () => Promise.resolve(undefined);";
const made = (ana: ConsoleBrowser): Promise<unknown> =>
  ana.page.evaluate("__notices.map(({ title, body, tag }) => [title, body, tag !== ''])");

/** Somebody looks elsewhere: headless, each page is seen. */
const looks = (ana: ConsoleBrowser, here: boolean): Promise<void> =>
  ana.page.evaluate(`Object.defineProperty(document, "hidden", { configurable: true, value: ${!here} })`);

async function asking() {
  const w = await world();
  const admin = await w.connect();
  await w.operator("ben");
  await w.open(admin, { name: "asked" });
  const { publicKey } = generateKey(w.home, "robo");
  await admin.operatorAdd({ name: "robo", kind: OperatorKind.AI, role: "operator", publicKey, onBehalfOf: "ben" });
  const { path } = await admin.policy();
  writeFileSync(path, 'version = 1\n\n[ai]\notherwise = "allow"\nrun = "ask"\n', { mode: 0o600 });
  await admin.policyReload();
  const robo = await w.connect("robo");
  return { w, admin, runs: (text: string): Promise<unknown> => robo.run("asked", { text }).catch(() => {}) };
}

const waits = (ana: ConsoleBrowser, count: number): Promise<void> =>
  ana.page
    .getByRole("navigation", { name: "Screens" })
    .getByRole("link", { name: /Approvals/ })
    .getByText(String(count))
    .waitFor();

test("who has allowed it and looks elsewhere is told by the worker, without what is asked; a press leads to it, in the page that stands or in a new one", async () => {
  const { w, runs } = await asking();
  const ana = await ConsoleBrowser.of({ width: 360, height: 740 });
  // A phone's browser lets no page make one.
  await ana.page.addInitScript(
    "globalThis.Notification = class extends Notification { constructor() { throw new TypeError('Illegal constructor'); } }",
  );
  const url = await ana.open(w);
  await ana.page.evaluate("navigator.serviceWorker.ready");
  await ana.context.grantPermissions(["notifications"], { origin: url });
  await looks(ana, false);
  void runs("echo the-secret-thing");
  await waits(ana, 1);
  await fact("it is told", async () => (await shown(ana)).length > 0);
  expect(await shown(ana)).toEqual([["robo waits for you", "asked"]]);
  await looks(ana, true);
  expect(await presses(ana)).toEqual(["shows /"]);
  await ana.page.getByRole("heading", { name: "Approvals" }).waitFor();
  expect(await shown(ana)).toEqual([]);

  await looks(ana, false);
  void runs("echo another");
  await waits(ana, 2);
  await fact("it is told", async () => (await shown(ana)).length > 0);
  await ana.page.goto("about:blank");
  const [worker] = ana.context.serviceWorkers();
  await fact("no page stands", async () => (await worker!.evaluate("clients.matchAll().then((all) => all.length)")) === 0);
  expect(await presses(ana)).toEqual(["opens /approvals"]);
  expect(ana.complaints).toEqual([]);
});

test("a notice is gone when its request is decided elsewhere, also one of a page that was there before", async () => {
  const { w, runs, admin } = await asking();
  const ana = await ConsoleBrowser.of();
  const url = await ana.open(w);
  await ana.page.evaluate("navigator.serviceWorker.ready");
  await ana.context.grantPermissions(["notifications"], { origin: url });
  await looks(ana, false);
  void runs("echo one");
  void runs("echo two");
  await waits(ana, 2);
  await fact("both are told", async () => (await shown(ana)).length === 2);
  const { publicKey } = generateKey(w.home, "eva");
  await admin.operatorAdd({ name: "eva", kind: OperatorKind.HUMAN, role: "approver", publicKey, protected: true });
  const eva = await w.connect("eva");
  const [one, two] = await eva.approvals.list();
  await eva.approvals.deny(one!);
  await fact("one is gone", async () => (await shown(ana)).length === 1);
  await ana.page.goto("about:blank");
  await eva.approvals.deny(two!);
  await ana.page.goto(url);
  await fact("none is left", async () => (await shown(ana)).length === 0);
  expect(ana.complaints).toEqual([]);
});

test("where no worker shows it the page does, once for each that waits, and a press leads to it", async () => {
  const { w, runs } = await asking();
  const ana = await ConsoleBrowser.of();
  await ana.page.addInitScript(HEARD + NO_WORKER);
  const url = await ana.open(w);
  await ana.screen("Approvals");
  await ana.page.getByRole("button", { name: "Notify me" }).waitFor();
  await ana.context.grantPermissions(["notifications"], { origin: url });
  await ana.page.getByRole("button", { name: "Notify me" }).click();
  await ana.page.getByRole("button", { name: "Notify me" }).waitFor({ state: "detached" });
  await ana.screen("Sessions");

  void runs("echo while-one-looks");
  await waits(ana, 1);
  await looks(ana, false);
  void runs("echo the-secret-thing");
  await waits(ana, 2);
  await fact("it is told", async () => ((await made(ana)) as unknown[]).length > 0);
  expect(await made(ana)).toEqual([["robo waits for you", "asked", true]]);
  await looks(ana, true);
  await ana.page.evaluate('__notices[0].dispatchEvent(new Event("click"))');
  await ana.page.getByRole("heading", { name: "Approvals" }).waitFor();
  const card = ana.page.getByRole("article").filter({ hasText: "echo the-secret-thing" });
  await card.getByRole("button", { name: "Allow once" }).click();
  await card.waitFor({ state: "detached" });
  expect(await ana.page.getByRole("button", { name: "Notify me" }).count()).toBe(0);
  expect(ana.complaints).toEqual([]);
});

test("who has not allowed it is told nothing by the system, and is not asked for it before they want it", async () => {
  const { w, runs } = await asking();
  const ana = await ConsoleBrowser.of();
  await ana.page.addInitScript(
    `${HEARD}; Notification.requestPermission = () => { globalThis.__asked = true; return Promise.resolve("denied"); };`,
  );
  await ana.open(w);
  await looks(ana, false);
  void runs("echo one");
  await waits(ana, 1);
  await ana.screen(/Approvals/);
  await ana.page.getByRole("article", { name: /robo/ }).waitFor();
  expect([await made(ana), await ana.page.evaluate("typeof __asked")]).toEqual([[], "undefined"]);
  await ana.page.getByRole("button", { name: "Notify me" }).click();
  await ana.page.getByRole("button", { name: "Notify me" }).waitFor({ state: "detached" });
  void runs("echo two");
  await waits(ana, 2);
  expect([await made(ana), await ana.page.evaluate("typeof __asked")]).toEqual([[], "boolean"]);
  expect(ana.complaints).toEqual([]);
});

test("a browser that lets neither worker nor page make a notice goes on without", async () => {
  const { w, runs } = await asking();
  const ana = await ConsoleBrowser.of({ width: 360, height: 740 });
  await ana.page.addInitScript(
    `${NO_WORKER} globalThis.Notification = class { static permission = "granted"; constructor() { throw new TypeError("Illegal constructor"); } }`,
  );
  await ana.open(w);
  await looks(ana, false);
  void runs("echo one");
  await waits(ana, 1);
  await ana.screen(/Approvals/);
  await ana.page.getByRole("article", { name: /robo/ }).waitFor();
  expect(ana.complaints).toEqual([]);
});
