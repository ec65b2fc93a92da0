/**
 * `npm run pictures`: docs/pictures, as the README and docs/console.md show them: the console over a host of its own with people and an AI in it, on a desktop and a
 * phone, light and dark. Needs a build, and Debian's Chromium (`npm run setup`). What is shown is real: sessions, commands, an approval that waits.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connect, homeFolder } from "@holdfast/sdk/node";
import { chromium } from "playwright-core";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const out = join(root, "docs", "pictures");
const place = mkdtempSync(join(tmpdir(), "hold-pictures-"));
const user = join(place, "ana");
mkdirSync(join(user, "shop"), { recursive: true });
const env = {
  ...{ PATH: process.env.PATH ?? "", HOME: user, LANG: "C.UTF-8", SHELL: "/bin/bash", USER: "ana", LOGNAME: "ana", PS1: "$ " },
  ...{ HOLDFAST_HOME: join(place, "state"), XDG_CONFIG_HOME: join(user, ".config") },
};
const hold = (/** @type {string[]} */ ...args) =>
  execFileSync(join(root, "bin", "hold"), args, {
    env,
    cwd: join(user, "shop"),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }).trim();

/** What there is to see. */
function furnish() {
  writeFileSync(join(user, ".bashrc"), "PS1='\\[\\e[36m\\]\\w\\[\\e[0m\\] $ '\n");
  writeFileSync(
    join(user, "shop", "test.sh"),
    `for n in cart checkout ledger search; do sleep 0.2; printf '\\033[32m✓\\033[0m %-10s %s tests\\n' "$n" $((RANDOM % 40 + 12)); done\nprintf '\\033[31m✗\\033[0m %-10s 1 of 31 failed\\n' refunds\nexit 1\n`,
  );
  writeFileSync(join(user, "shop", "README.md"), "# shop\n");
  hold("host", "up");
  for (const name of ["build", "deploy", "notes"]) hold("new", name, "-d");
  hold("new", "watch", "-d", "--", "sh", "-c", "while :; do date; sleep 5; done");
  hold("new", "import", "-d", "--pipes", "--", "sh", "-c", "echo 1,204 rows; sleep 600");
  hold("operator", "add", "ben");
  hold("operator", "add", "claude", "--kind", "ai", "--on-behalf-of", "ben");
  const { path } = JSON.parse(hold("policy", "show", "--json"));
  writeFileSync(path, 'version = 1\n\n[ai]\notherwise = "allow"\nrun = "ask"\n', { mode: 0o600 });
  hold("policy", "reload");
  hold("run", "build", "--", "git log --oneline 2>/dev/null | head -3; ls");
  try {
    hold("run", "build", "--", "sh test.sh");
  } catch {
    // Its exit code is the point.
  }
}

/** @typedef {{ name: string, go: (page: import("playwright-core").Page) => Promise<void> }} Picture */
/** @type {Picture[]} */
const pictures = [
  { name: "sessions", go: async () => {} },
  {
    name: "session",
    go: async (page) => {
      await page.getByRole("row", { name: "build" }).click();
      await page.getByText("live", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Timeline" }).click();
    },
  },
  {
    name: "side-by-side",
    go: async (page) => {
      await page.getByRole("row", { name: "deploy" }).click();
      await page.getByRole("button", { name: "Show another session beside it" }).click();
      await page.getByRole("menuitem", { name: "watch" }).click();
    },
  },
  { name: "approvals", go: async (page) => page.getByRole("link", { name: /Approvals/ }).click() },
  { name: "operators", go: async (page) => page.getByRole("link", { name: /Operators/ }).click() },
  {
    name: "audit",
    go: async (page) => {
      await page.getByRole("link", { name: "Audit" }).click();
      await page.getByRole("button", { name: "Verify" }).click();
      await page.getByText("The record is whole.").waitFor();
    },
  },
  {
    name: "policy",
    go: async (page) => {
      await page.getByRole("link", { name: /Approvals/ }).click();
      await page.getByRole("link", { name: "Policy" }).click();
      await page.getByText("in force", { exact: true }).waitFor();
    },
  },
  { name: "new-session", go: async (page) => page.getByRole("button", { name: "New session" }).click() },
  { name: "settings", go: async (page) => page.getByRole("link", { name: "Settings" }).click() },
  { name: "palette", go: async (page) => page.keyboard.press("Control+k") },
];

const ways = [
  { of: "desktop", viewport: { width: 1280, height: 800 }, names: pictures.map(({ name }) => name) },
  { of: "phone", viewport: { width: 390, height: 780 }, names: ["sessions", "session", "approvals", "settings"] },
];

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
try {
  furnish();
  // It waits until somebody decides: nobody does.
  const asks = spawn(join(root, "bin", "hold"), ["--as", "claude", "run", "deploy", "--", "make deploy STAGE=production"], {
    env,
    stdio: "ignore",
  });
  const home = homeFolder(env);
  const ben = await connect({ home, as: "ben", via: "cli" });
  const claude = await connect({ home, as: "claude", via: "mcp" });
  for (const client of [ben, claude]) await client.attach({ session: "build" }, {});
  const steering = await ben.attach({ session: "watch", take: true }, {});
  await steering.take();
  await delay(1_500);
  const { url } = JSON.parse(hold("console", "--no-open", "--json"));
  mkdirSync(out, { recursive: true });
  for (const { of, viewport, names } of ways)
    for (const scheme of /** @type {const} */ (["light", "dark"])) {
      const context = await browser.newContext({ viewport, colorScheme: scheme, hasTouch: of === "phone" });
      const page = await context.newPage();
      await page.goto(JSON.parse(hold("console", "--no-open", "--json")).link);
      await page.getByRole("row", { name: "build" }).waitFor();
      for (const { name, go } of pictures.filter((picture) => names.includes(picture.name))) {
        await page.goto(url);
        await page.getByRole("row", { name: "build" }).waitFor();
        await go(page);
        await delay(1_200);
        await page.screenshot({ path: join(out, `${name}-${of}-${scheme}.png`) });
        console.log(`${name}-${of}-${scheme}`);
      }
      await context.close();
    }
  asks.kill();
  for (const client of [ben, claude]) client.close();
} finally {
  await browser.close();
  for (const name of ["build", "deploy", "notes", "watch", "import"]) {
    try {
      hold("kill", name);
    } catch {
      // It was not opened.
    }
  }
  hold("host", "down");
  rmSync(place, { recursive: true, force: true });
}
