import { create, EventBodySchema, FloorMode, SessionKind, SessionState, type EventBody } from "@holdfast/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as session from "./index.ts";
import type { FoldedEvent, SessionFacts } from "./index.ts";

const numRuns = process.env.HOLDFAST_SOAK ? 50_000 : 500;

const text = fc.string({ maxLength: 8 });
const u32 = fc.nat(1_000_000);
const u64 = fc.nat(1_000_000_000).map(BigInt);
const size = fc.record({ cols: fc.integer({ min: 1, max: 500 }), rows: fc.integer({ min: 1, max: 200 }) });
const body: fc.Arbitrary<EventBody["kind"]> = fc
  .oneof(
    fc.record({
      case: fc.constant("opened"),
      value: fc.record({
        name: text,
        cwd: text,
        command: fc.array(text, { maxLength: 3 }),
        size: fc.option(size, { nil: undefined }),
        sessionKind: fc.constantFrom(SessionKind.PTY, SessionKind.PIPES),
        floorMode: fc.constantFrom(FloorMode.TURN, FloorMode.OPEN),
        ttlMs: u64,
        idleTtlMs: u64,
        nonce: text,
      }),
    }),
    fc.record({
      case: fc.constant("started"),
      value: fc.record({ pid: u32, pidStart: u64, shimPid: u32, incarnation: fc.nat(3), bootId: text }),
    }),
    fc.record({ case: fc.constant("output"), value: fc.constant({}) }),
    fc.record({ case: fc.constant("input"), value: fc.record({ writer: text, n: u64 }) }),
    fc.record({
      case: fc.constant("resized"),
      value: fc.record({ size: fc.option(size, { nil: undefined }), pinned: fc.boolean() }),
    }),
    fc.record({ case: fc.constant("floorChanged"), value: fc.record({ holder: text, epoch: u64 }) }),
    fc.record({ case: fc.constant("aiPaused"), value: fc.record({ paused: fc.boolean() }) }),
    fc.record({ case: fc.constant("commandStarted"), value: fc.record({ text, cwd: text }) }),
    fc.record({ case: fc.constant("commandEnded"), value: fc.constant({}) }),
    fc.record({
      case: fc.constant("exited"),
      value: fc.record({ exit: fc.option(fc.record({ code: fc.nat(255), reason: text, atUnixMs: u64 }), { nil: undefined }) }),
    }),
    fc.record({ case: fc.constant("closed"), value: fc.record({ stream: fc.nat(2) }) }),
    fc.record({
      case: fc.constant("ended"),
      value: fc.record({ state: fc.constantFrom(SessionState.ENDED, SessionState.LOST, SessionState.FAILED), reason: text }),
    }),
    fc.record({ case: fc.constant("renamed"), value: fc.record({ name: text }) }),
    fc.record({ case: fc.constant("replyWritten"), value: fc.record({ queryOffset: u64 }) }),
    fc.record({ case: fc.constant("note"), value: fc.record({ text }) }),
  )
  // Through the schema, so that what is missing has the wire's own default.
  .map((kind) => create(EventBodySchema, { kind } as never).kind);
const events = fc
  .array(fc.record({ body, actor: text, atUnixMs: u32, stream: fc.nat(2), offset: u32, bytes: u32 }), {
    maxLength: 40,
    size: "max",
  })
  .map((list): FoldedEvent[] => list.map((e, i) => ({ ...e, seq: i + 1 })));

const foldAll = (list: readonly FoldedEvent[], from: SessionFacts = session.unopened("s")): SessionFacts =>
  list.reduce(session.fold, from);

test("S1: the fold of all events is that of a state, saved as text after any of them, and the events after it", () => {
  fc.assert(
    fc.property(events, fc.nat(40), (list, cut) => {
      const saved = JSON.parse(JSON.stringify(foldAll(list.slice(0, cut)))) as SessionFacts;
      expect(foldAll(list.slice(cut), saved)).toEqual(foldAll(list));
    }),
    { numRuns },
  );
});

test("S2: who opened a session changes nothing but that it is known", () => {
  fc.assert(
    fc.property(events, text, (list, other) => {
      const otherwise = list.map((e) => (e.body.case === "opened" ? { ...e, actor: other } : e));
      expect({ ...foldAll(otherwise), openedBy: "" }).toEqual({ ...foldAll(list), openedBy: "" });
    }),
    { numRuns: numRuns / 4 },
  );
});

test("S3: no event makes a session run again, change how it ended, or take back what is known of its exit", () => {
  fc.assert(
    fc.property(events, (list) => {
      let state = session.unopened("s");
      for (const event of list) {
        const next = session.fold(state, event);
        expect(next.seq).toBe(event.seq);
        expect(session.isOver(next)).toBe(session.isOver(state) || event.body.case === "exited" || event.body.case === "ended");
        if (session.isOver(state)) {
          expect([next.state, next.pid, next.incarnation, next.running]).toEqual([state.state, state.pid, state.incarnation, ""]);
          if (state.exit?.code != null) expect(next.exit).toEqual(state.exit);
          if (state.exit?.reason) expect(next.exit?.reason).toBe(state.exit.reason);
        }
        if (session.isOver(next)) expect(next.exit).not.toBeNull();
        expect(new Set(next.closed).size).toBe(next.closed.length);
        state = next;
      }
    }),
    { numRuns },
  );
});
