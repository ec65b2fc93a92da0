import { create, SessionSchema, SessionWatchAnswerSchema } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { List } from "./session-list.ts";

const part = (ids: readonly string[], more: { first?: boolean; complete?: boolean; gone?: string[]; omitted?: bigint } = {}) =>
  create(SessionWatchAnswerSchema, { sessions: ids.map((id) => create(SessionSchema, { id })), ...more });

test("a list that comes in parts is told once, when it is whole", () => {
  const list = new List();
  expect(list.take(part(["a"], { first: true, omitted: 3n }))).toBeNull();
  expect(list.take(part(["b"], { complete: true }))).toMatchObject({ changed: ["a", "b"], gone: [], omitted: 3 });
});

test("what has changed and what is gone is told of each time, and kept of the whole", () => {
  const list = new List();
  list.take(part(["a", "b"], { first: true, complete: true }));
  const news = list.take(part(["c"], { gone: ["a", "never"], complete: true }))!;
  expect(news.sessions.map((s) => s.id)).toEqual(["b", "c"]);
  expect(news).toMatchObject({ changed: ["c"], gone: ["a"] });
  expect(list.take(part([], { complete: true }))).toMatchObject({ changed: [], gone: [] });
});

test("what changes and goes before the list is whole is told as gone alone", () => {
  const list = new List();
  list.take(part(["a"], { first: true, complete: true }));
  expect(list.take(part(["a"]))).toBeNull();
  expect(list.take(part([], { gone: ["a"], complete: true }))).toMatchObject({ sessions: [], changed: [], gone: ["a"] });
});
