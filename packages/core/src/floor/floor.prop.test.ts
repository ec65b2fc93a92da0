import fc from "fast-check";
import { expect, test } from "vitest";
import { Epoch, MonotonicMs, type Operator } from "../id.ts";
import * as floors from "./index.ts";

const numRuns = process.env.HOLDFAST_SOAK ? 50_000 : 500;

const people: Operator[] = [
  { id: "ana", name: "ana", kind: "human" },
  { id: "ben", name: "ben", kind: "human" },
  { id: "bot", name: "bot", kind: "ai" },
  { id: "hal", name: "hal", kind: "ai" },
  { id: "ci", name: "ci", kind: "service" },
];
const by = fc.constantFrom(...people);
const atIt = fc.option(by, { freq: 2 });
/** Each operator has two attachments. */
const seatOf = (operator: Operator, second: boolean) => `${operator.id}${second ? 2 : 1}`;

type Step =
  | { verb: "advance"; ms: number }
  | {
      verb: "type" | "take";
      by: Operator;
      second: boolean;
      dirty: string | null;
      old: number | null;
      interrupt: boolean;
      atIt: Operator | null;
    }
  | { verb: "ask" | "release" | "ai_pause" | "ai_resume" | "revoke"; by: Operator }
  | { verb: "pass"; by: Operator; to: Operator; second: boolean; atIt: Operator | null }
  | { verb: "leave"; by: Operator; second: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      verb: fc.constant("advance" as const),
      ms: fc.constantFrom(1, 999, 1_000, 3_999, 4_000, 29_999, 30_000),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      verb: fc.constantFrom("type" as const, "type" as const, "take" as const),
      by,
      second: fc.boolean(),
      dirty: fc.option(by.map((o) => o.id)),
      old: fc.option(fc.nat(2), { freq: 3 }),
      interrupt: fc.boolean(),
      atIt,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      verb: fc.constantFrom("ask" as const, "release" as const, "ai_pause" as const, "ai_resume" as const, "revoke" as const),
      by,
    }),
  },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant("pass" as const), by, to: by, second: fc.boolean(), atIt }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("leave" as const), by, second: fc.boolean() }) },
);

/** The reference: who holds it, until when; what one step makes of that. Says whether the step is allowed. */
class Model {
  now = 0;
  epoch = 0;
  paused = false;
  holder: Operator | null = null;
  seat = "";
  until = 0;
  readonly open: boolean;
  constructor(open: boolean) {
    this.open = open;
  }

  grant(to: Operator, seat: string): true {
    this.epoch++;
    this.holder = to;
    this.seat = seat;
    return this.keep();
  }
  keep(): true {
    this.until = this.now + (this.holder?.kind === "human" ? 4_000 : 30_000);
    return true;
  }
  free(when: boolean): true {
    if (when) this.holder = null;
    return true;
  }

  step(s: Step): boolean {
    if (s.verb === "advance") this.now += s.ms;
    const holder = this.now < this.until ? this.holder : null;
    switch (s.verb) {
      case "advance":
      case "ask":
        return true;
      case "type":
      case "take": {
        const seat = seatOf(s.by, s.second);
        const mine = holder?.id === s.by.id;
        if (s.by.kind === "ai" && this.paused) return false;
        if (s.verb === "type" && s.old) return false;
        const kept = s.by.kind !== "human" && s.atIt?.kind === "human";
        if (s.verb === "type" && this.open && s.interrupt && kept) return false;
        if (s.verb === "type" && this.open) return mine && seat === this.seat ? this.keep() : true;
        if (s.by.kind === "ai" && s.dirty !== null && s.dirty !== s.by.id) return false;
        if (mine) return seat === this.seat ? this.keep() : this.grant(s.by, seat);
        if (kept) return false;
        return !holder || (s.by.kind === "human" && holder.kind !== "human") ? this.grant(s.by, seat) : false;
      }
      case "release":
        return holder?.id === s.by.id && this.free(true);
      case "pass":
        if ((holder && holder.id !== s.by.id) || (this.paused && (s.by.kind === "ai" || s.to.kind === "ai"))) return false;
        if (s.by.kind !== "human" && s.atIt?.kind === "human") return false;
        return this.grant(s.to, seatOf(s.to, s.second));
      case "leave":
        return this.free(this.seat === seatOf(s.by, s.second));
      case "ai_pause":
        this.paused = true;
        return this.free(holder?.kind === "ai");
      case "ai_resume":
        this.paused = false;
        return true;
      case "revoke":
        return this.free(holder?.id === s.by.id);
    }
  }
}

