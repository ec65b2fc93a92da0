/** `node scripts/icons.mjs`: the page's icons as systems want them that install it, drawn anew from apps/console/public/icon.svg. Needs Debian's Chromium. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "apps", "console", "public");
const svg = readFileSync(join(folder, "icon.svg"), "utf8");
/** To be cut to any shape: its ground to the edge, what it shows within the inner four fifths. */
const whole = svg
  .replace(' rx="14"', "")
  .replace('viewBox="0 0 64 64"', 'viewBox="-8 -8 80 80"')
  .replace(/<rect[^>]*>/, '<rect x="-8" y="-8" width="80" height="80" fill="#0e1112" />');

const icons = [
  { name: "icon-192.png", px: 192, from: svg },
  { name: "icon-512.png", px: 512, from: svg },
  { name: "icon-maskable-512.png", px: 512, from: whole },
  { name: "icon-apple-180.png", px: 180, from: whole },
];

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
try {
  for (const { name, px, from } of icons) {
    const page = await browser.newPage({ viewport: { width: px, height: px } });
    await page.setContent(`<style>*{margin:0}svg{display:block;width:${px}px;height:${px}px}</style>${from}`);
    await page.screenshot({ path: join(folder, name), omitBackground: true });
    await page.close();
    console.log(name);
  }
} finally {
  await browser.close();
}
