import { expect, test } from "vitest";
import { Epoch, MonotonicMs, type Operator } from "../id.ts";
import * as floors from "./index.ts";

const ana: Operator = { id: "ana", name: "ana", kind: "human" };
const ben: Operator = { id: "ben", name: "ben", kind: "human" };
const bot: Operator = { id: "bot", name: "bot", kind: "ai" };
const hal: Operator = { id: "hal", name: "hal", kind: "ai" };
const ci: Operator = { id: "ci", name: "ci", kind: "service" };

/** One session's floor and a clock. */
function scene(mode: floors.FloorMode = "turn") {
  let floor = floors.openFloor(mode);
  let now = MonotonicMs(0);
  const act = (command: floors.FloorCommand) => {
    const decision = floors.decide(floor, command, now);
    if (decision.ok) for (const event of decision.events) floor = floors.apply(floor, event, now);
    return decision.ok ? decision.events.map((e) => e.kind) : decision.refusal.code;
  };
  return {
    act,
    type: (by: Operator, more: { seat?: string; epoch?: number; lineDirty?: string | null } = {}) =>
      act({
        verb: "type",
        by,
        seat: more.seat ?? by.id,
        lineDirty: more.lineDirty ?? null,
        stillAtIt: null,
        ...(more.epoch === undefined ? {} : { epoch: Epoch(more.epoch) }),
      }),
    take: (by: Operator, lineDirty: string | null = null) => act({ verb: "take", by, seat: by.id, lineDirty, stillAtIt: null }),
    pass: (by: Operator, to: Operator) => act({ verb: "pass", by, to, seat: to.id, stillAtIt: null }),
    after: (ms: number) => {
      now = MonotonicMs(now + ms);
    },
    holder: () => floor.tenure?.operator.id ?? null,
    floor: () => floor,
  };
}

test("F2: an input that names an epoch before the last grant is refused, also from the holder", () => {
  const s = scene();
  s.type(ana);
  s.type(ana, { seat: "ana's other terminal" });
  expect(s.type(ana, { seat: "ana", epoch: 1 })).toBe("fenced");
  expect(s.type(ana, { seat: "ana", epoch: 2 })).toEqual(["granted"]);
});

test("F3: exactly at the end of the lease the floor is free, a millisecond before it is not", () => {
  const s = scene();
  s.type(ana);
  s.after(3_999);
  expect(s.type(ben)).toBe("floor_held");
  s.after(1);
  expect(s.type(ben)).toEqual(["freed", "granted"]);
});

test("F4: a person's first key takes the floor from an AI; neither an AI, a service nor a person takes it from a person", () => {
  const s = scene();
  s.type(bot);
  expect(s.type(ana)).toEqual(["granted"]);
  for (const other of [ben, bot, ci]) expect(s.take(other)).toBe("floor_held");
});

test("F4: a service does not take it from an AI, nor an AI from a service", () => {
  for (const [one, other] of [
    [bot, ci],
    [ci, bot],
    [bot, hal],
  ] as const) {
    const s = scene();
    s.type(one);
    expect(s.take(other)).toBe("floor_held");
  }
});

test("F5: an AI is kept from the line that a person left half typed, and may go on with its own", () => {
  const s = scene();
  expect(s.type(bot, { lineDirty: "ana" })).toBe("line_not_empty");
  expect(s.take(bot, "ana")).toBe("line_not_empty");
  expect(s.type(bot, { lineDirty: "bot" })).toEqual(["granted"]);
});

test("F5, found: passed the floor over a half-typed line, an AI waits until the line is empty", () => {
  const s = scene();
  s.type(ana);
  s.pass(ana, bot);
  expect(s.type(bot, { lineDirty: "ana" })).toBe("line_not_empty");
  expect(s.type(bot)).toEqual(["renewed"]);
});

test("F5, found: an AI that passes itself a free floor gets no way around the half-typed line", () => {
  const s = scene();
  s.pass(bot, bot);
  expect(s.type(bot, { lineDirty: "ana" })).toBe("line_not_empty");
});

test("F5, found: while AIs are paused an AI can't hand a free floor to anybody", () => {
  const s = scene();
  s.act({ verb: "ai_pause", by: ana });
  expect(s.pass(bot, ci)).toBe("ai_paused");
  expect(s.pass(ana, bot)).toBe("ai_paused");
  expect(s.pass(ana, ci)).toEqual(["granted"]);
});

test("F5: a pause frees the floor of the AI that holds it; a resume does not give it back", () => {
  const s = scene();
  s.type(bot);
  expect(s.act({ verb: "ai_pause", by: ana })).toEqual(["ai_paused", "freed"]);
  expect(s.type(bot)).toBe("ai_paused");
  s.act({ verb: "ai_resume", by: ana });
  expect(s.holder()).toBeNull();
  expect(s.type(bot)).toEqual(["granted"]);
});

test("F6: with an open floor all type at once, but not a paused AI and not from an old epoch", () => {
  const s = scene("open");
  expect([s.type(ana), s.type(ben), s.type(bot)]).toEqual([[], [], []]);
  s.take(ana);
  expect(s.type(ben, { epoch: 0 })).toBe("fenced");
  s.act({ verb: "ai_pause", by: ana });
  expect(s.type(bot)).toBe("ai_paused");
});

test("F6, found: who took an open floor keeps it by typing", () => {
  const s = scene("open");
  s.take(ana);
  s.after(3_000);
  s.type(ana);
  s.after(3_000);
  expect(s.take(ben)).toBe("floor_held");
});

test("who is passed the floor no longer asks for it, and who is revoked neither asks nor holds", () => {
  const s = scene();
  s.type(ana);
  s.act({ verb: "ask", by: ben });
  s.act({ verb: "ask", by: ci });
  s.pass(ana, ben);
  expect(s.floor().asking).toEqual([ci]);
  expect(s.act({ verb: "revoke", operator: "ci" })).toEqual(["withdrawn"]);
  expect(s.act({ verb: "revoke", operator: "ben" })).toEqual(["freed"]);
});

test("only the seat's leaving frees the floor, not that of the operator's other terminal", () => {
  const s = scene();
  s.type(ana, { seat: "one" });
  expect(s.act({ verb: "leave", seat: "two" })).toEqual([]);
  expect(s.act({ verb: "leave", seat: "one" })).toEqual(["freed"]);
});

test("a floor that others hold is neither released nor passed", () => {
  const s = scene();
  s.type(bot);
  expect(s.act({ verb: "release", by: ana })).toBe("floor_not_yours");
  expect(s.pass(ana, ben)).toBe("floor_not_yours");
});

test("F8: an AI acts beside the terminal unless AIs are paused, and does not disturb a person who steers until their lease is over", () => {
  const s = scene();
  const beside = (by: Operator, disturbs?: boolean) =>
    s.act({ verb: "act", by, ...(disturbs === undefined ? {} : { disturbs }) });
  s.type(ci);
  expect(beside(bot)).toEqual([]);
  s.type(ana);
  expect(beside(bot)).toBe("floor_held");
  expect(beside(bot, false)).toEqual([]);
  expect([beside(ci), beside(ben)]).toEqual([[], []]);
  s.after(4_000);
  expect(beside(bot)).toEqual([]);
  s.act({ verb: "ai_pause", by: ana });
  expect([beside(bot), beside(bot, false)]).toEqual(["ai_paused", "ai_paused"]);
  expect(beside(ana)).toEqual([]);
});
