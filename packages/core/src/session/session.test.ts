import { create, type EventBody, EventBodySchema, FloorMode, type Init, SessionKind, SessionState } from "@holdfast/protocol";
import { expect, test } from "vitest";
import * as session from "./index.ts";

type Kind = NonNullable<Init<EventBody>["kind"]>;

/** Folds bodies, a second apart. */
function after(...kinds: Kind[]) {
  return kinds.reduce(
    (state, kind, i) =>
      session.fold(state, {
        seq: i + 1,
        actor: "ana",
        atUnixMs: (i + 1) * 1_000,
        body: create(EventBodySchema, { kind }).kind,
        stream: 0,
        offset: i,
        bytes: 10,
      }),
    session.unopened("s1"),
  );
}
const started: Kind = { case: "started", value: { pid: 7, incarnation: 1 } };

test("what a session was opened with is known", () => {
  const facts = after(
    {
      case: "opened",
      value: {
        name: "build",
        sessionKind: SessionKind.PIPES,
        floorMode: FloorMode.OPEN,
        command: ["make"],
        size: { cols: 100, rows: 30 },
        ttlMs: 5n,
      },
    },
    started,
  );
  expect(facts).toMatchObject({
    name: "build",
    kind: "pipes",
    floorMode: "open",
    command: ["make"],
    size: { cols: 100, rows: 30 },
    ttlMs: 5,
    openedBy: "ana",
    state: "running",
    pid: 7,
    createdAt: 1_000,
  });
});

test("each stream's end is where its last output ended", () => {
  expect(after(started, { case: "output", value: {} }, { case: "output", value: {} }).ends).toEqual([12, 0, 0]);
});

test("S3, found: a session that exited does not run again when a start is told later", () => {
  expect(
    after(started, { case: "exited", value: { exit: { code: 3 } } }, { case: "started", value: { pid: 8, incarnation: 2 } }),
  ).toMatchObject({ state: "ended", pid: 7, exit: { code: 3 } });
});

test("S3, found: a session lost in a reboot stays lost with its reason, and learns its exit code", () => {
  const facts = after(
    started,
    { case: "ended", value: { state: SessionState.LOST, reason: "reboot" } },
    { case: "exited", value: { exit: { code: 3 } } },
  );
  expect(facts).toMatchObject({ state: "lost", exit: { code: 3, reason: "reboot", at: 2_000 } });
});

test("S3, found: an exit that is told twice is the first one", () => {
  expect(
    after(started, { case: "exited", value: { exit: { signal: 9 } } }, { case: "exited", value: { exit: { code: 0 } } }).exit,
  ).toMatchObject({ signal: 9, code: null });
});

test("a stream that is closed twice is closed once", () => {
  expect(after({ case: "closed", value: { stream: 1 } }, { case: "closed", value: { stream: 1 } }).closed).toEqual([1]);
});

test("a start that failed says why and has no code", () => {
  expect(after({ case: "ended", value: { state: SessionState.FAILED, reason: "ENOENT" } })).toMatchObject({
    state: "failed",
    exit: { code: null, signal: null, reason: "ENOENT" },
  });
});
