/** What is measured, one after the other. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Session } from "@holdfast/sdk";
import type { EchoRounds } from "../relay/figures.ts";
import { ABOVE } from "./cells.ts";
import { FAST_4G, Renderer, type Visitor, visitor, Watched } from "./chrome.ts";
import { type Found, framesOf, type Paint, type Sample } from "./figures.ts";
import type { Told } from "./in-page.ts";
import { Wetty } from "./peer.ts";
import { Place } from "./place.ts";
import { coloured, flood as flooding, floodUntil, MARK, steady } from "./programs.ts";
import { of, root, say } from "./run.ts";

const isListed = (told: Told): told is Told & { is: "listed" } => told.is === "listed";
const isFirst = (told: Told): told is Told & { is: "first" } => told.is === "first";
const isDrawn = (told: Told): told is Told & { is: "drawn" } => told.is === "drawn";
const isEchoed = (told: Told): told is Told & { is: "echoed" } => told.is === "echoed";

async function rounds<T>(act: (round: number) => Promise<T>, most = Number.POSITIVE_INFINITY): Promise<T[]> {
  const found: T[] = [];
  while (found.length < Math.min(most, of("rounds"))) found.push(await act(found.length));
  return found;
}

const PAINTS = `JSON.stringify([
  ...["first-paint", "first-contentful-paint"].map((name) => performance.getEntriesByName(name)[0]?.startTime ?? NaN),
  [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].reduce((sum, { transferSize }) => sum + transferSize, 0),
])`;

export async function paint(place: Place): Promise<Found["paint"]> {
  const by = await visitor(place);
  const visit = async (isCold: boolean, isSlow: boolean): Promise<Paint> => {
    const on = await Watched.in(by);
    if (isCold) {
      await on.cdp.send("Network.clearBrowserCache");
      // The page's service worker answers from a store of its own. The device's key, in another, stays.
      await on.cdp.send("Storage.clearDataForOrigin", {
        origin: new URL(by.url).origin,
        storageTypes: "service_workers,cache_storage",
      });
    }
    if (isSlow) await on.throttle(FAST_4G);
    await on.goto(by.url);
    const { at: listed } = await on.until(isListed);
    const [first, content, bytes] = JSON.parse(await on.page.evaluate(PAINTS)) as [number, number, number];
    await on.close();
    return { first, content, listed, kib: bytes / 1024 };
  };
  const found: Record<string, Paint[]> = {};
  await rounds(async () => {
    for (const isSlow of [false, true])
      for (const isCold of [true, false])
        (found[`${isCold ? "nothing cached" : "seen before"}, ${isSlow ? "fast 4G" : "no throttling"}`] ??= []).push(
          await visit(isCold, isSlow),
        );
  });
  await by.browser.close();
  return found;
}

/** Milliseconds from navigation until a page of its own shows what the host has. */
async function exactIn(by: Visitor, place: Place, session: Session, isSlow = false): Promise<number> {
  const on = await Watched.in(by, { mark: MARK });
  if (isSlow) await on.throttle(FAST_4G);
  await on.goto(by.url + place.path(session));
  const at = await on.exact(await place.cells(session));
  await on.close();
  return at;
}

export async function screen(place: Place): Promise<Found["screen"]> {
  const session = await place.open({ name: "coloured", command: coloured(of("lines")) });
  await place.printed(session, MARK);
  const by = await visitor(place);
  const exact = await rounds(() => exactIn(by, place, session));
  const throttled = await rounds(() => exactIn(by, place, session, true));
  await by.browser.close();
  return { lines: of("lines"), above: ABOVE, exact, throttled };
}

const WATCHED_MS = 3_000;

export async function flood(place: Place): Promise<Found["flood"]> {
  const fileOf = (name: string): string => join(place.folder, name);
  const session = await place.open({ name: "flooded", command: flooding(of("megabytes") * 1e6, fileOf("flooded")) });
  await made(fileOf("flooded"));
  await place.settled(session);
  say(`${of("megabytes")} MB printed`);
  const by = await visitor(place);
  const exact = await rounds(() => exactIn(by, place, session));
  const meanwhile = await rounds(async (round) => {
    const [stop, done] = [fileOf(`stop-${round}`), fileOf(`done-${round}`)];
    const live = await place.open({ name: `flooding-${round}`, command: floodUntil(stop, done) });
    const on = await Watched.in(by, { mark: MARK });
    await on.goto(by.url + place.path(live));
    const { at: first } = await on.until(isFirst);
    await on.ask("watchFrames");
    await delay(WATCHED_MS);
    const frames = framesOf(await on.ask("gaps"));
    writeFileSync(stop, "");
    await made(done);
    await on.until(isDrawn);
    // Asked for only now: an answer takes the host's time from what is measured.
    await place.settled(live);
    const at = await on.exact(await place.cells(live));
    const endedAt = Number(readFileSync(done, "utf8")) * 1_000;
    const behind = (await on.page.evaluate<number>("performance.timeOrigin")) + at - endedAt;
    await on.close();
    await place.client.kill(live.id, 0);
    return { first, behind, frames };
  });
  await by.browser.close();
  return {
    ...{ megabytes: of("megabytes"), exact, frames: meanwhile.map(({ frames }) => frames) },
    firstMs: meanwhile.map(({ first }) => first),
    behindMs: meanwhile.map(({ behind }) => behind),
  };
}

