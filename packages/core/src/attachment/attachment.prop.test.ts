/** Reader against a client with random credit, outbox against a host that answers late or never, window against a link of a known rate. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { MonotonicMs, Offset, Seq } from "../id.ts";
import { creditWindow, holdMs, Outbox, reader, type OutFrame } from "./index.ts";

const numRuns = process.env.HOLDFAST_SOAK ? 100_000 : 1_000;

// --- reader ---

const BEHIND = 100;
const WINDOW = 40;

const readerOp = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant("output" as const), bytes: fc.integer({ min: 0, max: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("flood" as const), bytes: fc.integer({ min: 20, max: 30 }) }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant("step" as const) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("snapshot" as const) }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant("credit" as const), part: fc.double({ min: 0, max: 1.5, noNaN: true }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("jump" as const), why: fc.constantFrom("interrupt" as const, "size" as const) }),
  },
);

test("a reader gets each event once and in order or is told where it jumped to, within its window, and in the end all of it", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("snapshot" as const, "replay" as const),
      fc.array(readerOp, { maxLength: 80, size: "max" }),
      (mode, ops) => {
        const journal: number[] = [];
        const head = () => ({ seq: Seq(journal.length), position: Offset(journal.reduce((a, b) => a + b, 0)) });
        const upTo = (seq: number) => Offset(journal.slice(0, seq).reduce((a, b) => a + b, 0));
        let r = reader.openReader({
          mode,
          cursor: Seq(0),
          position: Offset(0),
          window: WINDOW,
          snapshot: mode === "snapshot" ? "attach" : null,
        });
        let seen = 0;
        let got = 0;
        let last = 0;
        const deliver = (step: reader.Step): void => {
          if (step.do === "snapshot") {
            expect(mode).toBe("snapshot"); // R3
            if (step.why === "behind") expect(head().position - r.position).toBeGreaterThan(BEHIND); // R3
            r = reader.snapshotAsked(r);
            expect(reader.next(r, head(), BEHIND)).toEqual({ do: "nothing" });
          }
          if (step.do !== "send") return;
          if (mode === "snapshot") expect(head().position - r.position).toBeLessThanOrEqual(BEHIND); // R3
          let bytes = 0;
          let to: number = r.cursor;
          while (to < journal.length && bytes < step.maxBytes) {
            last = journal[to]!;
            bytes += last;
            to++;
            expect(to).toBe(seen + 1); // R1
            seen = to;
          }
          got += bytes;
          r = reader.sent(r, Seq(to), upTo(to), bytes);
          expect(r.sent - r.applied).toBeLessThanOrEqual(WINDOW + last); // R2
        };
        const snapshot = (): void => {
          if (r.phase !== "awaits_snapshot") return;
          expect(journal.length).toBeGreaterThanOrEqual(seen);
          seen = journal.length;
          got += 10;
          r = reader.snapshotSent(r, head().seq, head().position, 10);
          expect(r.sent - r.applied).toBeLessThanOrEqual(WINDOW + 10); // R2
        };
        for (const o of ops) {
          if (o.op === "output") journal.push(o.bytes);
          if (o.op === "flood") for (let i = 0; i < 8; i++) journal.push(o.bytes);
          if (o.op === "step") deliver(reader.next(r, head(), BEHIND));
          if (o.op === "snapshot") snapshot();
          if (o.op === "credit") {
            const before = r.applied;
            r = reader.credited(r, Math.floor(got * o.part), null);
            expect(r.applied).toBeGreaterThanOrEqual(before);
            expect(r.applied).toBeLessThanOrEqual(r.sent);
          }
          if (o.op === "jump") r = reader.jump(r, o.why);
        }
        // R1: never silence. A client that applies everything gets to the head in as many steps as there are events.
        for (let i = 0; i < journal.length + 4; i++) {
          r = reader.credited(r, got, null);
          deliver(reader.next(r, head(), BEHIND));
          snapshot();
        }
        expect([seen, r.cursor, r.phase]).toEqual([journal.length, journal.length, "streaming"]);
      },
    ),
    { numRuns },
  );
});

// --- outbox ---

const outboxOp = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant("type" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constantFrom("arrive" as const, "answer" as const), k: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom("lost" as const, "back" as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("reborn" as const) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("advance" as const), ms: fc.constantFrom(1, 2_000, holdMs, holdMs + 1) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("flush" as const, "drop" as const) }) },
);

test("through cuts at any point, what was typed reaches the host once and in order, and what was typed long offline only when confirmed", () => {
  fc.assert(
    fc.property(fc.array(outboxOp, { maxLength: 80, size: "max" }), (ops) => {
      let box = new Outbox<number>();
      let now = MonotonicMs(0);
      let up = true;
      let lostAt = 0;
      let typed = 0;
      let toHost: OutFrame<number>[] = [];
      let answers: number[] = [];
      const host: number[] = [];
      let lastN = 0;
      const dropped = new Set<number>();
      const needsWord = new Set<number>();
      const held: number[] = [];
      const arrive = (): void => {
        const frame = toHost.shift();
        if (!frame) return;
        expect(frame.n).toBeLessThanOrEqual(lastN + 1); // O1: no holes, in order
        if (frame.n > lastN) {
          expect(needsWord.has(frame.frame)).toBe(false); // O3
          host.push(frame.frame);
          lastN = frame.n;
        }
        answers.push(frame.n);
      };
      const back = (): void => {
        const { send, confirm } = box.linkBack(now);
        if (now - lostAt > holdMs) for (const f of held) needsWord.add(f);
        expect(confirm).toBe(held.some((f) => needsWord.has(f)) ? held.length : 0); // O3, a byte a frame
        if (confirm === 0) held.length = 0;
        const ns = send.map((f) => f.n);
        expect(ns).toEqual(ns.toSorted((a, b) => a - b)); // O2
        toHost = [...send];
        up = true;
      };
      for (const o of ops) {
        if (o.op === "type") {
          const frame = box.add(++typed, 1);
          expect(frame === null).toBe(!up || held.length > 0); // O3
          if (frame) toHost.push(frame);
          else held.push(typed);
        }
        if (o.op === "arrive") for (let i = 0; i < o.k; i++) arrive();
        if (o.op === "answer") for (const n of answers.splice(0, o.k)) box.answered(n);
        if (o.op === "advance") now = MonotonicMs(now + o.ms);
        if (o.op === "lost" && up) {
          box.linkLost(now);
          lostAt = now;
          toHost = [];
          answers = [];
          up = false;
        }
        if (o.op === "back" && !up) back();
        if (o.op === "reborn") {
          if (up) lostAt = now;
          up = true;
          answers = [];
          box = new Outbox(box.left);
          box.found(lastN, true);
          for (const f of held) needsWord.add(f); // O5
          back();
        }
        if (o.op === "flush") {
          needsWord.clear();
          held.length = 0;
          const flushed = box.flushHeld();
          if (up) toHost.push(...flushed);
        }
        if (o.op === "drop") {
          const gone = box.dropHeld();
          expect(gone).toEqual(held);
          for (const f of gone) dropped.add(f);
          held.length = 0;
        }
      }
      if (!up) back();
      needsWord.clear();
      toHost.push(...box.flushHeld());
      while (toHost.length > 0) arrive();
      for (const n of answers) box.answered(n);
      expect(host).toEqual(Array.from({ length: typed }, (_, i) => i + 1).filter((f) => !dropped.has(f)));
      expect([box.unansweredBytes, box.heldBytes]).toEqual([0, 0]);
    }),
    { numRuns },
  );
});

// --- window ---

const { windowRules } = creditWindow;

/** A sender that always has more, a link that carries `rate` bytes a millisecond and takes `rttMs` for credit to come round. */
function flood(
  window: creditWindow.Window,
  link: { rate: number; rttMs: number; chunk: number },
  rounds: number,
  rules = windowRules,
  startAt = 0,
): { window: creditWindow.Window; now: number } {
  let now = startAt;
  let w = window;
  let outstanding = 0;
  let linkFreeAt = now;
  const arriving: { at: number; bytes: number }[] = [];
  const credits: { at: number; bytes: number }[] = [];
  let credit = w.bytes;
  for (let i = 0; i < rounds; i++) {
    while (credit > 0) {
      const bytes = link.chunk;
      linkFreeAt = Math.max(linkFreeAt, now) + bytes / link.rate;
      arriving.push({ at: linkFreeAt + link.rttMs / 2, bytes });
      credit -= bytes;
      outstanding += bytes;
    }
    if (credits.length > 0 && credits[0]!.at <= (arriving[0]?.at ?? Number.POSITIVE_INFINITY)) {
      const c = credits.shift()!;
      now = Math.max(now, c.at);
      credit += c.bytes;
      continue;
    }
    const next = arriving.shift()!;
    now = next.at;
    const before = w.bytes;
    w = creditWindow.applied(w, next.bytes, outstanding, MonotonicMs(now), rules);
    outstanding -= next.bytes;
    expect(w.bytes).toBeGreaterThanOrEqual(rules.min); // W1
    expect(w.bytes).toBeLessThanOrEqual(rules.max); // W1
    credits.push({ at: now + link.rttMs / 2, bytes: next.bytes + w.bytes - before });
  }
  return { window: w, now };
}

