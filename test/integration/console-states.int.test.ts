/** What of a session can be seen in the console once it does not live any more, or is not kept whole. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { ConsoleBrowser, closeChrome } from "./world/console.ts";
import { held, holdPath } from "./world/hold.ts";
import { fact, kill, shimsOf } from "./world/processes.ts";
import { say, type World, world } from "./world/world.ts";

afterAll(closeChrome);

/** The machine restarts: every process is gone, and the next host is of another boot. False: that can't be made here. */
async function rebooted(w: World): Promise<boolean> {
  await w.noHost();
  for (const pid of shimsOf(w.home)) kill(pid);
  const boot = w.path("boot_id");
  writeFileSync(boot, "00000000-0000-4000-8000-000000000002\n");
  try {
    const script = `mount --bind ${boot} /proc/sys/kernel/random/boot_id && exec "$0" host up`;
    execFileSync("unshare", ["--mount", "sh", "-c", script, holdPath], { env: w.env, stdio: "pipe" });
    return true;
  } catch (fault) {
    const { stderr = "" } = fault as { stderr?: Buffer };
    say(`NOT AS A REBOOT HERE, but as shims that died: ${String(stderr).trim()}`);
    await w.start();
    return false;
  }
}

const ended = async (ana: ConsoleBrowser, name: string): Promise<void> => {
  await ana.page.getByRole("button", { name: /^Ended/ }).click();
  await ana.page.getByRole("row", { name, exact: true }).click();
};

/** From a session's own screen: its timeline has `command`, and its playback ends with `line`. */
async function isKept(ana: ConsoleBrowser, name: string, row: RegExp, line: string): Promise<void> {
  await ana.page.getByRole("button", { name: "Timeline" }).click();
  const timeline = ana.page.getByRole("list", { name: "Timeline" });
  await timeline.getByRole("button", { name: row }).waitFor();
  await ana.isSound(`the timeline of ${name}`);
  await ana.page.getByRole("button", { name: "Play it back" }).click();
  await ana.page.getByRole("heading", { name: `Playback of ${name}` }).waitFor();
  await fact("its end is shown", async () => {
    await ana.page.keyboard.press("End");
    return (await ana.lines()).some((shown) => shown.includes(line));
  });
  await ana.page.keyboard.press("Home");
  await ana.page.getByText(/^0:00 \/ /).waitFor();
  await ana.isSound(`the playback of ${name}`);
}

test("a session that has ended says how, shows what it printed, has its timeline and is played back", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "done", script: "echo one; sleep 0.3; echo two; exit 3" });
  await fact("it has ended", async () => (await admin.list({ all: true }))[0]?.exit);
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.page.getByRole("heading", { name: "No session lives here" }).waitFor();
  await ana.page.getByText("Those that ended are behind “Ended”.").waitFor();
  await ended(ana, "done");
  await ana.page.getByText("This session ended with code 3. What it printed stays below.").waitFor();
  await ana.sees("two");
  expect(await ana.page.getByRole("button", { name: "Attach again" }).count()).toBe(0);
  await ana.isSound("an ended session");
  await isKept(ana, "done", /exit|ended|code 3/i, "two");
  expect(ana.complaints).toEqual([]);
});

test("a reboot under an open page: the session is told as lost, with why; what it printed, its timeline and its playback are there", async () => {
  const w = await world();
  const admin = await w.connect();
  const lost = await w.open(admin, { name: "lost", script: "echo before-the-reboot; exec cat" });
  const ana = await ConsoleBrowser.of();
  const url = await ana.open(w);
  await ana.goTo("lost");
  await ana.type("typed-before");
  await ana.sees("typed-before");
  const isReboot = await rebooted(w);
  const why = isReboot
    ? /^This session was lost \(reboot: the machine restarted.*What it printed stays below\.$/
    : /^This session was lost \(/;
  await ana.page.getByText(why).waitFor({ timeout: 60_000 });
  await ana.sees("before-the-reboot");
  await ana.isSound("a lost session");
  expect((await (await w.connect()).show(lost.id)).exit?.reason).toMatch(isReboot ? /^reboot/ : /./);

  // And to a browser that comes later.
  await ana.page.goto(url);
  await ended(ana, "lost");
  await ana.page.getByText(why).waitFor();
  await ana.sees("typed-before");
  await isKept(ana, "lost", isReboot ? /reboot/ : /lost/i, "typed-before");
  expect(ana.complaints).toEqual([]);
});

test("what is not kept any more is named with its range, in the timeline and in the playback", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { name: "holed", script: "echo the-secret; read -r; echo the-rest; exec cat" });
  await fact("it has printed", async () => (await admin.screen(session.id)).lines.join("").includes("the-secret"));
  await held(w, "redact", "holed", "--match", "the-secret", "--yes");
  await admin.send(session.id, new TextEncoder().encode("\n"));
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.goTo("holed");
  await ana.sees("the-rest");
  await ana.page.getByRole("button", { name: "Timeline" }).click();
  const row = ana.page
    .getByRole("list", { name: "Timeline" })
    .getByRole("button", { name: /^Entry (\d+) is not kept any more \(redacted\)/ });
  await row.waitFor();
  const [, at] = /Entry (\d+)/.exec((await row.textContent())!)!;
  await ana.isSound("a timeline with a gap");
  await ana.page.getByRole("button", { name: "Play it back" }).click();
  await ana.page.getByRole("heading", { name: "Playback of holed" }).waitFor();
  await fact("its marker names the gap", async () =>
    (await ana.page.locator("[title]").evaluateAll((all) => all.map((one) => (one as { title: string }).title))).some((title) =>
      title.includes(`Not kept from ${at} to ${at}: redacted`),
    ),
  );
  expect(await ana.page.content()).not.toContain("the-secret");
  expect(ana.complaints).toEqual([]);
});
