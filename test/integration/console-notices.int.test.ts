/** What the system tells of an AI that waits, to who looks elsewhere. */
import { writeFileSync } from "node:fs";
import { OperatorKind } from "@holdfast/protocol";
import { generateKey } from "@holdfast/sdk/node";
import { afterAll, expect, test } from "vitest";
import { ConsoleBrowser, closeChrome } from "./world/console.ts";
import { fact } from "./world/processes.ts";
import { world } from "./world/world.ts";

afterAll(closeChrome);

/** The browser's own notices, and what was made of them. */
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
  return { w, runs: (text: string): Promise<unknown> => robo.run("asked", { text }).catch(() => {}) };
}

const waits = (ana: ConsoleBrowser, count: number): Promise<void> =>
  ana.page
    .getByRole("navigation", { name: "Screens" })
    .getByRole("link", { name: /Approvals/ })
    .getByText(String(count))
    .waitFor();

test("who has allowed it and looks elsewhere is told once of each that waits, without what is asked; a press leads to it", async () => {
  const { w, runs } = await asking();
  const ana = await ConsoleBrowser.of();
  await ana.page.addInitScript(HEARD);
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

test("a browser that lets no page make a notice goes on without", async () => {
  const { w, runs } = await asking();
  const ana = await ConsoleBrowser.of({ width: 360, height: 740 });
  await ana.page.addInitScript(
    `globalThis.Notification = class { static permission = "granted"; constructor() { throw new TypeError("Illegal constructor"); } }`,
  );
  await ana.open(w);
  await looks(ana, false);
  void runs("echo one");
  await waits(ana, 1);
  await ana.screen(/Approvals/);
  await ana.page.getByRole("article", { name: /robo/ }).waitFor();
  expect(ana.complaints).toEqual([]);
});