/** `old` counts back from the present epoch. */
function command(s: Exclude<Step, { verb: "advance" }>, epoch: Epoch): floors.FloorCommand {
  switch (s.verb) {
    case "type":
    case "take": {
      const seat = seatOf(s.by, s.second);
      const { by, dirty: lineDirty, atIt: stillAtIt, interrupt } = s;
      if (s.verb === "take") return { verb: "take", by, seat, lineDirty, stillAtIt };
      return {
        verb: "type",
        by,
        seat,
        lineDirty,
        stillAtIt,
        interrupt,
        ...(s.old === null ? {} : { epoch: Epoch(epoch - s.old) }),
      };
    }
    case "pass":
      return { verb: "pass", by: s.by, to: s.to, seat: seatOf(s.to, s.second), stillAtIt: s.atIt };
    case "leave":
      return { verb: "leave", seat: seatOf(s.by, s.second) };
    case "revoke":
      return { verb: "revoke", operator: s.by.id };
    default:
      return { verb: s.verb, by: s.by };
  }
}

test("whatever people, services and AIs do and however time passes, the floor is held as the model says", () => {
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.array(step, { maxLength: 40, size: "max" }), (open, ticks, steps) => {
      const model = new Model(open);
      let floor = floors.openFloor(open ? "open" : "turn");
      for (const s of steps) {
        const before = floor;
        const allowed = model.step(s);
        const now = MonotonicMs(model.now);
        let events: readonly floors.FloorEvent[] = [];
        if (s.verb !== "advance") {
          const decision = floors.decide(floor, command(s, floor.epoch), now);
          expect({ s, ok: decision.ok }).toEqual({ s, ok: allowed });
          if (decision.ok) events = decision.events;
        } else if (ticks) events = floors.tick(floor, now);
        for (const event of events) floor = floors.apply(floor, event, now);

        const live = floor.tenure && now < floor.tenure.expiresAt ? floor.tenure : null;
        const expected =
          model.holder && model.now < model.until ? { id: model.holder.id, seat: model.seat, until: model.until } : null;
        expect(live && { id: live.operator.id, seat: live.seat, until: live.expiresAt }).toEqual(expected); // F1, F3
        expect(floor.epoch).toBe(model.epoch); // F2
        expect(floor.epoch - before.epoch).toBe(events.filter((e) => e.kind === "granted").length); // F2
        expect(floor.aiPaused).toBe(model.paused);
        if (floor.aiPaused) expect(live?.operator.kind).not.toBe("ai"); // F5
        expect(new Set(floor.asking.map((o) => o.id)).size).toBe(floor.asking.length);
        if (live) expect(floor.asking.map((o) => o.id)).not.toContain(live.operator.id);
      }
    }),
    { numRuns },
  );
});

test("a wake at nextWake frees the floor and asks for no other, one a millisecond earlier does nothing", () => {
  fc.assert(
    fc.property(by, fc.nat(100_000), (who, at) => {
      let floor = floors.openFloor("turn");
      const taken = floors.decide(floor, { verb: "take", by: who, seat: "s", lineDirty: null, stillAtIt: null }, MonotonicMs(at));
      if (taken.ok) for (const event of taken.events) floor = floors.apply(floor, event, MonotonicMs(at));
      const wake = floors.nextWake(floor)!;
      expect(floors.tick(floor, MonotonicMs(wake - 1))).toEqual([]);
      for (const event of floors.tick(floor, wake)) floor = floors.apply(floor, event, wake);
      expect(floor.tenure).toBeNull();
      expect(floors.nextWake(floor)).toBeNull();
    }),
    { numRuns },
  );
});

test("of many who ask, the last sixteen are remembered, in order", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(40), { maxLength: 60, size: "max" }), (ids) => {
      const now = MonotonicMs(0);
      let floor = floors.apply(
        floors.openFloor("turn"),
        { kind: "granted", to: people[0]!, seat: "a", reason: "taken", from: null },
        now,
      );
      let expected: string[] = [];
      for (const id of ids.map(String)) {
        const asked = floors.decide(floor, { verb: "ask", by: { id, name: id, kind: "human" } }, now);
        if (asked.ok) for (const event of asked.events) floor = floors.apply(floor, event, now);
        if (!expected.includes(id)) expected = [...expected, id].slice(-16);
      }
      expect(floor.asking.map((o) => o.id)).toEqual(expected);
    }),
    { numRuns: numRuns / 10 },
  );
});
