/** The console's layout where it is read from the right, and at 200 %: nothing is cut off, and nothing but a terminal or a table scrolls both ways. */
import { writeFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { axeOn, ConsoleBrowser, closeChrome } from "./world/console.ts";
import { fact } from "./world/processes.ts";
import { type World, world } from "./world/world.ts";

afterAll(closeChrome);

/** A session's name is of ASCII; a file's is of whatever its writer wrote: Arabic, Hebrew with a number, and neither. */
const NAMES = ["\u0645\u0631\u062d\u0628\u0627.txt", "\u05e9\u05dc\u05d5\u05dd (1)", "notes.txt"];

/** What one can't get at, and what scrolls both ways: of each, a word about it. */
const FAULTS = `(() => {
  const faults = [];
  const isHidden = (one) => one !== null && (getComputedStyle(one).clipPath === "inset(50%)" || isHidden(one.parentElement));
  const isOwn = (one) => !isHidden(one) && one.closest(".xterm, [hidden], [inert], .visually-hidden, [aria-hidden=true]") === null && one.checkVisibility({ visibilityProperty: true });
  const word = (one) => one.tagName + " " + (one.getAttribute("aria-label") ?? one.textContent).trim().slice(0, 40);
  const doc = document.documentElement;
  if (doc.scrollWidth > doc.clientWidth) faults.push("the page is wider than its window");
  const scope = document.querySelector("[role=dialog], [role=alertdialog]") ?? document;
  for (const one of scope.querySelectorAll("button, a[href], input, select, textarea, [role=row]")) {
    if (!isOwn(one) || one.tabIndex < -1 || one.matches("a[href='#main']")) continue;
    one.scrollIntoView({ block: "center", inline: "center" });
    const box = one.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    const isIn = box.left >= -1 && box.top >= -1 && box.right <= innerWidth + 1 && box.bottom <= innerHeight + 1;
    const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    const isHit = hit !== null && (one.contains(hit) || hit.contains(one) || one.closest("label")?.contains(hit));
    if (!isIn || !isHit) faults.push("out of reach: " + word(one) + " " + JSON.stringify([box.left, box.top, box.right, box.bottom].map(Math.round)) + (isHit ? "" : " under " + (hit ? hit.className : "nothing")));
  }
  for (const one of scope.querySelectorAll("*")) {
    if (!isOwn(one)) continue;
    const { overflowX, overflowY } = getComputedStyle(one);
    const scrolls = (way) => way === "auto" || way === "scroll";
    const isWide = one.scrollWidth > one.clientWidth + 1;
    if (scrolls(overflowX) && isWide && scrolls(overflowY) && one.scrollHeight > one.clientHeight + 1) faults.push("scrolls both ways: " + one.className);
  }
  return faults;
})()`;

const screens = [
  ["Sessions", async () => {}],
  ["a session", async (ana: ConsoleBrowser) => ana.goTo("seen")],
  [
    "its timeline",
    async (ana: ConsoleBrowser) => {
      await ana.goTo("seen");
      await ana.page.getByRole("button", { name: "Timeline" }).click();
      await ana.page.getByLabel("Text in the timeline").waitFor();
    },
  ],
  [
    "its files",
    async (ana: ConsoleBrowser) => {
      await ana.goTo("seen");
      await ana.page.getByRole("button", { name: "Files and ports" }).click();
      await ana.page.getByText("None of its programs listens on a port.").waitFor();
    },
  ],
  ["a new session", async (ana: ConsoleBrowser) => ana.page.getByRole("button", { name: "New session" }).click()],
  ["the palette", async (ana: ConsoleBrowser) => ana.page.keyboard.press("Control+k")],
  ["Approvals", async (ana: ConsoleBrowser) => ana.page.getByRole("link", { name: /Approvals/ }).click()],
  ["Operators", async (ana: ConsoleBrowser) => ana.page.getByRole("link", { name: /Operators/ }).click()],
  ["Hosts", async (ana: ConsoleBrowser) => ana.page.getByRole("link", { name: "Hosts", exact: true }).click()],
  ["Settings", async (ana: ConsoleBrowser) => ana.page.getByRole("link", { name: "Settings" }).click()],
] as const;

async function faultsOn(ana: ConsoleBrowser, url: string): Promise<string[]> {
  const found: string[] = [];
  for (const [name, go] of screens) {
    await ana.page.goto(url);
    await ana.page.getByRole("row", { name: "seen" }).waitFor();
    await go(ana);
    await ana.page.mouse.move(0, 0);
    await fact(`${name} stands`, () => ana.page.evaluate("document.getAnimations().length === 0") as Promise<boolean>);
    for (const fault of (await ana.page.evaluate(FAULTS)) as string[]) found.push(`${name}: ${fault}`);
  }
  return found;
}

async function furnished(): Promise<World> {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "seen" });
  for (const name of NAMES) writeFileSync(w.path(name), "");
  return w;
}