async function made(file: string): Promise<void> {
  while (!existsSync(file)) await delay(5);
}

/** `cat` says a line again, and a terminal takes one of 4,095 at most; this one is no longer than the narrowest terminal. */
const LINE_KEYS = 40;

interface Took {
  readonly buffer: number[];
  readonly drawn: number[];
}

/** One key after the other, each after the echo of the one before and 1 to 17 ms, so that keys fall anywhere between two frames. */
async function typed(on: Watched, keys: number): Promise<Took> {
  const took: Took = { buffer: [], drawn: [] };
  for (let i = 0; i < keys; i++) {
    if (i % LINE_KEYS === 0) await on.newLine();
    const from = on.told.length;
    await on.press(String.fromCharCode(0x61 + (i % 7)));
    const { bufferMs, drawnMs } = await on.until(isEchoed, from);
    took.buffer.push(bufferMs);
    took.drawn.push(drawnMs);
    await delay(1 + ((i * 7) % 17));
  }
  return took;
}

/** The first keys take the floor, and give the session the page's size. */
async function begun(on: Watched): Promise<void> {
  await on.page.locator(".xterm-helper-textarea").first().focus();
  for (const key of "begin") await on.press(key);
  await delay(1_000);
  await typed(on, LINE_KEYS);
}

export async function viewers(place: Place): Promise<Found["viewers"]> {
  const session = await place.open({ name: "looked-at", command: coloured(of("lines")) });
  await place.printed(session, MARK);
  const by = await visitor(place);
  const exact = await rounds(async () => {
    const cells = await place.cells(session);
    const all = await Promise.all(Array.from({ length: of("viewers") }, () => Watched.in(by, { mark: MARK })));
    const began = Date.now();
    const times = await Promise.all(
      all.map(async (on) => {
        await on.goto(by.url + place.path(session));
        const at = await on.exact(cells);
        return (await on.page.evaluate<number>("performance.timeOrigin")) + at - began;
      }),
    );
    say(`${all.length} pages exact after ${Math.max(...times).toFixed(0)} ms`);
    for (const on of all) await on.close();
    return times;
  }, MOST_CROWDS);
  // Typing changes the session's size, and what it shows: after all were exact.
  const one = await Watched.in(by);
  await one.goto(by.url + place.path(session));
  await one.until(isFirst);
  await begun(one);
  const echo: Record<string, number[][]> = { alone: [], clients: [], pages: [] };
  await rounds(async () => {
    echo["alone"]!.push((await typed(one, of("keys") / 3)).drawn);
    for (const kind of ["clients", "pages"] as const) {
      const leave = await (kind === "clients" ? clientsLookOn(place, session) : pagesLookOn(by, place, session));
      await delay(1_000);
      echo[kind]!.push((await typed(one, of("keys") / (kind === "clients" ? 3 : 6))).drawn);
      await leave();
      await delay(1_000);
    }
  }, MOST_CROWDS);
  await by.browser.close();
  return { count: of("viewers"), exact, echo };
}

type Leave = () => Promise<void>;

/** One less than all: somebody types. Each has a link of its own. */
async function clientsLookOn(place: Place, session: Session): Promise<Leave> {
  const others = await Promise.all(Array.from({ length: of("viewers") - 1 }, () => place.connect()));
  for (const client of others) await client.attach({ session: session.id, observe: true, scrollback: ABOVE }, {});
  return async () => {
    for (const client of others) client.close();
  };
}

async function pagesLookOn(by: Visitor, place: Place, session: Session): Promise<Leave> {
  const others = await Promise.all(Array.from({ length: of("viewers") - 1 }, () => Watched.in(by)));
  await Promise.all(
    others.map(async (on) => {
      await on.goto(by.url + place.path(session));
      await on.until(isFirst);
    }),
  );
  return async () => {
    for (const on of others) await on.close();
  };
}

/** Twenty pages are half a minute of two cores. */
const MOST_CROWDS = 2;

