/** A page that was ended, by a phone or by hand, comes back as the attachment that it was; and one that has no place to come back to is quietly another. */
import { generateKey } from "@holdfast/sdk/node";
import type { HostClient } from "@holdfast/sdk";
import { afterAll, expect, test } from "vitest";
import { ConsoleBrowser, closeChrome } from "./world/console.ts";
import { fact } from "./world/processes.ts";
import { type World, world } from "./world/world.ts";

afterAll(closeChrome);

const PHONE = { width: 360, height: 740 } as const;
const SCRIPT = 'echo first-line; while read -r l; do echo "<$l>"; done';

interface There {
  readonly w: World;
  readonly admin: HostClient;
  readonly session: string;
  readonly ana: ConsoleBrowser;
  /** Where the session stands in the page. */
  readonly at: string;
  /** Of her attachment. */
  readonly id: string;
}

/** Ana has typed, and her page keeps its token. */
async function there(graceMs?: number): Promise<There> {
  const w = await world();
  const admin = await w.connect();
  const { id: session } = await w.open(admin, { name: "kept", script: SCRIPT, ...(graceMs === undefined ? {} : { graceMs }) });
  const ana = await ConsoleBrowser.of(PHONE);
  await ana.open(w);
  await ana.goTo("kept");
  await ana.type("before");
  await ana.sees("<before>");
  const [id] = await attachments(admin, session);
  await fact("a token is kept", async () => (await kept(ana)).some((text) => text.includes('"secret"')));
  return { w, admin, session, ana, at: ana.page.url(), id: id! };
}

const attachments = async (admin: HostClient, session: string): Promise<string[]> =>
  (await admin.show(session)).operators.map(({ attachment }) => attachment);

/** What the browser keeps for its pages' attachments, each as the SDK told it. */
const kept = async (ana: ConsoleBrowser): Promise<string[]> =>
  (await ana.page.evaluate(
    "Object.entries(localStorage).flatMap(([key, text]) => (key.startsWith('holdfast.place.') ? [JSON.parse(text).kept] : []))",
  )) as string[];

/** As a phone does it: the page's process is ended, and told nothing. */
async function evicted(ana: ConsoleBrowser): Promise<void> {
  const crashed = ana.page.waitForEvent("crash");
  const cdp = await ana.context.newCDPSession(ana.page);
  await Promise.race([cdp.send("Page.crash").catch(() => {}), crashed]);
  await crashed;
  await ana.page.close();
}

async function back(ana: ConsoleBrowser, at: string): Promise<ConsoleBrowser> {
  const again = await ana.anew();
  await again.page.goto(at);
  await again.page.getByText("live", { exact: true }).waitFor();
  return again;
}

const printed = async (admin: HostClient, session: string): Promise<string[]> =>
  (await admin.screen(session)).lines.map((line) => line.trimEnd()).filter((line) => line.startsWith("<"));

test("a page that is reloaded, closed or ended by its system is the same attachment, with the screen as it is, and steers by the next key", async () => {
  const { admin, session, ana, at, id } = await there();
  await ana.page.reload();
  await ana.page.getByText("live", { exact: true }).waitFor();
  expect(await attachments(admin, session)).toEqual([id]);
  await ana.type("reloaded");
  await ana.sees("<reloaded>");

  await ana.page.close();
  const second = await back(ana, at);
  expect(await attachments(admin, session)).toEqual([id]);
  await second.type("closed");
  await second.sees("<closed>");

  await evicted(second);
  const third = await back(ana, at);
  expect(await attachments(admin, session)).toEqual([id]);
  const lines = await fact("the screen is there", async () => {
    const rows = (await third.lines()).filter((line) => line !== "");
    return rows.includes("<closed>") ? rows : null;
  });
  expect(lines).toEqual((await admin.screen(session)).lines.map((line) => line.trimEnd()).filter((line) => line !== ""));
  await third.type("ended");
  await third.sees("<ended>");
  expect((await admin.show(session)).floor?.seat).toBe(id);
  expect(await printed(admin, session)).toEqual(["<before>", "<reloaded>", "<closed>", "<ended>"]);
  expect([...ana.complaints, ...second.complaints, ...third.complaints]).toEqual([]);
});

