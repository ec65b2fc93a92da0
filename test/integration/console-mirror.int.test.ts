/** The console over the record in a host's mirror: the host and its home are gone, and what there was of it is seen in a real browser. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { ConsoleBrowser, closeChrome } from "./world/console.ts";
import { held, hold, holdPath, type Machine, machine } from "./world/hold.ts";
import { burn, mirrored } from "./world/mirror.ts";
import { NatsProcess } from "./world/nats.ts";
import { fact } from "./world/processes.ts";
import { bytes, world } from "./world/world.ts";

afterAll(closeChrome);

interface Served {
  readonly link: string;
  readonly child: ChildProcess;
}

/** `folder`: where it keeps what it has fetched. */
async function serves(on: Machine, folder: string, line = ["--context", "box", "--from-mirror"]): Promise<Served> {
  const child = spawn(holdPath, ["console", ...line, "--json"], {
    env: { ...on.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [told] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  const { link, from, asOf } = JSON.parse(told) as Record<string, string>;
  expect([from, Number.isNaN(Date.parse(asOf!))]).toEqual(["mirror", false]);
  return { link: link!, child };
}

test("a machine burns, and its sessions, timelines, playbacks and audit are in a page that says of when they are and offers to change nothing", async () => {
  const w = await world();
  const nats = await NatsProcess.start(w);
  const me = await w.connect();
  const main = await w.open(me, { name: "main", script: "echo printed-before-the-fire; exec cat" });
  await w.open(me, { name: "done", script: "echo it-was-done; exit 3" });
  const attached = await me.attach({ session: main.id }, {});
  await attached.input(bytes("typed-before\n"));
  await fact("it echoes", async () => (await me.screen(main.id)).lines.join("").includes("typed-before"));
  await attached.detach();
  await fact("the other has ended", async () => (await me.list({ all: true })).some((s) => s.exit?.code === 3));
  const laptop = await mirrored(w, nats);
  await held(w, "host", "mirror", "now");
  await burn(w);
  expect(existsSync(w.home)).toBe(false);

  const folder = w.path("fetched");
  mkdirSync(folder);
  const { link, child } = await serves(laptop, folder);
  const ana = await ConsoleBrowser.of();
  expect(readdirSync(folder)).toHaveLength(2);
  const { page } = ana;
  await page.goto(link);
  const said = page.getByText(/^From the mirror nats:\S+, as of .*: nothing of this is live\.$/);
  const isHere = async (screen: string): Promise<void> => {
    await said.waitFor();
    for (const name of [/^New session/, /^What can be done with/, /^Release/, /^Take$/, /^Invite/, /^Revoke/, /^Files and ports/])
      expect([screen, String(name), await page.getByRole("button", { name }).count()]).toEqual([screen, String(name), 0]);
    await ana.isSound(screen);
  };
  await page.getByRole("row", { name: "main", exact: true }).waitFor();
  await page.getByRole("img", { name: "ran then" }).or(page.getByText("ran then")).first().waitFor();
  await isHere("the list");

  await page.getByRole("row", { name: "main", exact: true }).click();
  await ana.sees("printed-before-the-fire");
  await page.getByText("ran then", { exact: true }).first().waitFor();
  expect(await page.getByText("live", { exact: true }).count()).toBe(0);
  await isHere("the last screen");
  await page.getByRole("button", { name: "Timeline" }).click();
  await page.getByRole("list", { name: "Timeline" }).getByText("typed-before").first().waitFor();
  await isHere("the timeline");
  await page.getByRole("button", { name: "Play it back" }).click();
  await page.getByRole("heading", { name: "Playback of main" }).waitFor();
  await fact("its end is shown", async () => {
    await page.keyboard.press("End");
    return (await ana.lines()).some((shown) => shown.includes("typed-before"));
  });
  await isHere("the playback");

  await ana.screen("Audit");
  await page.getByText(/typed/).first().waitFor();
  await page.getByRole("button", { name: "Verify" }).click();
  await page.getByText(/the record is whole/i).waitFor();
  await page.getByText(/by the mirror's head/).waitFor();
  await isHere("the audit");
  for (const screen of ["Operators", "Hosts", "Approvals", "Settings"]) {
    await ana.screen(screen);
    await page.getByRole("heading", { name: screen, exact: true, level: 1 }).waitFor();
    await isHere(screen);
  }
  await ana.screen("Hosts");
  await page.getByRole("heading", { name: /^record from / }).waitFor();
  await page.getByText("not live", { exact: true }).waitFor();
  for (const text of ["this machine", "answers"]) expect([text, await page.getByText(text).count()]).toEqual([text, 0]);
  await page.getByRole("link", { name: /^Details of record from / }).click();
  await page.getByText(/^What stands here was copied to the mirror/).waitFor();
  expect(await page.getByRole("log").count()).toBe(0);
  await isHere("its page");
  expect(ana.complaints).toEqual([]);

  // The link is spent.
  const other = await ConsoleBrowser.of();
  await other.page.goto(link);
  await other.page.getByText(/This link has been used/).waitFor();

  child.kill("SIGINT");
  await once(child, "exit");
  await page.getByText(/The command that read it has ended/).waitFor();
  expect(readdirSync(folder)).toEqual([]);
});

test("a page over a mirror is read on this machine alone, and needs a mirror", async () => {
  const w = await world();
  expect((await hold(w, "console", "--from-mirror")).err).toContain("no mirror is known");
});

test("a host that is named is asked, and once it is gone what its mirror has is served and told to be no more than that", async () => {
  const w = await world();
  const nats = await NatsProcess.start(w);
  const url = await w.listen();
  await w.open(await w.connect(), { name: "main", script: "exec cat" });
  await held(w, "host", "mirror", nats.url);
  const laptop = machine(w, "laptop");
  await held(laptop, "join", (await held(w, "operator", "invite", "ana", "--role", "admin")).split("\n").at(-1)!);
  await held(laptop, "context", "set", "box", "--at", url, "--mirror", nats.url);
  await held(w, "host", "mirror", "now");
  expect(await hold(laptop, "console", "box")).toMatchObject({
    code: 1,
    err: expect.stringContaining("serves no page to other machines"),
  });
  await burn(w);
  expect(await hold(laptop, "console", "box", "--by-network")).toMatchObject({ code: 5 });
  const folder = w.path("fetched");
  mkdirSync(folder);
  const { link, child } = await serves(laptop, folder, ["box"]);
  expect((await fetch(link)).status).toBe(200);
  child.kill("SIGINT");
  await once(child, "exit");
  expect(readdirSync(folder)).toEqual([]);
  const told = spawn(holdPath, ["console", "box"], {
    env: { ...laptop.env, TMPDIR: folder },
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(() => void told.kill("SIGKILL"));
  const [warning] = (await once(createInterface({ input: told.stderr! }), "line")) as [string];
  expect(warning).toMatch(/^from the mirror nats:\S+, as of .*: nothing of this is live \(.+\)$/);
  told.kill("SIGINT");
  await once(told, "exit");
});
