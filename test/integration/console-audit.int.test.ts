/** The console's screens of a host's record, its policy and the host itself, in a real browser against a real host. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostDown } from "@holdfast/host/start";
import { files } from "@holdfast/sdk/node";
import { afterAll, expect, test } from "vitest";
import { axeOn, ConsoleBrowser, closeChrome } from "./world/console.ts";
import { held } from "./world/hold.ts";
import { bytes, refusal, type World, world } from "./world/world.ts";

afterAll(closeChrome);

/** Somebody else's browser, in a role. */
async function browserOf(w: World, role: string, url: string): Promise<ConsoleBrowser> {
  const { invite } = JSON.parse(await held(w, "operator", "invite", `a-${role}`, "--role", role, "--json")) as { invite: string };
  const one = await ConsoleBrowser.of();
  await one.page.goto(url);
  await one.page.getByLabel("Or paste an invitation").fill(invite);
  await one.page.getByRole("button", { name: "Join" }).click();
  await one.page.getByRole("link", { name: "Sessions", exact: true }).waitFor();
  return one;
}

const EVIL = "<img src=x onerror=document.title=1>";

test("the record is searched, filtered by who and what, and read back to its oldest; what was typed is text and no markup", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { name: "told", command: ["cat"] });
  const robo = await w.operator("robo", "service");
  await robo.send(session.id, bytes(`${EVIL}\r`));
  for (let i = 1; i <= 250; i++) await admin.send(session.id, bytes(`line-${i}\r`));
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.page.getByRole("link", { name: "Audit" }).click();
  await ana.page.getByRole("heading", { name: "Audit" }).waitFor();
  const rows = ana.page.getByRole("region", { name: "Records, newest first" }).getByRole("listitem");
  await ana.page.getByRole("button", { name: "Load more" }).waitFor();
  expect(await rows.count()).toBe(200);

  await ana.page.getByLabel("What").selectOption("Typed");
  await rows.filter({ hasText: "line-250" }).waitFor();
  await ana.page.getByRole("button", { name: "Load more" }).click();
  await ana.page.getByText("This is the oldest.").waitFor();
  expect(await rows.count()).toBe(251);
  await ana.page.getByLabel("Who").selectOption("robo");
  await rows.filter({ hasText: EVIL }).waitFor();
  expect(await rows.count()).toBe(1);
  expect(await ana.page.locator("main img").count()).toBe(0);
  await rows.getByRole("link", { name: "told" }).waitFor();

  await ana.page.getByLabel("Who").selectOption("Anyone");
  await ana.page.getByLabel("Text in the record").fill("LINE-123");
  await rows.filter({ hasText: "line-123" }).waitFor();
  await ana.page.getByText("This is the oldest.").waitFor();
  expect(await rows.count()).toBe(1);
  await ana.page.getByLabel("Text in the record").fill("nobody ever said this");
  await ana.page.getByText("Nothing in this record is like that.").waitFor();
  expect(await ana.page.title()).toBe("Audit · Holdfast");
  expect(ana.complaints).toEqual([]);
});

test("the host verifies its record for a page, and what the filters show is saved as hold audit export writes it", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { name: "saved", command: ["cat"] });
  await admin.send(session.id, bytes("one\r"));
  await admin.send(session.id, bytes("two\r"));
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.page.keyboard.press("Control+k");
  await ana.page.keyboard.type("Audit");
  await ana.page.keyboard.press("Enter");
  await ana.page.getByRole("button", { name: "Verify" }).click();
  const verification = ana.page.getByRole("region", { name: "Verification" });
  await verification.getByText("The record is whole.").waitFor();
  await verification.getByText(/^\d+ records in \d+ segments/).waitFor();
  await verification.getByRole("button", { name: "Close" }).click();

  await ana.page.getByLabel("What").selectOption("Typed");
  const coming = ana.page.waitForEvent("download");
  await ana.page.getByRole("button", { name: "Export" }).click();
  const download = await coming;
  expect(download.suggestedFilename()).toMatch(/^audit-this-machine-\d{4}-\d\d-\d\d\.jsonl$/);
  const saved = readFileSync(await download.path(), "utf8")
    .trimEnd()
    .split("\n");
  const exported = (await held(w, "audit", "export")).split("\n");
  const inputs = exported.filter((line) => (JSON.parse(line) as { kind: string }).kind === "input");
  expect(saved.slice(1)).toEqual(inputs);
  expect(JSON.parse(saved[0]!)).toMatchObject({
    kind: "head",
    publicKey: (JSON.parse(exported[0]!) as { publicKey: string }).publicKey,
  });
  await ana.page.getByText("Saved 2 records.").waitFor();
  expect(ana.complaints).toEqual([]);
});

