import { expect, test } from "vitest";
import {
  nextTo,
  type Pane,
  readWorkspace,
  tabOf,
  type Workspace,
  withoutHost,
  withoutPane,
  withPane,
  withSplit,
} from "./workspace.ts";

const pane = (session: string): Pane => ({ host: "h", session });
const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(pane) as [Pane, Pane, Pane, Pane, Pane];
const of = (...tabs: Pane[][]): Workspace => ({ tabs });

test("a session that is opened twice stands once", () => {
  expect(withPane(withPane(of(), a), a)).toEqual(of([a]));
  expect(withPane(of([a, b]), b)).toEqual(of([a, b]));
});

test("a session that comes beside another leaves the tab in which it stood", () => {
  expect(withSplit(of([a], [b], [c]), a, b)).toEqual(of([a, b], [c]));
  expect(withSplit(of([a, b]), a, b)).toEqual(of([a, b]));
  expect(withSplit(of([a, b, c, d], [e]), a, e)).toEqual(of([a, b, c, d], [e]));
});

test("a tab ends with its last pane, and what is gone to then is nearest", () => {
  const all = of([a], [b, c], [d]);
  expect(withoutPane(all, a)).toEqual(of([b, c], [d]));
  expect([nextTo(all, b), nextTo(all, d), nextTo(all, a), nextTo(of([a]), a)]).toEqual([c, b, b, null]);
  expect(tabOf(all, c)).toEqual([b, c]);
});

test("of a host that is forgotten nothing stands any more, also beside others", () => {
  const elsewhere = { host: "other", session: "a" };
  expect(withoutHost(of([a, elsewhere], [b], [elsewhere]), "h")).toEqual(of([elsewhere], [elsewhere]));
});

test("what a browser kept is taken as it is, or not at all", () => {
  expect(readWorkspace(JSON.stringify(of([a, b])))).toEqual(of([a, b]));
  for (const text of [null, "", "{", "[]", '{"tabs":3}', '{"tabs":[[{"host":1}]]}', '{"tabs":[[]]}'])
    expect(readWorkspace(text)).toEqual(of());
});