test("at 200 % of a desktop all of every screen is reached, and only a terminal scrolls both ways", async () => {
  const w = await furnished();
  const ana = await ConsoleBrowser.of({ width: 640, height: 400 });
  const url = await ana.open(w);
  expect(await faultsOn(ana, url)).toEqual([]);
  await ana.page.goto(url);
  await ana.goTo("seen");
  const { height } = (await ana.page.locator(".xterm").boundingBox())!;
  expect(height).toBeGreaterThan(100);
});

test.each([
  ["a desktop", { width: 1280, height: 800 }],
  ["a phone", { width: 360, height: 740 }],
])("read from the right on %s, all of every screen is reached, and axe finds nothing", async (_, screen) => {
  const w = await furnished();
  const ana = await ConsoleBrowser.of(screen);
  const url = await ana.open(w);
  await ana.page.getByRole("link", { name: "Settings" }).click();
  await ana.page.getByText("From the right").click();
  expect(await ana.page.evaluate("document.documentElement.dir")).toBe("rtl");
  expect(await axeOn(ana)).toEqual([]);
  const side = (await ana.page.getByRole("link", { name: "Sessions", exact: true }).boundingBox())!;
  expect(side.x + side.width).toBeGreaterThan(screen.width - 40);
  expect(await faultsOn(ana, url)).toEqual([]);
});

test("a name reads in its own direction whichever way the page reads, and a terminal from the left", async () => {
  const w = await furnished();
  const ana = await ConsoleBrowser.of();
  const url = await ana.open(w);
  const inFiles = async (): Promise<unknown> => {
    await ana.page.goto(url);
    await ana.goTo("seen");
    await ana.page.getByRole("button", { name: "Files and ports" }).click();
    for (const name of NAMES) await ana.page.getByRole("row", { name }).waitFor();
    return ana.page.evaluate(`${JSON.stringify(NAMES)}.map((name) => {
      const one = [...document.querySelectorAll("bdi")].find((all) => all.textContent === name);
      return one?.matches(":dir(rtl)") ? "rtl" : "ltr";
    })`);
  };
  expect(await inFiles()).toEqual(["rtl", "rtl", "ltr"]);
  await ana.page.getByRole("link", { name: "Settings" }).click();
  await ana.page.getByText("From the right").click();
  expect(await inFiles()).toEqual(["rtl", "rtl", "ltr"]);
  expect(await ana.page.evaluate("document.querySelector('.xterm').matches(':dir(ltr)')")).toBe(true);
  await ana.type("echo from-the-$((1 + 1))");
  await ana.sees(/^from-the-2/);
  const [frame, letters] = ["main .xterm", "main .xterm-screen"].map((one) => ana.page.locator(one).first().boundingBox());
  expect((await letters)!.x).toBeGreaterThanOrEqual((await frame)!.x);
  expect(ana.complaints).toEqual([]);
});