test("who may not read the record is told whose it is; while the host is away what was read stays, and it is said", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "kept" });
  const ana = await ConsoleBrowser.of();
  const url = await ana.open(w);
  const ben = await browserOf(w, "operator", url);
  await ben.page.getByRole("link", { name: "Audit" }).waitFor({ state: "detached" });
  await ben.page.goto(`${url}/audit`);
  await ben.page.getByRole("heading", { name: "This record is not yours to read" }).waitFor();
  expect(await axeOn(ben)).toEqual([]);

  await ana.page.getByRole("link", { name: "Audit" }).click();
  await ana.page.getByText("This is the oldest.").waitFor();
  await hostDown({ home: w.home, end: true });
  await ana.page.getByText(/does not answer now/).waitFor();
  await ana.page.getByText(/Opened kept/).waitFor();
  expect(await ana.page.getByRole("button", { name: "Verify" }).isDisabled()).toBe(true);
  await w.start();
  await ana.page.getByText(/does not answer now/).waitFor({ state: "detached" });
  expect(ana.complaints).toEqual([]);
});

const strict = 'version = 1\n[ai]\notherwise = "deny"\n';

test("an admin writes the policy: what is wrong is shown with its line, what is right is saved and in force", async () => {
  const w = await world();
  const admin = await w.connect();
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.page.getByRole("link", { name: /Approvals/ }).click();
  await ana.page.getByRole("link", { name: "Policy" }).click();
  await ana.page.getByText("No policy was ever loaded").waitFor();
  await ana.page.getByRole("button", { name: "Begin with an example" }).click();
  const text = ana.page.getByLabel("policy.toml");
  await ana.page.getByText("Nothing is wrong with it.").waitFor();
  await text.fill('version = 1\n\n[ai]\nrun = "perhaps"\n');
  await ana.page.getByRole("button", { name: "Line 4" }).click();
  expect(await ana.page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
  await ana.page.keyboard.type('run = "ask"');
  await ana.page.getByText("Nothing is wrong with it.").waitFor();

  // What was written stays, wherever one goes in the page.
  await ana.page.getByRole("link", { name: "Hosts", exact: true }).click();
  await ana.page.keyboard.press("Control+k");
  await ana.page.keyboard.type("Policy");
  await ana.page.getByRole("menuitem", { name: "Policy" }).waitFor();
  await ana.page.keyboard.press("Enter");
  await ana.page.getByText("Nothing is wrong with it.").waitFor();
  await ana.page.getByRole("button", { name: "Save" }).click();
  await ana.page.getByText("Saved, and in force now.").waitFor();
  const { text: inForce } = await admin.policy();
  expect(inForce).toBe('version = 1\n\n[ai]\nrun = "ask"\n');
  expect(ana.complaints).toEqual([]);
});

test("what a text would say is tried before it is saved, and a request that waits for approval leads there, filled in", async () => {
  const w = await world();
  const admin = await w.connect();
  const asks = `${strict}exec = "ask"\n`;
  await admin.policySave(asks, await admin.policy());
  const session = await w.open(admin, { name: "made" });
  const bot = await w.operator("bot", "ai");
  const over = new AbortController();
  const waits = refusal(bot.exec(session.id, ["make", "all"], { leave: over.signal }));
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  const { page } = ana;
  await page.getByRole("link", { name: /Approvals/ }).click();
  await page.getByRole("link", { name: "Edit policy" }).click();
  const part = page.getByRole("region", { name: "Try it" });
  await part.getByLabel("Command").waitFor();
  expect(await part.getByLabel("Command").inputValue()).toBe("make all");
  expect(await part.getByLabel("In the session").inputValue()).toBe("made");
  await part.getByRole("button", { name: "Try", exact: true }).click();
  await part.getByText("ask", { exact: true }).waitFor();
  await page.getByLabel("policy.toml").fill(`${asks}[[ai.commands]]\nstarts = ["make"]\nrule = "allow"\n`);
  await part.getByText("ask", { exact: true }).waitFor({ state: "detached" });
  await part.getByRole("button", { name: "Try", exact: true }).click();
  await part.getByText('the rule about "make"').waitFor();
  await part.getByText("allow", { exact: true }).waitFor();
  expect(await axeOn(ana)).toEqual([]);
  expect((await admin.policy()).text).toBe(asks);
  over.abort();
  expect(await waits).toBe("needs_approval");
  expect(ana.complaints).toEqual([]);
});

test("over a policy that somebody else saved meanwhile nothing is saved before one has said whose it is to be", async () => {
  const w = await world();
  const admin = await w.connect();
  await admin.policySave(strict, await admin.policy());
  const ana = await ConsoleBrowser.of();
  const url = await ana.open(w);
  await ana.page.goto(`${url}/policy`);
  const text = ana.page.getByLabel("policy.toml");
  await ana.page.getByText("in force", { exact: true }).waitFor();
  await text.fill(`${strict}run = "ask"\n`);
  await ana.page.getByText("Nothing is wrong with it.").waitFor();
  await admin.policySave(`${strict}exec = "ask"\n`, await admin.policy());
  await ana.page.getByRole("button", { name: "Save" }).click();
  const alert = ana.page.getByRole("alert");
  await alert.getByText(/another policy is in force/).waitFor();
  expect(await axeOn(ana)).toEqual([]);
  await alert.getByRole("button", { name: /Keep mine/ }).click();
  await ana.page.getByRole("button", { name: "Save" }).click();
  await ana.page.getByText("Saved, and in force now.").waitFor();
  expect((await admin.policy()).text).toBe(`${strict}run = "ask"\n`);

  const ben = await browserOf(w, "operator", url);
  await ben.page.goto(`${url}/policy`);
  await ben.page.getByText("You see the rules that hold here").waitFor();
  expect(await ben.page.getByLabel("policy.toml").getAttribute("readonly")).not.toBeNull();
  expect(await ben.page.getByRole("button", { name: "Save" }).count()).toBe(0);
  expect([...ana.complaints, ...ben.complaints]).toEqual([]);
});

test("a host is shown with its health, its limits, the ways to it and its mirror; its log comes as it is written, and to admins alone", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "runs" });
  const ana = await ConsoleBrowser.of();
  const url = await ana.open(w);
  await ana.page.getByRole("link", { name: "Hosts", exact: true }).click();
  await ana.page.getByRole("link", { name: "Details" }).click();
  const part = (name: string) => ana.page.getByRole("region", { name, exact: true });
  await part("Health").getByText("Nothing that an admin should see to.").waitFor();
  await part("Limits and load").getByText("Sessions at once").waitFor();
  await part("Ways to it").getByText(url).waitFor();
  await part("Mirror of its record").getByText("copied nowhere").waitFor();
  const log = ana.page.getByRole("log");
  await log.getByText(/serving /).waitFor();
  writeFileSync(files.policy(w.home), strict, { mode: 0o600 });
  await part("Health").getByText("never loaded").waitFor();

  appendFileSync(join(w.home, "host.log"), "Authorization: Bearer abc.def\n<b>as it is</b>\n");
  await log.getByText("<b>as it is</b>").waitFor();
  expect(await log.textContent()).toContain("Authorization: Bearer ***");
  await ana.page.getByRole("button", { name: "Pause" }).click();
  await ana.page.getByRole("button", { name: "Follow" }).waitFor();

  const ben = await browserOf(w, "observer", url);
  await ben.page.goto(ana.page.url());
  await ben.page.getByText("The host’s log is for its admins.").waitFor();
  await ben.page.getByText("Auditors and admins are told.").waitFor();
  await ben.page.goto(`${url}/hosts/${"0".repeat(32)}`);
  await ben.page.getByRole("heading", { name: "This browser does not know that host" }).waitFor();
  expect([...ana.complaints, ...ben.complaints]).toEqual([]);
});

