/** Each screen and state, and how one gets there. */

/**
 * @typedef {import("playwright-core").Page} Page
 * @typedef {import("./home.mjs").Home} Home
 * @typedef {object} Picture
 * @property {string} name
 * @property {"desktop" | "phone"} [on] default: both
 * @property {(page: Page, home: Home) => Promise<Page | void>} go `page`: of one that ana's browser has, on the list of sessions; resolves with another if it is one of another browser.
 */

const button = (/** @type {Page} */ page, /** @type {string | RegExp} */ name) => page.getByRole("button", { name, exact: true });

/** @param {Page} page @param {string} name */
async function session(page, name) {
  await page.getByRole("row", { name, exact: true }).click();
  await page.getByText("live", { exact: true }).first().waitFor();
}

/** @param {Page} page @param {string} name */
async function over(page, name) {
  await button(page, /^Ended/).click();
  await page.getByRole("row", { name, exact: true }).click();
  await page.getByText(/^This session /).waitFor();
}

/** @param {string} name */
const screen = (name) => async (/** @type {Page} */ page) => {
  await page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name }).click();
};

/** @param {Page} page @param {string} name @param {string} verb */
async function deed(page, name, verb) {
  await button(page, `What can be done with ${name}`).click();
  await page.getByRole("menuitem", { name: verb }).click();
}

const PASTES = `{
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", "cd /srv/shop\\ngit pull --ff-only\\nmake deploy STAGE=production\\n");
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}`;

/** @type {readonly Picture[]} */
export const pictures = [
  { name: "sessions", go: async (_, home) => home.steer() },
  { name: "sessions-ended", go: async (page) => button(page, /^Ended/).click() },
  { name: "sessions-filtered", go: async (page) => page.getByLabel("Filter sessions").fill("rollback") },
  { name: "new-session", go: async (page) => button(page, "New session").click() },
  { name: "palette", on: "desktop", go: async (page) => page.keyboard.press("Control+k") },
  {
    name: "session",
    go: async (page, home) => {
      await home.steer();
      await session(page, "build");
      await page.getByText("steers").waitFor();
      if (isWide(page)) await button(page, "Timeline").click();
    },
  },
  {
    name: "timeline",
    go: async (page) => {
      await session(page, "build");
      await button(page, "Timeline").click();
      await page.getByLabel("Text in the timeline").fill("test.sh");
      await page
        .getByRole("list", { name: "Timeline" })
        .getByRole("button", { name: /sh test\.sh .*exit 1/ })
        .click();
      await page.getByRole("region", { name: "What sh test.sh printed" }).waitFor();
    },
  },
  {
    name: "gap",
    go: async (page) => {
      await session(page, "login");
      await button(page, "Timeline").click();
      await page.getByText(/not kept any more/).waitFor();
    },
  },
  {
    name: "playback",
    go: async (page) => {
      await session(page, "build");
      await button(page, "Timeline").click();
      await button(page, "Play it back").click();
      await page.getByRole("slider", { name: "Place in the recording" }).waitFor();
      for (const _ of [1, 2]) await page.keyboard.press("]");
    },
  },
  {
    name: "files",
    go: async (page) => {
      await session(page, "preview");
      await button(page, "Files and ports").click();
      await page.getByText("4173", { exact: true }).waitFor();
    },
  },
  {
    name: "file",
    go: async (page) => {
      await session(page, "preview");
      await button(page, "Files and ports").click();
      await page.getByRole("row", { name: "serve.mjs" }).click();
      await page.getByText("createServer").first().waitFor();
    },
  },
  {
    name: "find",
    on: "desktop",
    go: async (page) => {
      await session(page, "build");
      await button(page, "Search what was printed").click();
      await page.keyboard.type("tests");
    },
  },
  {
    name: "side-by-side",
    on: "desktop",
    go: async (page, home) => {
      await home.steer();
      await session(page, "deploy");
      await button(page, "Show another session beside it").click();
      await page.getByRole("menuitem", { name: "watch" }).click();
      await page.getByText("live", { exact: true }).nth(1).waitFor();
    },
  },
  {
    name: "paste",
    go: async (page) => {
      await session(page, "notes");
      await page.evaluate(PASTES);
    },
  },
  { name: "ended", go: async (page) => over(page, "migrate") },
  { name: "lost", go: async (page) => over(page, "train") },
  { name: "share", go: async (page) => deed(page, "build", "Share") },
  {
    name: "invitation",
    go: async (page) => {
      await deed(page, "build", "Share");
      await button(page, "Make an invitation").click();
      await page.getByLabel("Send them this").waitFor();
    },
  },
  { name: "end", go: async (page) => deed(page, "watch", "End") },
  {
    name: "approvals",
    go: async (page) => {
      await screen("Approvals")(page);
      await page.getByRole("article").nth(1).waitFor();
    },
  },
  {
    name: "policy",
    go: async (page) => {
      await screen("Approvals")(page);
      await page.getByRole("link", { name: "Policy", exact: true }).click();
      await page.getByLabel("policy.toml").waitFor();
    },
  },
  { name: "operators", go: screen("Operators") },
  {
    name: "invite",
    go: async (page) => {
      await screen("Operators")(page);
      await button(page, "Invite").click();
      await page.getByText("A person", { exact: true }).click();
    },
  },
  {
    name: "audit",
    go: async (page) => {
      await screen("Audit")(page);
      await button(page, "Verify").click();
      await page.getByText("The record is whole.").waitFor({ timeout: 60_000 });
    },
  },
  { name: "hosts", go: screen("Hosts") },
  {
    name: "host",
    go: async (page) => {
      await screen("Hosts")(page);
      await page.getByRole("link", { name: "Details" }).click();
      await page.getByRole("log").waitFor();
    },
  },
  {
    name: "add-host",
    go: async (page) => {
      await screen("Hosts")(page);
      await button(page, "Add host").click();
    },
  },
  { name: "settings", go: screen("Settings") },
  {
    name: "settings-keys",
    go: async (page) => {
      await screen("Settings")(page);
      await page.getByRole("heading", { name: "Keys" }).scrollIntoViewIfNeeded();
      await button(page, "Reset all keys").scrollIntoViewIfNeeded();
    },
  },
  {
    name: "policy-wrong",
    go: async (page) => {
      await screen("Approvals")(page);
      await page.getByRole("link", { name: "Policy", exact: true }).click();
      await page.getByLabel("policy.toml").fill('version = 1\n\n[ai]\notherwise = "allow"\nrun = "perhaps"\n');
      await button(page, "Line 5").waitFor();
    },
  },
  {
    name: "session-offline",
    go: async (page, home) => {
      await session(page, "notes");
      home.goAway();
      await page.getByText(/^The link has been down for/).waitFor();
      await page.keyboard.type("make release");
      await page.getByText(/wait for the link/).waitFor();
    },
  },
  {
    name: "unsent",
    go: async (page, home) => {
      await session(page, "notes");
      home.goAway();
      await page.getByText(/^The link has been down for/).waitFor();
      await page.keyboard.type("make release");
      await page.waitForTimeout(5_500);
      home.comeBack();
      await button(page, "Send them").waitFor({ timeout: 60_000 });
    },
  },
  {
    name: "sessions-offline",
    go: async (page, home) => {
      home.goAway();
      await page.getByText(/has not answered for/).waitFor();
    },
  },
  {
    name: "no-host",
    go: async (page, home) => {
      home.goAway();
      await page.reload();
      await page.getByRole("heading", { name: "No host answers" }).waitFor({ timeout: 30_000 });
    },
  },
];

