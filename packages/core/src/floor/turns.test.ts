/**
 * Who may do what when, cell by cell: three kinds of operator against every state that another's input may be in. The laws are
 * F1 to F7 of floor.ts; a row's last column says which of them, and why.
 */
import { describe, expect, test } from "vitest";
import { MonotonicMs, type Operator } from "../id.ts";
import * as floors from "./index.ts";

type Kind = Operator["kind"];
const one = (id: string, kind: Kind): Operator => ({ id, name: id, kind });
/** Who acts, and who was there before. */
const actor = { human: one("ana", "human"), service: one("ci", "service"), ai: one("bot", "ai") };
const earlier = { human: one("ben", "human"), service: one("job", "service"), ai: one("hal", "ai") };

/** What the one before is up to: holds the floor with input that waits, or has a lease that ran out while input still waits, or is done. */
const standings = ["holds", "at it", "done"] as const;
type Standing = (typeof standings)[number];
type Act = "key" | "interrupt" | "take" | "pass";
const acts: readonly Act[] = ["key", "interrupt", "take", "pass"];

/** The ruling, and whether the input of the one before that still waits is dropped: `go`, `go, cut` or the refusal's code. */
function ruling(mode: floors.FloorMode, act: Act, by: Operator, before: Operator, standing: Standing): string {
  const now = MonotonicMs(100_000);
  let floor = floors.openFloor(mode);
  if (standing === "holds") {
    const granted: floors.FloorEvent = { kind: "granted", to: before, seat: "theirs", reason: "taken", from: null };
    floor = floors.apply(floor, granted, now);
  }
  const stillAtIt = standing !== "done" && before.kind === "human" ? before : null;
  const seat = "mine";
  const command: floors.FloorCommand =
    act === "take"
      ? { verb: "take", by, seat, lineDirty: null, stillAtIt }
      : act === "pass"
        ? { verb: "pass", by, to: one("cy", "human"), seat: "cy's", stillAtIt }
        : { verb: "type", by, seat, lineDirty: null, interrupt: act === "interrupt", stillAtIt };
  const decision = floors.decide(floor, command, now);
  if (!decision.ok) return decision.refusal.code;
  return decision.events.some((event) => floors.cuts(event, before)) ? "go, cut" : "go";
}

/** `go`: what waits stays and goes first (an interrupt overtakes it, and the session drops it: I5). */
type Row = readonly [
  by: Kind,
  before: Kind,
  standing: Standing,
  key: string,
  interrupt: string,
  take: string,
  pass: string,
  why: string,
];

const held = "floor_held";
const notYours = "floor_not_yours";
const turn: readonly Row[] = [
  ["human", "human", "holds", held, held, held, notYours, "F4: between equals it is asked for and passed"],
  ["human", "service", "holds", "go, cut", "go, cut", "go, cut", notYours, "F4: a person takes it from a program at once"],
  ["human", "ai", "holds", "go, cut", "go, cut", "go, cut", notYours, "F4: a person takes it from a program at once"],
  ["service", "human", "holds", held, held, held, notYours, "F4: nobody takes it from a person"],
  ["service", "service", "holds", held, held, held, notYours, "F4: equals ask"],
  ["service", "ai", "holds", held, held, held, notYours, "F4: programs are equals"],
  ["ai", "human", "holds", held, held, held, notYours, "F4: nobody takes it from a person"],
  ["ai", "service", "holds", held, held, held, notYours, "F4: programs are equals"],
  ["ai", "ai", "holds", held, held, held, notYours, "F4: equals ask"],
  [
    "human",
    "human",
    "at it",
    "go",
    "go",
    "go, cut",
    "go, cut",
    "F3: the lease is over; typing comes behind, taking means to steer at once",
  ],
  [
    "human",
    "service",
    "at it",
    "go, cut",
    "go, cut",
    "go, cut",
    "go, cut",
    "F7: a person's first key does not wait for a program",
  ],
  ["human", "ai", "at it", "go, cut", "go, cut", "go, cut", "go, cut", "F7: a person's first key does not wait for a program"],
  ["service", "human", "at it", held, held, held, held, "F7: a person is still at it until all of it is written"],
  ["service", "service", "at it", "go", "go", "go", "go, cut", "F3: the lease is over, and between programs that is all"],
  ["service", "ai", "at it", "go", "go", "go", "go, cut", "F3: the lease is over, and between programs that is all"],
  ["ai", "human", "at it", held, held, held, held, "F7: an AI's ^C must not drop a person's waiting paste"],
  ["ai", "service", "at it", "go", "go", "go", "go, cut", "F3: the lease is over, and between programs that is all"],
  ["ai", "ai", "at it", "go", "go", "go", "go, cut", "F3: the lease is over, and between programs that is all"],
];
const open: readonly Row[] = [
  // With an open floor all may type; what waits of others is never cut by typing, and an interrupt of a program's own is refused over a person's.
  ["human", "human", "at it", "go", "go", "go, cut", "go, cut", "F6: typing interleaves"],
  ["human", "ai", "at it", "go", "go", "go, cut", "go, cut", "F6: typing interleaves, a person may take"],
  ["human", "ai", "holds", "go", "go", "go, cut", notYours, "F6: typing takes nothing"],
  ["service", "human", "at it", "go", held, held, held, "F6, F7: its ^C would drop what a person typed"],
  ["ai", "human", "at it", "go", held, held, held, "F6, F7: its ^C would drop what a person typed"],
  ["ai", "human", "holds", "go", held, held, notYours, "F6, F7: its ^C would drop what a person typed"],
  ["ai", "ai", "at it", "go", "go", "go", "go, cut", "F6: typing interleaves"],
];

