/** One watch of the list, part for part, on a clock that is moved by hand. What real sessions do to it is played in test/integration/session-list. */
import type { MonotonicMs } from "@holdfast/core";
import {
  create,
  type Init,
  type Session,
  SessionSchema,
  type SessionWatchAnswer,
  type SessionWatchCall,
  SessionWatchCallSchema,
} from "@holdfast/protocol";
import { Random, Scheduler, settled } from "@holdfast/testkit";
import { describe, expect, test } from "vitest";
import { sessionWatch } from "./session-watch.ts";

interface Fake {
  readonly id: string;
  isOver: boolean;
  readonly facts: { name: string; createdAt: number; lastActivityAt: number; group: string };
  readonly secrets: { inside(shown: Session): Session };
}

class Scene {
  readonly scheduler = new Scheduler(new Random(1));
  readonly sessions = new Map<string, Fake>();
  /** May not be looked at by whoever watches. */
  readonly hidden = new Set<string>();
  readonly told = new Set<(id: string, isMinor: boolean) => void>();
  /** Parts and when each was sent, in ms since the watch began. */
  readonly parts: { readonly at: number; readonly part: SessionWatchAnswer }[] = [];
  readonly leaving = new AbortController();
  hasRoom = true;
  isOver = false;
  #startedAt = 0;

  add(id: string, more: Partial<Fake["facts"]> = {}): Fake {
    const session: Fake = {
      id,
      isOver: false,
      facts: { name: id, createdAt: 1, lastActivityAt: 0, group: "", ...more },
      secrets: { inside: (shown) => ({ ...shown, name: "masked" }) },
    };
    this.sessions.set(id, session);
    return session;
  }

  changes(id: string, isMinor = false): void {
    for (const tell of this.told) tell(id, isMinor);
  }

