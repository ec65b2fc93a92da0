/** Debian's Chromium without a window, and pages in it that tell what they see. */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type Browser, type CDPSession, chromium, type Page } from "playwright-core";
import { hashOf } from "./cells.ts";
import { exactAt } from "./figures.ts";
import { type Answers, source, type Told, type Wish } from "./in-page.ts";
import type { Place } from "./place.ts";

/** As the network panel's: bits and milliseconds. */
export interface Network {
  readonly downBits: number;
  readonly upBits: number;
  readonly roundTripMs: number;
}

export const FAST_4G: Network = { downBits: 9_000_000, upBits: 1_500_000, roundTripMs: 85 };

/** Its sandbox needs rights that a container's root lacks. As it is without a graphics card: no WebGL, which the automation would have the processor draw. */
const ARGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-software-rasterizer"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
const VIEWPORT = { width: 1280, height: 800 };
const PATIENCE_MS = 120_000;

let browsers: Browser[] = [];

export async function chrome(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGS });
  browsers.push(browser);
  return browser;
}

export async function closeChrome(): Promise<void> {
  for (const browser of browsers) await browser.close();
  browsers = [];
}

/** A browser that its host knows: its key is in IndexedDB, its page has been fetched. */
export interface Visitor {
  readonly browser: Browser;
  readonly url: string;
  /** An empty page, in a window of its own: one in a tab behind another is given keys, and more, once a second. */
  window(): Promise<Page>;
}

export async function visitor(place: Place): Promise<Visitor> {
  const browser = await chrome();
  const context = await browser.newContext({ viewport: VIEWPORT, colorScheme: "dark" });
  const page = await context.newPage();
  const { link, url } = place.link();
  await page.goto(link);
  await page.getByRole("row").first().waitFor();
  await page.getByRole("row").first().click();
  await page.getByText("live", { exact: true }).first().waitFor();
  // What stands side by side is kept: the next page begins with nothing.
  await page.evaluate("localStorage.removeItem('holdfast.workspace')");
  const { targetInfo } = await (await context.newCDPSession(page)).send("Target.getTargetInfo");
  const all = await browser.newBrowserCDPSession();
  const { browserContextId = "" } = targetInfo;
  const window = async (): Promise<Page> => {
    const opened = context.waitForEvent("page");
    await all.send("Target.createTarget", { url: "about:blank", newWindow: true, browserContextId });
    return opened;
  };
  const made = { browser, url, window: inTurn(window) };
  await made.window();
  await page.close();
  return made;
}

/** Whoever waits for a new page must be the only one. */
function inTurn<T>(act: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return () => {
    const done = last.then(act);
    last = done;
    return done;
  };
}

export class Watched {
  readonly page: Page;
  readonly cdp: CDPSession;
  readonly told: Told[] = [];
  #woken: () => void = () => {};

  private constructor(page: Page, cdp: CDPSession) {
    this.page = page;
    this.cdp = cdp;
    cdp.on("Runtime.bindingCalled", ({ name, payload }) => {
      if (name !== "benchTell") return;
      this.told.push(JSON.parse(payload) as Told);
      this.#woken();
    });
  }

  static async in(by: Visitor, wish: Partial<Wish> = {}): Promise<Watched> {
    const page = await by.window();
    const cdp = await page.context().newCDPSession(page);
    await cdp.send("Runtime.enable");
    await cdp.send("Runtime.addBinding", { name: "benchTell" });
    await page.addInitScript({ content: source({ mark: "", ...wish }) });
    return new Watched(page, cdp);
  }

  async throttle({ downBits, upBits, roundTripMs }: Network): Promise<void> {
    await this.cdp.send("Network.enable");
    await this.cdp.send("Network.emulateNetworkConditions", {
      ...{ offline: false, latency: roundTripMs, downloadThroughput: downBits / 8, uploadThroughput: upBits / 8 },
    });
  }

  async goto(url: string): Promise<void> {
    await this.page.goto(url, { waitUntil: "commit" });
  }