describe.each([
  ["turn", turn],
  ["open", open],
] as const)("with the floor's mode %s", (mode, rows) => {
  test.each(rows)("%s, where a %s %s: key %s, interrupt %s, take %s, pass %s (%s)", (by, before, standing, ...rest) => {
    const rulings = acts.map((act) => ruling(mode, act, actor[by], earlier[before], standing));
    expect(rulings).toEqual(rest.slice(0, 4));
  });
});

test("the table has every cell of a floor by turns", () => {
  const kinds = Object.keys(actor) as Kind[];
  const cells = kinds.flatMap((by) =>
    kinds.flatMap((before) => (["holds", "at it"] as const).map((s) => `${by} ${before} ${s}`)),
  );
  expect(turn.map(([by, before, standing]) => `${by} ${before} ${standing}`).sort()).toEqual(cells.sort());
});

test("who is done keeps nobody from a free floor, and nothing of theirs is there to be cut", () => {
  for (const by of Object.values(actor))
    for (const before of Object.values(earlier))
      for (const act of ["key", "interrupt", "take"] as const) expect(ruling("turn", act, by, before, "done")).toMatch(/^go/);
});

describe("of what waits is dropped", () => {
  const to = (who: Operator, from: string | null, reason: floors.GrantReason = "typed"): floors.FloorEvent => ({
    kind: "granted",
    to: who,
    seat: "s",
    reason,
    from,
  });
  test.each<[string, floors.FloorEvent, readonly string[]]>([
    ["everybody else's when the floor is taken from its holder", to(actor.human, "hal", "taken"), ["ben", "job", "hal"]],
    ["everybody else's when it is passed on", to(actor.ai, "ben", "passed"), ["ben", "job", "hal"]],
    [
      "only programs' when a person types on a free floor: people type ahead of each other",
      to(actor.human, null),
      ["job", "hal"],
    ],
    ["everybody else's when a person takes a free floor", to(actor.human, null, "taken"), ["ben", "job", "hal"]],
    ["nobody's when a program takes a free floor", to(actor.ai, null, "taken"), []],
    ["programs' when a person changes terminals", to(actor.human, "ana", "moved"), ["job", "hal"]],
    ["nobody's when a program changes terminals", to(actor.ai, "bot", "moved"), []],
    ["AIs' when they are paused", { kind: "ai_paused" }, ["hal"]],
    ["theirs when its holder is revoked", { kind: "freed", reason: "revoked", from: "job" }, ["job"]],
    ["nobody's when its holder leaves: what was sent is meant", { kind: "freed", reason: "left", from: "ben" }, []],
    ["nobody's when its holder falls idle", { kind: "freed", reason: "idle", from: "ben" }, []],
    ["nobody's when its holder lets go", { kind: "freed", reason: "released", from: "hal" }, []],
    ["nobody's when the holder goes on", { kind: "renewed" }, []],
  ])("%s", (_, event, dropped) => {
    expect(
      Object.values(earlier)
        .filter((o) => floors.cuts(event, o))
        .map((o) => o.id),
    ).toEqual(dropped);
  });

  test("never one's own", () => {
    for (const who of Object.values(actor)) expect(floors.cuts(to(who, "hal", "taken"), who)).toBe(false);
  });
});