  watch(value: Init<SessionWatchCall> = {}, operator: object = { kind: "human" }): void {
    const { scheduler, sessions, told, hidden } = this;
    this.#startedAt = scheduler.nowMs;
    const host = {
      sessions,
      changes: {
        watch(tell: (id: string, isMinor: boolean) => void) {
          told.add(tell);
          return () => void told.delete(tell);
        },
        lookOf: () => ({ activity: "running", foreground: "make" }),
      },
      ports: {
        clock: scheduler.clock,
        wakeAt: (at: MonotonicMs, run: () => void) => scheduler.after((at - scheduler.nowMs) * 1000, run),
      },
      parentOf: () => "",
      gate: { allows: (_: object, __: string, { id }: Fake) => !hidden.has(id) },
      may: () => Reflect.get(operator, "role") !== "auditor",
      shown: ({ id, facts }: Fake) => create(SessionSchema, { id, name: facts.name }),
    };
    void sessionWatch(
      {
        host,
        operator,
        signal: this.leaving.signal,
        hasRoom: () => this.hasRoom,
        more: (r: { case: string; value: SessionWatchAnswer }) =>
          void this.parts.push({ at: scheduler.nowMs - this.#startedAt, part: r.value }),
      } as never,
      create(SessionWatchCallSchema, value),
    ).then(() => {
      this.isOver = true;
    });
  }

  async advance(ms: number): Promise<void> {
    const until = this.scheduler.nowUs + ms * 1000;
    await settled();
    while (await this.scheduler.step(until));
  }

  /** What was sent since the last time that this was asked: when, and which names. */
  news(): [number, string][] {
    return this.parts.splice(0).map(({ at, part }) => [at, part.sessions.map((s) => s.name).join(" ")]);
  }
}

describe("the first list", () => {
  test("comes at once, the latest active first, and says how many it begins without", async () => {
    const scene = new Scene();
    scene.add("old", { lastActivityAt: 1 });
    scene.add("new", { lastActivityAt: 3 });
    scene.add("mid", { lastActivityAt: 2 });
    scene.add("not begun", { createdAt: 0, lastActivityAt: 9 });
    scene.watch({ limit: 2 });
    expect(scene.parts).toMatchObject([{ at: 0, part: { first: true, complete: true, omitted: 1n } }]);
    expect(scene.news()).toEqual([[0, "new mid"]]);
    scene.changes("old");
    await scene.advance(1_000);
    expect(scene.news()).toEqual([[250, "old"]]);
  });

  test("of a thousand comes in parts of a hundred, of which the last alone says that it is whole, and others have their turn between", async () => {
    const scene = new Scene();
    for (let n = 0; n < 1_000; n++) scene.add(`s${n}`, { lastActivityAt: n });
    let turns = 0;
    scene.watch();
    scene.scheduler.after(0, () => turns++);
    expect(scene.parts).toHaveLength(1);
    await scene.advance(10);
    expect(turns).toBe(1);
    expect(scene.parts.map(({ part }) => [part.sessions.length, part.first, part.complete])).toEqual([
      [100, true, false],
      ...Array.from({ length: 8 }, () => [100, false, false]),
      [100, false, true],
    ]);
    expect(new Set(scene.parts.flatMap(({ part }) => part.sessions.map((s) => s.id))).size).toBe(1_000);
  });

  test("of nobody's sessions is told too, so that who waits for it knows", () => {
    const scene = new Scene();
    scene.watch();
    expect(scene.parts).toMatchObject([{ at: 0, part: { first: true, complete: true, sessions: [] } }]);
  });
});

describe("a change", () => {
  test("is told after a quarter of a second, what was printed alone after one, and whichever is sooner takes the other along", async () => {
    const scene = new Scene();
    for (const id of ["a", "b"]) scene.add(id);
    scene.watch();
    scene.news();
    scene.changes("a", true);
    await scene.advance(999);
    expect(scene.news()).toEqual([]);
    await scene.advance(1);
    expect(scene.news()).toEqual([[1_000, "a"]]);
    scene.changes("a", true);
    await scene.advance(100);
    scene.changes("b");
    await scene.advance(5_000);
    expect(scene.news()).toEqual([[1_350, "a b"]]);
  });

  test("of the same session many times is told once, as it is when it is sent", async () => {
    const scene = new Scene();
    const a = scene.add("a");
    scene.watch();
    scene.news();
    for (let n = 0; n < 100; n++) {
      a.facts.name = `a${n}`;
      scene.changes("a", n % 2 === 0);
      await scene.advance(10);
    }
    await scene.advance(1_000);
    const news = scene.news();
    expect(news.map(([at]) => at)).toEqual([260, 520, 780, 1_040]);
    expect(news.at(-1)![1]).toBe("a99");
    await scene.advance(60_000);
    expect(scene.news()).toEqual([]);
  });

  test("that takes a session out of the caller's list is told as its going, once, and of one that was never told not at all", async () => {
    const scene = new Scene();
    const a = scene.add("a");
    scene.add("b");
    scene.hidden.add("b");
    scene.watch();
    scene.parts.splice(0);
    a.isOver = true;
    for (const id of ["a", "b", "never"]) scene.changes(id);
    await scene.advance(250);
    expect(scene.parts.splice(0)).toMatchObject([{ part: { sessions: [], gone: ["a"], complete: true } }]);
    for (const id of ["a", "b"]) scene.changes(id);
    await scene.advance(1_000);
    expect(scene.parts).toEqual([]);
    scene.hidden.delete("b");
    scene.changes("b");
    await scene.advance(250);
    expect(scene.news()).toMatchObject([[expect.anything(), "b"]]);
    scene.hidden.add("b");
    scene.changes("b");
    await scene.advance(250);
    expect(scene.parts).toMatchObject([{ part: { gone: ["b"] } }]);
  });
});

test("who is full is sent nothing until there is room, and then the newest of each alone", async () => {
  const scene = new Scene();
  const [a, b] = [scene.add("a"), scene.add("b")];
  scene.watch();
  scene.news();
  scene.hasRoom = false;
  for (let n = 0; n < 50; n++) {
    a.facts.name = `a${n}`;
    scene.changes("a");
    await scene.advance(200);
  }
  b.isOver = true;
  scene.changes("b");
  await scene.advance(10_000);
  expect(scene.parts).toEqual([]);
  scene.hasRoom = true;
  await scene.advance(100);
  expect(scene.parts).toMatchObject([{ part: { sessions: [{ name: "a49" }], gone: ["b"], complete: true } }]);
});

test("who is full from the beginning gets the list whole once there is room, as it is then", async () => {
  const scene = new Scene();
  const a = scene.add("a");
  scene.hasRoom = false;
  scene.watch();
  await scene.advance(5_000);
  expect(scene.parts).toEqual([]);
  a.facts.name = "later";
  scene.hasRoom = true;
  await scene.advance(100);
  expect(scene.parts).toMatchObject([{ part: { first: true, complete: true, sessions: [{ name: "later" }] } }]);
});

test("who leaves is answered at once and leaves nothing behind, in the midst of a list and before it began", async () => {
  const scene = new Scene();
  for (let n = 0; n < 300; n++) scene.add(`s${n}`);
  scene.watch();
  scene.leaving.abort();
  await scene.advance(10_000);
  expect([scene.isOver, scene.parts.length, scene.told.size, scene.scheduler.nextUs]).toEqual([true, 1, 0, null]);
  scene.isOver = false;
  scene.watch();
  await scene.advance(0);
  expect([scene.isOver, scene.parts.length, scene.told.size]).toEqual([true, 1, 0]);
});

test("what runs is told to who may look, and to an AI no name that holds a secret", () => {
  for (const [operator, shown] of [
    [{ kind: "human" }, { name: "a", activity: "running", foreground: "make" }],
    [
      { kind: "human", role: "auditor" },
      { name: "a", activity: "", foreground: "" },
    ],
    [{ kind: "ai" }, { name: "masked", activity: "running", foreground: "make" }],
  ] as const) {
    const scene = new Scene();
    scene.add("a");
    scene.watch({}, operator);
    expect(scene.parts[0]!.part.sessions).toMatchObject([shown]);
  }
});

test("a list of one group, and of those that have ended too, is that and no more", () => {
  const scene = new Scene();
  scene.add("a", { group: "g" });
  scene.add("b");
  scene.add("c", { group: "g" }).isOver = true;
  scene.watch({ group: "g" });
  expect(scene.news()).toEqual([[0, "a"]]);
  scene.watch({ all: true });
  expect(scene.news()).toEqual([[0, "a b c"]]);
});