test("nothing of what was typed is left in the browser, and none of it is typed twice: not while the host is silent, nor while it is away", async () => {
  const { w, admin, session, ana, at, id } = await there();
  const numbers = async (): Promise<number[]> => (await kept(ana)).map((text) => (JSON.parse(text) as { nextN: number }).nextN);
  const stored = async (): Promise<string> => (await ana.page.evaluate("JSON.stringify(localStorage)")) as string;
  const [before] = await numbers();
  const pid = await w.hostPid();
  process.kill(pid, "SIGSTOP");
  w.atEnd(() => {
    try {
      process.kill(pid, "SIGCONT");
    } catch {
      // It has ended.
    }
  });
  await ana.type("unanswered");
  await fact("its numbers are kept", async () => (await numbers())[0] === before! + 11);
  expect(await stored()).not.toMatch(/unanswered|"data"/);
  await evicted(ana);
  process.kill(pid, "SIGCONT");
  const again = await back(ana, at);
  expect(await attachments(admin, session)).toEqual([id]);
  await again.type("after");
  await again.sees(/<.*after>$/);
  // What was on its way when the page was ended may have come, whole or in part, and once.
  expect((await printed(admin, session)).join().match(/unanswered/g)?.length ?? 0).toBeLessThan(2);

  await w.noHost();
  await again.page.getByText(/^The link has been down for /).waitFor();
  await again.type("held");
  await again.page
    .getByText(/^5 bytes that you typed/)
    .first()
    .waitFor();
  expect((await again.page.evaluate("JSON.stringify(localStorage)")) as string).not.toMatch(/held"|"data"/);
  await evicted(again);
  await w.start();
  const third = await back(again, at);
  await third.type("last");
  await third.sees("<last>");
  const late = await w.connect();
  expect(await attachments(late, session)).toEqual([id]);
  expect((await printed(late, session)).filter((line) => line === "<held>")).toEqual([]);
  expect(third.complaints).toEqual([]);
});

test("after the grace it is another attachment, and nothing is said of it", async () => {
  const { admin, session, ana, at, id } = await there(500);
  await evicted(ana);
  await fact("the host knows it", async () => (await attachments(admin, session)).length === 0);
  const knownMs = performance.now();
  await fact("the grace is over", () => performance.now() > knownMs + 1_000);
  const again = await back(ana, at);
  await again.type("after");
  await again.sees("<after>");
  const now = await attachments(admin, session);
  expect([now.length, now.includes(id)]).toEqual([1, false]);
  expect(await again.page.getByRole("alert").count()).toBe(0);
  expect(await kept(again)).toHaveLength(1);
  expect(again.complaints).toEqual([]);
});

test("of two pages of one session, a tab that was duplicated say, each has its own place, and comes back to its own", async () => {
  const { admin, session, ana, at, id } = await there();
  const other = await back(ana, at);
  const both = await attachments(admin, session);
  expect([both.length, both.includes(id)]).toEqual([2, true]);
  await fact("both are kept", async () => (await kept(ana)).filter((text) => text.includes('"secret"')).length === 2);
  await Promise.all([ana.page.reload(), other.page.reload()]);
  for (const { page } of [ana, other]) await page.getByText("live", { exact: true }).waitFor();
  await fact(
    "they are the same two",
    async () => (await attachments(admin, session)).toSorted().join() === both.toSorted().join(),
  );
  await ana.type("one");
  await other.sees("<one>");
  await other.type("other");
  await ana.sees("<other>");
  expect(await printed(admin, session)).toEqual(["<before>", "<one>", "<other>"]);
  // Who goes to another screen has left, and keeps nothing.
  await other.page.getByRole("button", { name: "All sessions" }).first().click();
  await fact("one is kept", async () => (await kept(ana)).length === 1);
  expect([...ana.complaints, ...other.complaints]).toEqual([]);
});

test("what the page keeps is of no use without the key that it does not hold", async () => {
  const { w, admin, session, ana, at, id } = await there();
  const [resume] = await kept(ana);
  await evicted(ana);
  await fact("the host knows it", async () => (await attachments(admin, session)).length === 0);
  // Her own other key does not do, nor does another person's.
  const { publicKey } = generateKey(w.home, "ana-too");
  await admin.keyAdd(admin.operator.operator!.name, publicKey);
  await w.operator("ben");
  for (const as of ["ana-too", "ben"]) {
    const thief = await w.connect(as);
    const attachment = await thief.attach({ session, resume: resume! }, {});
    expect(attachment.id).not.toBe(id);
    await attachment.detach();
  }
  const again = await back(ana, at);
  expect(await attachments(admin, session)).toEqual([id]);
  expect(again.complaints).toEqual([]);
});