/** By keys alone too: what is pressed is what a pointer would press. */
const screens = [
  [
    "Audit",
    async ({ page }: ConsoleBrowser) => {
      await page.getByRole("link", { name: "Audit" }).press("Enter");
      await page.getByText("This is the oldest.").waitFor();
    },
  ],
  [
    "a verified record",
    async ({ page }: ConsoleBrowser) => {
      await page.getByRole("link", { name: "Audit" }).press("Enter");
      await page.getByRole("button", { name: "Verify" }).press("Enter");
      await page.getByText("The record is whole.").waitFor();
    },
  ],
  [
    "Policy",
    async ({ page }: ConsoleBrowser) => {
      await page.getByRole("link", { name: /Approvals/ }).press("Enter");
      await page.getByRole("link", { name: "Policy" }).press("Enter");
      await page.getByRole("button", { name: "Begin with an example" }).press("Enter");
      await page.getByLabel("policy.toml").fill(`version = 1\n[ai]\nrun = "${"perhaps ".repeat(20)}"\n`);
      await page.getByRole("button", { name: "Line 3" }).waitFor();
    },
  ],
  [
    "a host",
    async ({ page }: ConsoleBrowser) => {
      await page.getByRole("link", { name: "Hosts", exact: true }).press("Enter");
      await page.getByRole("link", { name: "Details" }).press("Enter");
      await page
        .getByRole("log")
        .getByText(/serving /)
        .waitFor();
    },
  ],
] as const;

test("axe finds nothing on these screens, light on a desktop and dark on a phone; at 360 px nothing is wider than the page", async () => {
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
    expect(ana.complaints).toEqual([]);
  }
});
