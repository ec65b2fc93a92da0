/**
 * What stands side by side: tabs of panes, each pane a session. Ids alone are kept, in this browser, so that a reload finds all as it was.
 *   W1  A session stands in one pane at most; asked for again, it is gone to.
 *   W2  A tab has a pane at least, and {@link MOST_PANES} at most.
 */
import { Store } from "../store.ts";

export interface Pane {
  readonly host: string;
  readonly session: string;
}

export interface Workspace {
  readonly tabs: readonly (readonly Pane[])[];
}

export const MOST_PANES = 4;
const KEY = "holdfast.workspace";
const MOST_TABS = 30;

export const isSame = (a: Pane, b: Pane): boolean => a.host === b.host && a.session === b.session;
export const tabOf = ({ tabs }: Workspace, pane: Pane): readonly Pane[] | null =>
  tabs.find((panes) => panes.some((one) => isSame(one, pane))) ?? null;

/** W1. */
export function withPane(workspace: Workspace, pane: Pane): Workspace {
  if (tabOf(workspace, pane)) return workspace;
  return { tabs: [...workspace.tabs, [pane]].slice(-MOST_TABS) };
}

/** W1, W2: `pane` comes beside `beside`, from wherever it stood. A full tab stays as it is. */
export function withSplit(workspace: Workspace, beside: Pane, pane: Pane): Workspace {
  const tab = tabOf(workspace, beside);
  if (!tab || tab.length >= MOST_PANES || tab.some((one) => isSame(one, pane))) return workspace;
  const { tabs } = withoutPane(workspace, pane);
  return { tabs: tabs.map((panes) => (panes.some((one) => isSame(one, beside)) ? [...panes, pane] : panes)) };
}

export function withoutPane({ tabs }: Workspace, pane: Pane): Workspace {
  return { tabs: tabs.map((panes) => panes.filter((one) => !isSame(one, pane))).filter((panes) => panes.length > 0) };
}

/** Of a host that is not known any more nothing is kept. */
export function withoutHost({ tabs }: Workspace, host: string): Workspace {
  return { tabs: tabs.map((panes) => panes.filter((one) => one.host !== host)).filter((panes) => panes.length > 0) };
}

/** Where to go when `pane` is closed: beside it, else the tab before, else the one after; null: nothing is left. */
export function nextTo(workspace: Workspace, pane: Pane): Pane | null {
  const at = workspace.tabs.findIndex((panes) => panes.some((one) => isSame(one, pane)));
  const others = [workspace.tabs[at], workspace.tabs[at - 1], workspace.tabs[at + 1]].flatMap((panes) => panes ?? []);
  return others.find((one) => !isSame(one, pane)) ?? null;
}

/** What was kept; anything that is none is nothing. */
export function readWorkspace(text: string | null): Workspace {
  try {
    const { tabs } = JSON.parse(text ?? "") as Workspace;
    const isPane = (one: Pane): boolean => typeof one.host === "string" && typeof one.session === "string";
    const sound = tabs.filter((panes) => panes.length > 0 && panes.length <= MOST_PANES && panes.every(isPane));
    return { tabs: sound.slice(0, MOST_TABS) };
  } catch {
    return { tabs: [] };
  }
}

export const workspace = new Store<Workspace>(readWorkspace(globalThis.localStorage?.getItem(KEY) ?? null));
workspace.follow(() => localStorage.setItem(KEY, JSON.stringify(workspace.value)));
