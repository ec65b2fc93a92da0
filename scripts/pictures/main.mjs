/**
 * `npm run pictures`: docs/pictures, as the README and docs/console.md show them, and each other screen and state: the console over a host of its own with people and an
 * AI in it, on a desktop and a phone, light and dark. `npm run pictures -- NAME…`: those alone. Needs a build, Debian's Chromium and nats-server (`npm run setup`).
 * What is shown is real: sessions, commands, an approval that waits. Only the names of the place are not this machine's (place.mjs).
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { inOwnPlace, root } from "./place.mjs";
import { pictures, states } from "./scenes.mjs";
import { Home } from "./home.mjs";

/** What a phone has, a desktop has not: fingers. */
const WAYS = /** @type {const} */ ({
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 780 }, hasTouch: true },
});

const SETTLED =
  "Promise.all([document.fonts.ready, ...document.getAnimations().map((one) => one.finished.catch(() => {}))]).then(() => null)";

/** @param {readonly string[]} named */
async function takeAll(named) {
  const out = join(root, "docs", "pictures");
  mkdirSync(out, { recursive: true });
  const isWanted = (/** @type {{ name: string }} */ { name }) => named.length === 0 || named.includes(name);
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
  const home = new Home(browser);
  try {
    await home.furnish();
    for (const of of /** @type {const} */ (["desktop", "phone"])) {
      const page = await home.page(WAYS[of]);
      await page.goto(home.link());
      await page.getByRole("row", { name: "build" }).waitFor();
      for (const picture of pictures.filter((one) => isWanted(one) && (one.on ?? of) === of)) {
        await page.goto(home.url);
        await page.getByRole("row", { name: "build" }).waitFor();
        await take(picture, page, of, false);
      }
      for (const state of states.filter((one) => isWanted(one) && (one.on ?? of) === of))
        await take(state, await home.page(WAYS[of]), of, true);
    }
  } finally {
    await browser.close();
    await home.end();
  }

  /**
   * @param {import("./scenes.mjs").Picture} picture
   * @param {import("playwright-core").Page} first
   * @param {string} of
   * @param {boolean} isOwn it is of no other picture
   */
  async function take({ name, go }, first, of, isOwn) {
    let page = first;
    try {
      page = (await go(first, home)) ?? first;
    } catch (fault) {
      process.exitCode = 1;
      console.error(`${name}-${of} was not taken: ${String(fault)}`);
      return home.after(page, isOwn);
    }
    for (const scheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.mouse.move(0, 0);
      await page.evaluate(SETTLED);
      await page.waitForTimeout(400);
      await page.screenshot({ path: join(out, `${name}-${of}-${scheme}.png`) });
      console.log(`${name}-${of}-${scheme}`);
    }
    await home.after(page, isOwn || page !== first);
  }
}

if (inOwnPlace()) {
  await takeAll(process.argv.slice(2));
  // Links of people that were closed may still look for their host.
  process.exit();
}