/** Ways in turn within a round, and the turn shifts from round to round. */
export async function echo(place: Place): Promise<Found["echo"]> {
  const wetty = await Wetty.start();
  try {
    const session = await place.open({ name: "typed-to", command: ["cat"] });
    const by = await visitor(place);
    const ways: Record<string, Watched> = { page: await Watched.in(by) };
    await ways["page"]!.goto(by.url + place.path(session));
    if (wetty) {
      ways["wetty"] = await Watched.in(by);
      await ways["wetty"].goto(wetty.url);
    }
    for (const on of Object.values(ways)) {
      await on.page.locator(".xterm-helper-textarea").first().waitFor({ state: "attached" });
      await delay(1_000);
      await begun(on);
    }
    const names = Object.keys(ways);
    const [buffer, drawn] = [0, 1].map(() => Object.fromEntries(names.map((name) => [name, [] as number[][]]))) as [
      Record<string, number[][]>,
      Record<string, number[][]>,
    ];
    await rounds(async (round) => {
      for (let i = 0; i < names.length; i++) {
        const name = names[(i + round) % names.length]!;
        const took = await typed(ways[name]!, of("keys"));
        buffer[name]!.push(took.buffer);
        drawn[name]!.push(took.drawn);
      }
    });
    await by.browser.close();
    return { buffer, drawn } satisfies Readonly<Record<string, EchoRounds>>;
  } finally {
    await wetty?.end();
  }
}

const LINES_PER_SECOND = 20;
/** As often as every ten minutes of an hour. */
const SAMPLES = 6;

export async function memory(place: Place): Promise<Found["memory"]> {
  const [minutes, within, real] = [of("minutes"), of("within"), of("real")];
  const many = { lines: minutes * 60 * LINES_PER_SECOND, seconds: within * 60 };
  const more = { lines: real * 60 * LINES_PER_SECOND, seconds: real * 60 };
  const session = await place.open({ name: "steady", command: steady(many, more) });
  const by = await visitor(place);
  const on = await Watched.in(by);
  await on.goto(by.url + place.path(session));
  await on.page.getByText("live", { exact: true }).first().waitFor();
  await delay(5_000);
  const renderer = await Renderer.of(on, by);
  const samples: Sample[] = [];
  const look = async (lines: number): Promise<void> => {
    const held = await renderer.held();
    say(`${lines} lines: ${held.heapMib.toFixed(1)} MiB of heap, ${held.pssMib.toFixed(0)} of PSS`);
    samples.push({ lines, ...held });
  };
  await look(0);
  await place.client.send(session.id, new TextEncoder().encode("\n"), { take: true });
  const began = performance.now();
  const at = async (seconds: number): Promise<void> => delay(Math.max(0, began + seconds * 1_000 - performance.now()));
  for (let i = 1; i <= SAMPLES; i++) {
    await at((many.seconds * i) / SAMPLES);
    await look((many.lines * i) / SAMPLES);
  }
  if (real > 0) {
    await place.printed(session, MARK);
    await look(many.lines + more.lines);
  }
  await by.browser.close();
  return { minutes, within, real, samples };
}

/** As `npm run page:check` counts them. */
export function bundle(): Found["bundle"] {
  const { stdout } = spawnSync(process.execPath, [join(root, "scripts", "page-check.mjs")], { encoding: "utf8" });
  return [...stdout.matchAll(/^(.+): (\d+) KiB of (\d+) /gm)].map(([, what = "", kib, budget]) => ({
    ...{ what, kib: Number(kib), budgetKib: Number(budget) },
  }));
}

const NODES = `document.querySelectorAll("*").length`;
/** What is left to scroll, in pixels, of the list. */
const LEFT = `(() => { const list = document.querySelector("[role=grid]"); return list.scrollHeight - list.scrollTop - list.clientHeight; })()`;
const STEP_PX = 240;

export async function list(): Promise<Found["list"]> {
  const place = new Place("many");
  try {
    await place.start();
    await place.openMany(of("sessions"));
    say(`${of("sessions")} sessions opened`);
    const by = await visitor(place);
    const found = await rounds(async () => {
      const on = await Watched.in(by);
      await on.goto(by.url);
      const { at } = await on.until(isListed);
      await delay(2_000);
      const top = await on.page.evaluate<number>(NODES);
      const height = await on.page.evaluate<number>(LEFT);
      await on.page.mouse.move(640, 400);
      await on.ask("watchFrames");
      for (let left = height; left > 1; ) {
        for (let i = 0; i < 10; i++) await on.page.mouse.wheel(0, STEP_PX);
        left = await on.page.evaluate<number>(LEFT);
      }
      const frames = framesOf(await on.ask("gaps"));
      const bottom = await on.page.evaluate<number>(NODES);
      await on.close();
      return { at, frames, nodes: [top, bottom] as const };
    });
    await by.browser.close();
    return {
      ...{ sessions: of("sessions"), listedMs: found.map(({ at }) => at), frames: found.map(({ frames }) => frames) },
      nodes: found.at(-1)!.nodes,
    };
  } finally {
    await place.end();
  }
}