test("at a constant rate the window settles near what the link carries in 150 ms, within its bounds", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 40_000 }),
      fc.integer({ min: 0, max: 60 }),
      fc.constantFrom(1_024, 4_096, 8_192),
      (rate, rttMs, chunk) => {
        const settled = flood(creditWindow.openWindow(MonotonicMs(0)), { rate, rttMs, chunk }, 4_000).window.bytes;
        const ideal = Math.min(windowRules.max, Math.max(windowRules.min, rate * windowRules.targetMs));
        // A sample may end inside a round trip: near is within a factor of two below.
        expect(settled).toBeGreaterThanOrEqual(ideal * 0.5);
        expect(settled).toBeLessThanOrEqual(ideal * 1.6);
      },
    ),
    // Two that swung.
    {
      numRuns: numRuns / 25,
      examples: [
        [15_429, 60, 4_096],
        [17_530, 59, 1_024],
      ],
    },
  );
});

test("on a long way the window carries the link's whole rate if its rules know the round trip", () => {
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 2_000 }), fc.integer({ min: 150, max: 300 }), (rate, rttMs) => {
      const settled = flood(
        creditWindow.openWindow(MonotonicMs(0)),
        { rate, rttMs, chunk: 4_096 },
        4_000,
        creditWindow.rulesFor(rttMs),
      ).window.bytes;
      expect(settled).toBeGreaterThanOrEqual(Math.min(windowRules.max, rate * rttMs * 0.9));
    }),
    { numRuns: numRuns / 40 },
  );
});

test("whatever is reported, the window stays a whole number within its bounds", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(200_000), fc.nat(2_000_000), fc.nat(5_000)), { maxLength: 60, size: "max" }),
      (samples) => {
        let now = 0;
        let w = creditWindow.openWindow(MonotonicMs(0));
        for (const [bytes, more, ms] of samples) {
          now += ms;
          w = creditWindow.applied(w, bytes, bytes + more, MonotonicMs(now));
          expect(Number.isSafeInteger(w.bytes) && w.bytes >= windowRules.min && w.bytes <= windowRules.max).toBe(true); // W1
        }
      },
    ),
    { numRuns },
  );
});

test("a link that slows down gets a smaller window", () => {
  const fast = flood(creditWindow.openWindow(MonotonicMs(0)), { rate: 20_000, rttMs: 1, chunk: 8_192 }, 3_000);
  expect(fast.window.bytes).toBe(windowRules.max);
  const slow = flood(fast.window, { rate: 100, rttMs: 1, chunk: 8_192 }, 3_000, windowRules, fast.now);
  expect(slow.window.bytes).toBe(windowRules.min);
});
