import { create, type HostBody, SessionSchema, SessionWatchAnswerSchema } from "@holdfast/protocol";
import { describe, expect, test } from "vitest";
import type { SessionList } from "../api/index.ts";
import { Client } from "./client.ts";
import { List } from "./session-list.ts";
import { HandClock, ScriptedHost, settled } from "./test/scripted-host.ts";

const part = (ids: readonly string[], more: { first?: boolean; complete?: boolean; gone?: string[]; omitted?: bigint } = {}) =>
  create(SessionWatchAnswerSchema, { sessions: ids.map((id) => create(SessionSchema, { id })), ...more });

test("a list that comes in parts is told once, when it is whole", () => {
  const list = new List();
  list.take(part(["a"], { first: true, omitted: 3n }));
  expect(list.news()).toBeNull();
  list.take(part(["b"], { complete: true }));
  expect(list.news()).toMatchObject({ changed: ["a", "b"], gone: [], omitted: 3 });
  expect(list.news()).toBeNull();
});

test("what has changed and what is gone is told of each time, and kept of the whole", () => {
  const list = new List();
  list.take(part(["a", "b"], { first: true, complete: true }));
  list.news();
  list.take(part(["c"], { gone: ["a", "never"], complete: true }));
  const news = list.news()!;
  expect(news.sessions.map((s) => s.id)).toEqual(["b", "c"]);
  expect(news).toMatchObject({ changed: ["c"], gone: ["a"] });
  list.take(part([], { complete: true }));
  expect(list.news()).toMatchObject({ changed: [], gone: [] });
});

test("what changes and goes before the list is whole is told as gone alone", () => {
  const list = new List();
  list.take(part(["a"], { first: true, complete: true }));
  list.news();
  list.take(part(["a"]));
  expect(list.news()).toBeNull();
  list.take(part([], { gone: ["a"], complete: true }));
  expect(list.news()).toMatchObject({ sessions: [], changed: [], gone: ["a"] });
});

interface Watching {
  readonly host: ScriptedHost;
  readonly told: SessionList[];
  readonly over: Promise<string>;
  readonly leave: () => void;
  readonly says: (sessions: readonly object[], more?: { first?: boolean; complete?: boolean; gone?: string[] }) => Promise<void>;
  readonly ends: (result: object) => Promise<void>;
}

async function watching(slow: () => void | Promise<void> = () => {}): Promise<Watching> {
  const host = new ScriptedHost();
  const surroundings = { env: {}, cwd: "/", shell: "sh", umask: 0, nofile: null };
  const client = new Client(await host.dial(), new HandClock(host), surroundings);
  const told: SessionList[] = [];
  const leaving = new AbortController();
  const over = client
    .watchSessions(
      (list) => {
        told.push(list);
        return slow();
      },
      { signal: leaving.signal },
    )
    .then(
      () => "resolved",
      (fault: { code?: string; message: string }) => fault.code ?? fault.message,
    );
  await settled();
  const answer = async (more: boolean, result: object): Promise<void> => {
    const { id } = host.of("call").at(-1)!;
    host.say({ case: "answer", value: { id, more, result } } as unknown as HostBody, 0);
    await settled();
  };
  return {
    host,
    told,
    over,
    leave: () => leaving.abort(),
    says: (sessions, more = {}) => answer(true, { case: "sessionWatch", value: { sessions, gone: [], complete: true, ...more } }),
    ends: (result) => answer(false, result),
  };
}

const names = ({ sessions }: SessionList): string[] => sessions.map((s) => s.name);

describe("a watch of sessions", () => {
  test("holds back what comes while it is told, and tells the newest as one", async () => {
    const waiting: (() => void)[] = [];
    const { told, says } = await watching(() => new Promise((done) => void waiting.push(done)));
    await says([{ id: "a", name: "a0" }], { first: true });
    for (const n of [1, 2, 3]) await says([{ id: "a", name: `a${n}` }]);
    await says([{ id: "b", name: "b0" }]);
    await says([], { gone: ["b"] });
    expect(told.map(names)).toEqual([["a0"]]);
    waiting.shift()!();
    await settled();
    expect(told.slice(1)).toMatchObject([{ sessions: [{ name: "a3" }], changed: ["a"], gone: ["b"] }]);
    waiting.shift()!();
    await settled();
    expect([told.length, waiting.length]).toEqual([2, 0]);
    await says([{ id: "a", name: "a4" }]);
    expect(told.map(names).at(-1)).toEqual(["a4"]);
  });

  test("resolves when it is left, and tells nothing more, whatever was held back", async () => {
    const waiting: (() => void)[] = [];
    const { host, told, says, leave, over, ends } = await watching(() => new Promise((done) => void waiting.push(done)));
    await says([{ id: "a", name: "a0" }], { first: true });
    await says([{ id: "a", name: "a1" }]);
    leave();
    await settled();
    expect(host.of("cancel")).toHaveLength(1);
    waiting.shift()!();
    await settled();
    expect(told).toHaveLength(1);
    await ends({ case: "sessionWatch", value: { sessions: [], gone: [] } });
    expect(await over).toBe("resolved");
  });

  test("rejects when its link ends, and tells nothing of before that", async () => {
    const waiting: (() => void)[] = [];
    const { host, told, says, over } = await watching(() => new Promise((done) => void waiting.push(done)));
    await says([{ id: "a", name: "a0" }], { first: true });
    await says([{ id: "a", name: "a1" }]);
    host.links.at(-1)!.destroy();
    expect(await over).toBe("unreachable");
    waiting.shift()!();
    await settled();
    expect(told).toHaveLength(1);
  });

  test("ends with what its reader throws, also of what was held back, and the host is told that nobody reads", async () => {
    let n = 0;
    const { host, says, over } = await watching(async () => {
      await settled();
      if (++n === 2) throw new Error("not drawn");
    });
    await says([{ id: "a", name: "a0" }], { first: true });
    await says([{ id: "a", name: "a1" }]);
    expect(await over).toBe("not drawn");
    expect(host.of("cancel")).toHaveLength(1);
  });
});