  /** The first thing told, from `from` on, that fits. */
  async until<T extends Told>(fits: (told: Told) => told is T, from = 0): Promise<T> {
    const late = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const found = this.told.slice(from).find(fits);
      if (found) return found as T;
      await new Promise<void>((woken, reject) => {
        this.#woken = woken;
        late.onabort = () => reject(new Error(`${this.page.url()} did not show it: ${JSON.stringify(this.told.slice(-3))}`));
      });
      late.throwIfAborted();
    }
  }

  /** Milliseconds after its navigation began at which it showed all these cells, for good. Compares them one by one, too. */
  async exact(cells: string): Promise<number> {
    const hash = hashOf(cells);
    await this.until((told): told is Told & { is: "drawn" } => told.is === "drawn" && told.hash === hash);
    const held = await this.ask("cells");
    if (held !== cells) throw new Error(`${this.page.url()} shows something else than its host`);
    return exactAt(
      this.told.filter((told) => told.is === "drawn"),
      hash,
    );
  }

  async ask<V extends keyof Answers>(verb: V): Promise<ReturnType<Answers[V]>> {
    return (await this.page.evaluate(`benchAsked.${verb}()`)) as ReturnType<Answers[V]>;
  }

  /** As the browser's process passes a key of the keyboard on. */
  async press(key: string, text = key): Promise<void> {
    const code =
      key === "Enter"
        ? { code: "Enter", windowsVirtualKeyCode: 13 }
        : { code: `Key${key.toUpperCase()}`, windowsVirtualKeyCode: key.toUpperCase().charCodeAt(0) };
    await this.cdp.send("Input.dispatchKeyEvent", { type: "keyDown", key, text, unmodifiedText: text, ...code });
    await this.cdp.send("Input.dispatchKeyEvent", { type: "keyUp", key, ...code });
  }

  /** Begins a line of `cat`'s, and waits until it has said the one before. */
  async newLine(): Promise<void> {
    await this.press("Enter", "\r");
    let before = "";
    for (let same = 0; same < 3; ) {
      await delay(20);
      const cursor = await this.ask("cursor");
      const now = JSON.stringify(cursor);
      same = cursor?.x === 0 && now === before ? same + 1 : 0;
      before = now;
    }
  }

  close(): Promise<void> {
    return this.page.close();
  }
}

/** What a page holds, garbage collected. */
export interface Held {
  /** Of JavaScript's heap, with the buffers behind its arrays. */
  readonly heapMib: number;
  /** Proportional set size of the process that draws it. */
  readonly pssMib: number;
  readonly nodes: number;
}

export class Renderer {
  readonly #on: Watched;
  readonly #pid: number;

  private constructor(on: Watched, pid: number) {
    this.#on = on;
    this.#pid = pid;
  }

  /** The process that works when this page does. */
  static async of(on: Watched, { browser }: Visitor): Promise<Renderer> {
    const session = await browser.newBrowserCDPSession();
    const times = async (): Promise<Map<number, number>> => {
      const { processInfo } = await session.send("SystemInfo.getProcessInfo");
      return new Map(processInfo.filter(({ type }) => type === "renderer").map(({ id, cpuTime }) => [id, cpuTime]));
    };
    const before = await times();
    await on.page.evaluate("for (const end = performance.now() + 500; performance.now() < end; );");
    const worked = [...(await times())].map(([pid, time]) => [pid, time - (before.get(pid) ?? 0)] as const);
    const [pid] = worked.toSorted(([, a], [, b]) => b - a)[0]!;
    await session.detach();
    return new Renderer(on, pid);
  }

  async held(): Promise<Held> {
    const { cdp } = this.#on;
    for (let i = 0; i < 2; i++) await cdp.send("HeapProfiler.collectGarbage");
    const { usedSize, ...more } = await cdp.send("Runtime.getHeapUsage");
    const { backingStorageSize = 0 } = more as { backingStorageSize?: number };
    const { nodes } = await cdp.send("Memory.getDOMCounters");
    const pssKib = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${this.#pid}/smaps_rollup`, "utf8"))?.[1] ?? Number.NaN);
    return { heapMib: (usedSize + backingStorageSize) / 2 ** 20, pssMib: pssKib / 1024, nodes };
  }
}