const isWide = (/** @type {Page} */ page) => (page.viewportSize()?.width ?? 0) > 800;

/**
 * Of a browser that ana's does not share.
 *
 * @type {readonly Picture[]}
 */
export const states = [
  {
    name: "welcome",
    go: async (page, home) => {
      await page.goto(home.url);
      await page.getByRole("heading", { name: "This browser knows no host yet" }).waitFor();
    },
  },
  {
    name: "used-link",
    go: async (page, home) => {
      const link = home.link();
      await page.goto(link);
      await page.getByRole("row", { name: "build" }).waitFor();
      const another = await home.page({ viewport: page.viewportSize() ?? null });
      await another.goto(link);
      await another.getByRole("alert").waitFor();
      await page.context().close();
      return another;
    },
  },
  {
    name: "guest",
    go: async (page, home) => {
      await page.goto(home.url);
      await page.getByLabel("Or paste an invitation").fill(JSON.parse(home.hold("share", "build", "--json")).invite);
      await button(page, "Join").click();
      await page.getByText("you look on").waitFor();
    },
  },
  {
    name: "refused",
    go: async (page, home) => {
      await page.goto(home.url);
      const { invite } = JSON.parse(home.hold("operator", "invite", isWide(page) ? "eve" : "carol", "--json"));
      await page.getByLabel("Or paste an invitation").fill(invite);
      await button(page, "Join").click();
      await page.getByRole("row", { name: "build" }).waitFor();
      home.hold("operator", "revoke", isWide(page) ? "eve" : "carol");
      await page
        .getByText(/refuses this browser/)
        .first()
        .waitFor();
    },
  },
  {
    name: "loading",
    go: async (page, home) => {
      await page.goto(home.link());
      await page.getByRole("row", { name: "build" }).waitFor();
      const later = await page.context().newPage();
      await later.routeWebSocket(/.*/, () => {});
      await later.goto(home.url);
      await later.getByRole("heading", { name: "Looking at your sessions" }).waitFor();
      return later;
    },
  },
  {
    name: "record",
    go: async (page, home) => {
      await page.goto(await home.record());
      await page.getByRole("row", { name: "build" }).waitFor();
      await page.getByText(/^From the mirror/).waitFor();
    },
  },
  {
    name: "record-host",
    go: async (page, home) => {
      await page.goto(await home.record());
      await page.getByText(/^From the mirror/).waitFor();
      await screen("Hosts")(page);
      await page.getByText("not live", { exact: true }).waitFor();
    },
  },
  {
    name: "record-session",
    go: async (page, home) => {
      await page.goto(await home.record());
      await page.getByRole("row", { name: "build", exact: true }).click();
      await page.getByText("ran then", { exact: true }).first().waitFor();
      await page.getByText("1 of 31 failed").first().waitFor();
      if (isWide(page)) await button(page, "Timeline").click();
    },
  },
  {
    name: "not-end-to-end",
    go: async (page, home) => {
      await page.goto(home.link("console", "--by-relay"));
      await session(page, "build");
      await page.getByText(/Not end to end/).waitFor();
    },
  },
];
