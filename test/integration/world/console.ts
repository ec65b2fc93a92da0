/** The console as a person has it: `hold console` on the host's machine, and its link in Debian's Chromium. */
import { existsSync, writeFileSync } from "node:fs";
import { files } from "@holdfast/sdk/node";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import axe from "axe-core";
import { expect, onTestFinished } from "vitest";
import { held } from "./hold.ts";
import { freePort } from "./port.ts";
import { fact } from "./processes.ts";
import type { World } from "./world.ts";

export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly scheme?: "light" | "dark";
  /** Takes a certificate that no authority has signed. Default false. */
  readonly ignoresCertificates?: boolean;
}

const SLOW_MS = 100_000;

/**
 * Debian's Chromium in two builds of one source. The shell is its engine with no browser around it: a page in it costs a second less of a
 * processor. What is asked of the browser itself, notices and what it lets one origin do to another, is asked of the whole one.
 */
const CHROMIUM = { whole: "/usr/bin/chromium", shell: "/usr/bin/chromium-headless-shell" } as const;

let browser: Promise<Browser> | null = null;
let executablePath: string = existsSync(CHROMIUM.shell) ? CHROMIUM.shell : CHROMIUM.whole;

/** For all of a file's tests; to be called before their first page. */
export function withWholeChromium(): void {
  executablePath = CHROMIUM.whole;
}

/** One Chromium for a file's tests; its sandbox needs rights that a container's root lacks, and the page is ours. */
function chrome(): Promise<Browser> {
  browser ??= chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // Somebody's name that was made to lead to this machine.
      "--host-resolver-rules=MAP attacker.example 127.0.0.1",
    ],
  });
  return browser;
}

export async function closeChrome(): Promise<void> {
  await (await browser)?.close();
  browser = null;
}

/** A browser of its own: another person's, or another device. */
export class ConsoleBrowser {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page complained of: errors that nobody caught, and what its policy kept from happening. */
  readonly complaints: string[] = [];

  private constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    page.on("pageerror", (fault) => void this.complaints.push(fault.message));
    page.on("console", (said) => {
      if (said.type() === "error" && !/ERR_CONNECTION_REFUSED|WebSocket connection/.test(said.text()))
        this.complaints.push(said.text());
    });
  }

  static async of(
    { width, height, scheme = "light", ignoresCertificates = false }: Screen = { width: 1280, height: 800 },
  ): Promise<ConsoleBrowser> {
    const context = await (await chrome()).newContext({
      viewport: { width, height },
      colorScheme: scheme,
      hasTouch: width < 500,
      ignoreHTTPSErrors: ignoresCertificates,
    });
    // A terminal's lines as text: what a screen reader has, and a test.
    await context.addInitScript(`if (origin !== "null") localStorage["holdfast.settings"] ??= '{"readsAloud":true}'`);
    // A machine that is shared may be slow; whatever never comes true fails all the same.
    context.setDefaultTimeout(SLOW_MS);
    onTestFinished(() => context.close());
    return new ConsoleBrowser(context, await context.newPage());
  }

  /** Another page of the same browser, once this one is gone. */
  async anew(): Promise<ConsoleBrowser> {
    return new ConsoleBrowser(this.context, await this.context.newPage());
  }

  /** As its person would: asks for a link, and opens it. Resolves with the address of the page. */
  async open(w: World, ...args: readonly string[]): Promise<string> {
    // A port of its own: the usual one goes to another world's host while this one's is away.
    if (args.length === 0 && !existsSync(files.console(w.home)))
      writeFileSync(files.console(w.home), `${await freePort()}\n`, { mode: 0o600 });
    const { link, url } = JSON.parse(await held(w, "console", "--no-open", "--json", ...args)) as { link: string; url: string };
    await this.page.goto(link);
    await this.page.getByRole("heading", { name: "Sessions", exact: true }).waitFor();
    return url;
  }

  /** The terminal that has the focus, or the only one: its lines, without blanks at their ends. */
  async lines(): Promise<string[]> {
    const rows = await this.page.locator(".xterm-accessibility-tree > div").allTextContents();
    return rows.map((row) => row.replaceAll("\u00a0", " ").trimEnd());
  }

  sees(what: string | RegExp): Promise<unknown> {
    return fact(`the page's terminal shows ${what}`, async () =>
      (await this.lines()).some((row) => (typeof what === "string" ? row.includes(what) : what.test(row))),
    );
  }

  /** The document can be moved sideways: something is cut. */
  isWider(): Promise<unknown> {
    return this.page.evaluate(`
      document.documentElement.scrollWidth > document.documentElement.clientWidth ||
      [...document.querySelectorAll("[role=dialog], [role=alertdialog]")].some((one) => {
        const { left, right } = one.getBoundingClientRect();
        return left < 0 || right > innerWidth;
      })`);
  }

  /** Axe finds nothing on the screen that is shown now, and nothing of it is cut. `screen`: what it is called where that fails. */
  async isSound(screen: string): Promise<void> {
    expect([screen, await axeOn(this), await this.isWider()]).toEqual([screen, [], false]);
  }

  async goTo(session: string): Promise<void> {
    await this.page.getByRole("row", { name: session, exact: true }).click();
    await this.page.getByText("live", { exact: true }).first().waitFor();
  }

  /** Near the beginning of the row that has this text. */
  async clickRow(text: string): Promise<void> {
    const rows = await this.lines();
    const row = rows.findIndex((line) => line.includes(text));
    if (row < 0) throw new Error(`no row has ${text}: ${rows.join("\n")}`);
    const box = (await this.page.locator(".xterm-screen").boundingBox())!;
    const at = [box.x + 20, box.y + (box.height / rows.length) * (row + 0.5)] as const;
    await this.page.mouse.move(...at, { steps: 3 });
    await this.page.mouse.click(...at);
  }

  /** By the way around; resolves when it is there. */
  async screen(name: string | RegExp): Promise<void> {
    await this.page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name }).click();
    await this.page.getByRole("heading", { level: 1, name }).waitFor();
  }

  async type(text: string): Promise<void> {
    await this.page.locator(".xterm-helper-textarea").first().focus();
    await this.page.keyboard.type(text);
    await this.page.keyboard.press("Enter");
  }
}

/** What axe finds wrong, in a dialog if one is open. */
export async function axeOn({ page, context }: ConsoleBrowser): Promise<string[]> {
  // What the pointer rests on is told in a bubble, which is no part of the screen.
  await page.mouse.move(0, 0);
  await page.getByRole("tooltip").waitFor({ state: "detached" });
  // Screens come when they are asked for, and nothing is wrong with one that has not yet.
  await page.locator("h1").first().waitFor({ state: "attached" });
  const session = await context.newCDPSession(page);
  onTestFinished(() => session.detach().catch(() => {}));
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId } = await session.send("Page.createIsolatedWorld", {
    frameId: frameTree.frame.id,
    worldName: "axe",
  });
  const run = async (expression: string): Promise<unknown> => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
      expression,
      contextId: executionContextId,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  await run(axe.source);
  const found = await run(
    "axe.run(document.querySelector('[role=dialog]') ?? document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`))",
  );
  return found as string[];
}
