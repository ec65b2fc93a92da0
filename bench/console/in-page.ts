/** What runs in the page that is measured, whoever's page it is: it watches the terminal there and tells by the page's own clock. It is sent as source. */
import { ABOVE, cellsOf, hashOf, type Xterm } from "./cells.ts";

/** All times are milliseconds since the page's navigation began. */
export type Told =
  /** A row of a list is there. */
  | { readonly is: "listed"; readonly at: number }
  /** The first picture of a terminal that has letters. */
  | { readonly is: "first"; readonly at: number }
  /** What the terminal held when it was drawn, each time that this was new and {@link Wish.mark} stood just above the cursor. */
  | { readonly is: "drawn"; readonly at: number; readonly hash: number }
  /** From a key's event until its echo was in the terminal's buffer, and until that was drawn; milliseconds. */
  | { readonly is: "echoed"; readonly key: string; readonly bufferMs: number; readonly drawnMs: number };

export interface Wish {
  /** Stands in the last lines of what is waited for; empty: nothing is waited for. */
  readonly mark: string;
}

/** What the page answers when it is asked. */
export interface Answers {
  cells(): string;
  /** Begins to note how far frames are apart. */
  watchFrames(): void;
  /** Of the frames since: milliseconds from each to the next. */
  gaps(): number[];
  cursor(): { readonly x: number; readonly y: number } | null;
}

/** As much of a page as is used here: the bench's other files know no DOM. */
interface PageWorld {
  readonly document: { querySelector(what: string): object | null };
  readonly MutationObserver: new (
    told: () => void,
  ) => {
    observe(where: object, how: { readonly childList: true; readonly subtree: true }): void;
    disconnect(): void;
  };
  addEventListener(
    name: "keydown",
    told: (event: { readonly key: string; readonly timeStamp: number }) => void,
    early: true,
  ): void;
  requestAnimationFrame(told: (at: number) => void): void;
  benchTell(text: string): void;
  benchAsked: Answers;
  readonly wetty_term?: Xterm;
}

interface Fiber {
  readonly return: Fiber | null;
  readonly memoizedProps: { readonly view?: { readonly terminal?: Xterm } } | null;
}

type Of = (terminal: Xterm, above: number) => string;

function install(page: PageWorld, cells: Of, hash: (text: string) => number, above: number, { mark }: Wish): void {
  const tell = (told: Told): void => page.benchTell(JSON.stringify(told));
  /** A terminal that its page offers, or the one that React's tree holds. */
  const find = (): Xterm | null => {
    const root = page.document.querySelector(".xterm") as ({ readonly parentElement: object } & object) | null;
    if (!root || page.wetty_term) return page.wetty_term ?? null;
    const frame = root.parentElement as Readonly<Record<string, Fiber>>;
    const name = Object.keys(frame).find((key) => key.startsWith("__reactFiber$"));
    for (let fiber: Fiber | null = name ? frame[name]! : null; fiber; fiber = fiber.return)
      if (fiber.memoizedProps?.view?.terminal) return fiber.memoizedProps.view.terminal;
    return null;
  };
  let terminal: Xterm | null = null;
  let key: { readonly key: string; readonly at: number; readonly x: number; bufferMs: number } | null = null;
  let last = 0;
  let isFirst = true;

  const isEchoed = (on: Xterm): boolean => {
    if (!key) return false;
    const { active } = on.buffer;
    const cell = active.getLine(active.baseY + active.cursorY)?.getCell(active.cursorX - 1);
    return active.cursorX === key.x + 1 && cell?.getChars() === key.key;
  };
  const look = (on: Xterm): void => {
    const at = performance.now();
    if (key && isEchoed(on)) {
      if (Number.isNaN(key.bufferMs)) key.bufferMs = at - key.at;
      tell({ is: "echoed", key: key.key, bufferMs: key.bufferMs, drawnMs: at - key.at });
      key = null;
    }
    const { active } = on.buffer;
    const line = (up: number): string => active.getLine(active.baseY + active.cursorY - up)?.translateToString(true) ?? "";
    if (isFirst && (active.cursorY > 0 || active.cursorX > 0)) {
      isFirst = false;
      tell({ is: "first", at });
    }
    if (mark === "" || ![0, 1, 2].some((up) => line(up).includes(mark))) return;
    const now = hash(cells(on, above));
    if (now !== last) tell({ is: "drawn", at, hash: now });
    last = now;
  };
  let isListed = false;
  const watch = new page.MutationObserver(() => {
    if (!isListed && page.document.querySelector("[role=row]")) {
      isListed = true;
      tell({ is: "listed", at: performance.now() });
    }
    if (terminal || !(terminal = find())) return;
    const found = terminal;
    found.onWriteParsed(() => {
      if (key && Number.isNaN(key.bufferMs) && isEchoed(found)) key.bufferMs = performance.now() - key.at;
    });
    found.onRender(() => look(found));
  });
  watch.observe(page.document, { childList: true, subtree: true });
  page.addEventListener(
    "keydown",
    (event) => {
      if (terminal) key = { key: event.key, at: event.timeStamp, x: terminal.buffer.active.cursorX, bufferMs: Number.NaN };
    },
    true,
  );

  let gaps: number[] = [];
  let frame = Number.NaN;
  const onFrame = (at: number): void => {
    if (!Number.isNaN(frame)) gaps.push(at - frame);
    frame = at;
    page.requestAnimationFrame(onFrame);
  };
  page.benchAsked = {
    cells: () => (terminal ? cells(terminal, above) : ""),
    watchFrames: () => {
      gaps = [];
      if (Number.isNaN(frame)) page.requestAnimationFrame(onFrame);
    },
    gaps: () => gaps,
    cursor: () =>
      terminal ? { x: terminal.buffer.active.cursorX, y: terminal.buffer.active.baseY + terminal.buffer.active.cursorY } : null,
  };
}

export const source = (wish: Wish): string =>
  `(${install})(globalThis, ${cellsOf}, ${hashOf}, ${ABOVE}, ${JSON.stringify(wish)});`;
