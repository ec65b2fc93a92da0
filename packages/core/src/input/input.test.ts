import { expect, test } from "vitest";
import { MonotonicMs, Seq } from "../id.ts";
import { HOST_RESTART, InputLedger, inputRules, type InputFrame, type InputRules, type Settled } from "./index.ts";

/** A host with nothing but a ledger, a clock and the next seq. */
function scene(rules: Partial<InputRules> = {}) {
  const ledger = new InputLedger({ ...inputRules, ...rules });
  let seq = 0;
  let now = MonotonicMs(0);
  const frame = (writer: string, n: number, more: Partial<InputFrame> = {}): InputFrame => ({
    writer,
    n,
    bytes: 1,
    unit: "",
    unitEnd: false,
    interrupt: false,
    ...more,
  });
  const decide = (writer: string, n: number, more: Partial<InputFrame> = {}) => {
    const decision = ledger.decide(frame(writer, n, more));
    return decision.kind === "refuse" ? decision.code : decision.kind;
  };
  return {
    ledger,
    decide,
    /** Decides and, if it may, journals. */
    send: (writer: string, n: number, more: Partial<InputFrame> = {}) => {
      const answer = decide(writer, n, more);
      if (answer === "accept") ledger.accepted(frame(writer, n, more), writer, Seq(++seq), now);
      return answer;
    },
    refused: (writer: string, n: number, more: Partial<InputFrame>) => ledger.refused(frame(writer, n, more)),
    settle: (of: number, status: Settled = "applied", refusal = "") =>
      ledger.settle({ seq: Seq(of), status, bytes: 0, refusal }, now),
    after: (ms: number) => {
      now = MonotonicMs(now + ms);
      return ledger.tick(now);
    },
  };
}

test("I1: a resend is answered with what became of the frame, or told to wait for it", () => {
  const s = scene();
  s.send("a", 1);
  expect(s.decide("a", 1)).toBe("pending");
  s.settle(1, "cut");
  expect(s.ledger.decide({ writer: "a", n: 1, bytes: 1, unit: "", unitEnd: false, interrupt: false })).toMatchObject({
    kind: "settled",
    outcome: { seq: 1, status: "cut" },
  });
});

test("I1: a frame that was refused between two accepted ones is not taken later", () => {
  const s = scene();
  s.send("a", 1);
  s.send("a", 3);
  expect(s.decide("a", 2)).toBe("superseded");
});

test("I1, found: after a host died with several frames unsent, all of them are welcome again, not only the last", () => {
  const s = scene();
  for (let n = 1; n <= 5; n++) s.send("a", n);
  s.settle(1);
  s.settle(2);
  for (const seq of s.ledger.neverSent(Seq(2))) s.settle(seq, "void", HOST_RESTART);
  for (const n of [3, 4, 5]) expect(s.send("a", n)).toBe("accept");
});

test("I1: a void told by the shim is final", () => {
  const s = scene();
  s.send("a", 1);
  s.settle(1, "void");
  expect(s.decide("a", 1)).toBe("settled");
});

test("I1, found: frames whose outcomes were forgotten stay forgotten when the host dies with later ones unsent", () => {
  const s = scene({ rememberedPerWriter: 1 });
  for (let n = 1; n <= 4; n++) s.send("a", n);
  for (let n = 1; n <= 3; n++) s.settle(n);
  s.settle(4, "void", HOST_RESTART);
  expect([s.decide("a", 1), s.decide("a", 2), s.decide("a", 3), s.decide("a", 4)]).toEqual([
    "superseded",
    "superseded",
    "settled",
    "accept",
  ]);
});

test("I1, found: a frame that is not settled is never forgotten, however many follow it", () => {
  const s = scene({ rememberedPerWriter: 2 });
  for (let n = 1; n <= 10; n++) s.send("a", n);
  expect(s.decide("a", 1)).toBe("pending");
  s.settle(1);
  expect(s.decide("a", 1)).toBe("settled");
});

test("I1, found: a writer that was forgotten for its silence is not run twice", () => {
  const s = scene({ writers: 2 });
  s.send("a", 1);
  s.settle(1);
  for (const other of ["b", "c", "d"]) {
    s.send(other, 1);
    s.settle(s.ledger.unsettled()[Symbol.iterator]().next().value!.seq);
  }
  expect(s.decide("a", 1)).toBe("superseded");
  expect(s.ledger.lastN("a")).toBe(1);
  expect(s.send("a", 2)).toBe("accept");
});

test("I1, found: a silent writer's numbers survive that its next frame is void", () => {
  const s = scene({ writers: 1 });
  s.send("a", 1);
  s.settle(1);
  s.send("b", 1);
  s.send("a", 2);
  s.settle(3, "void", HOST_RESTART);
  expect([s.decide("a", 1), s.decide("a", 2)]).toEqual(["superseded", "accept"]);
});

test("I1: frames that the shim refuses before older ones are written do not push those out of memory", () => {
  const s = scene({ rememberedPerWriter: 1 });
  for (let n = 1; n <= 3; n++) s.send("a", n);
  s.settle(2, "refused");
  s.settle(3, "refused");
  expect(s.decide("a", 1)).toBe("pending");
});

test("I1: a writer that was owed an answer when the ledger was saved is not forgotten by the one that is loaded", () => {
  const s = scene();
  s.send("owed", 1);
  const next = InputLedger.load(s.ledger.save(), { ...inputRules, writers: 1 });
  const frame = { n: 1, bytes: 1, unit: "", unitEnd: false, interrupt: false };
  next.accepted({ ...frame, writer: "b" }, "b", Seq(2), MonotonicMs(0));
  expect(next.decide({ ...frame, writer: "owed" }).kind).toBe("pending");
});

test("I1: of the writers, the one that was silent longest is forgotten first", () => {
  const s = scene({ writers: 2 });
  ["a", "b", "a", "c"].forEach((writer, i) => {
    s.send(writer, i + 1);
    s.settle(i + 1);
  });
  expect([s.decide("a", 1), s.decide("b", 2)]).toEqual(["settled", "superseded"]);
});

test("I1: memory of writers is bounded, and a writer that is owed an answer is never forgotten", () => {
  const s = scene({ writers: 2, silentWriters: 3 });
  s.send("owed", 1);
  for (let i = 2; i < 50; i++) {
    s.send(`w${i}`, 1);
    s.settle(i);
  }
  const saved = s.ledger.save() as { writers: unknown[]; silent: unknown[] };
  expect([saved.writers.length, saved.silent.length]).toEqual([2, 3]);
  expect(s.decide("owed", 1)).toBe("pending");
});

test("I1: of writers that are forgotten is known when the last of them was heard of, also by who reads that back", () => {
  const rules = { ...inputRules, writers: 2, silentWriters: 3 };
  const s = scene(rules);
  const loaded = (saved: object) => InputLedger.load(saved, rules).forgottenUpTo;
  for (let i = 1; i <= 5; i++) {
    s.send(`w${i}`, 1);
    s.settle(i);
  }
  expect([s.ledger.forgottenUpTo, loaded(s.ledger.save() as object)]).toEqual([0, 0]);
  for (let i = 6; i <= 9; i++) {
    s.send(`w${i}`, 1);
    s.settle(i);
  }
  expect([s.ledger.forgottenUpTo, loaded(s.ledger.save() as object)]).toEqual([4, 4]);
  // An older host kept no such note: any may have been forgotten.
  expect(loaded({ ...(s.ledger.save() as object), forgottenUpTo: undefined })).toBe(Number.MAX_SAFE_INTEGER);
});

test("I3: input beyond the queue's bytes or frames is refused, an interrupt is not, and what is settled makes room", () => {
  const s = scene({ queueBytes: 10, queueFrames: 2 });
  s.send("a", 1, { bytes: 8 });
  expect(s.decide("b", 1, { bytes: 3 })).toBe("input_blocked");
  expect(s.send("b", 1, { bytes: 2 })).toBe("accept");
  expect(s.decide("b", 2, { bytes: 0 })).toBe("input_blocked");
  expect(s.send("b", 2, { interrupt: true })).toBe("accept");
  s.settle(1);
  s.settle(2);
  expect(s.send("b", 3)).toBe("accept");
});

test("I3, found: frames without bytes and interrupts are bounded too", () => {
  const s = scene({ queueFrames: 4 });
  for (let n = 1; n < 20; n++) s.send("a", n, { bytes: 0 });
  expect(s.ledger.unsettledCount).toBe(4);
  for (let n = 20; n < 40; n++) s.send("a", n, { interrupt: true });
  expect(s.ledger.unsettledCount).toBe(8);
});

test("I4: others wait from a unit's first chunk to its last", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  expect(s.decide("b", 1)).toBe("wait");
  s.send("a", 2, { unit: "u", unitEnd: true });
  expect(s.decide("b", 1)).toBe("accept");
});

test("I4: another frame of its writer closes a unit", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  s.send("a", 2);
  expect(s.decide("b", 1)).toBe("accept");
});

test("I4: a unit whose next chunk does not come is closed after two seconds to the millisecond, and stays closed", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  s.settle(1);
  s.after(1_000);
  s.send("a", 2, { unit: "u" });
  s.settle(2);
  expect(s.ledger.nextWake()).toBe(3_000);
  expect(s.after(1_999)).toBe(false);
  expect(s.decide("b", 1)).toBe("wait");
  expect(s.after(1)).toBe(true);
  expect(s.ledger.nextWake()).toBeNull();
  expect(s.decide("b", 1)).toBe("accept");
  expect(s.decide("a", 3, { unit: "u" })).toBe("input_cut");
});

test("I4, found: a unit whose chunks wait for the program stays open, and its two seconds begin when the last is answered", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  s.send("a", 2, { unit: "u" });
  expect(s.ledger.nextWake()).toBeNull();
  expect(s.after(60_000)).toBe(false);
  s.settle(1);
  expect(s.after(60_000)).toBe(false);
  s.settle(2);
  expect(s.decide("a", 3, { unit: "u" })).toBe("accept");
  expect(s.ledger.nextWake()).toBe(122_000);
  expect([s.after(1_999), s.after(1)]).toEqual([false, true]);
});

test("I4: after a cut the rest of the unit is refused, and its writer's other input is not", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  s.ledger.cut();
  expect(s.decide("a", 2, { unit: "u" })).toBe("input_cut");
  expect(s.decide("a", 2, { unit: "v" })).toBe("accept");
});

test("I4, found: a unit stays broken when the next one of its writer breaks too", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  s.ledger.cut();
  s.refused("a", 3, { unit: "v" });
  expect(s.decide("a", 2, { unit: "u" })).toBe("input_cut");
});

test("I4, found: a chunk that was refused stays so when what its writer sent after it was never sent on", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  s.send("a", 3);
  s.settle(2, "void", HOST_RESTART);
  expect([s.decide("a", 2, { unit: "u" }), s.decide("a", 3)]).toEqual(["superseded", "accept"]);
});

test.each(["a", "b"])("I4, found: an interrupt by %s inside a's unit keeps the rest of the unit out", (who) => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  expect(s.send(who, 2, { interrupt: true })).toBe("accept");
  expect(s.decide("a", 3, { unit: "u" })).toBe("input_cut");
  expect(s.decide("b", 3)).toBe("accept");
});

test("I4: a chunk that was refused keeps the rest of the unit out, also when it was the first", () => {
  const s = scene();
  s.refused("a", 1, { unit: "u" });
  expect(s.decide("a", 2, { unit: "u" })).toBe("input_cut");
});

test.each(["refused", "void", "cut"] as const)(
  "I4, found: a chunk that the shim reports %s keeps the rest of the unit out",
  (status) => {
    const s = scene();
    s.send("a", 1, { unit: "u" });
    s.settle(1, status);
    expect(s.decide("a", 2, { unit: "u" })).toBe("input_cut");
    expect(s.decide("b", 1)).toBe("accept");
  },
);

test("I4, found: a unit of which nothing was sent before the host died begins again, even after two seconds", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  s.settle(1, "void", HOST_RESTART);
  s.after(5_000);
  expect(s.send("a", 1, { unit: "u" })).toBe("accept");
});

test("I4: a unit of which the first chunk was applied stays open when a later one was never sent", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  s.send("a", 2, { unit: "u" });
  s.settle(1);
  s.settle(2, "void", HOST_RESTART);
  expect(s.decide("b", 1)).toBe("wait");
  expect(s.send("a", 2, { unit: "u" })).toBe("accept");
});

test("I4, found: a unit that was closed by a frame that was never sent on is open again", () => {
  for (const last of [{ unit: "u", unitEnd: true }, {}]) {
    const s = scene();
    s.send("a", 1, { unit: "u" });
    s.send("a", 2, last);
    s.send("b", 1);
    for (const seq of s.ledger.neverSent(Seq(1))) s.settle(seq, "void", HOST_RESTART);
    expect(s.decide("b", 1)).toBe("wait");
    expect(s.decide("a", 2, { unit: "u" })).toBe("accept");
  }
});

test("I4: a unit that is open again has its two seconds from then", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  s.settle(1);
  s.send("a", 2, { unit: "u", unitEnd: true });
  s.after(5_000);
  s.settle(2, "void", HOST_RESTART);
  expect(s.ledger.nextWake()).toBe(7_000);
});

test("I4: a unit that was cut before the host died is not open again when its last chunk was never sent on", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  s.send("a", 2, { unit: "u" });
  s.ledger.cut();
  s.settle(2, "void", HOST_RESTART);
  expect(s.decide("b", 1)).toBe("accept");
});

test("I4: a second host's death undoes its own frames, as the first one's did", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  for (const seq of [2, 3]) {
    s.send("a", 2, { unit: "u", unitEnd: true });
    s.settle(seq, "void", HOST_RESTART);
    expect(s.decide("b", 1)).toBe("wait");
  }
});

test("I4: a client that breaks unit after unit costs no more than the last sixteen of their names", () => {
  const s = scene();
  for (let n = 1; n < 100; n++) s.refused("a", n, { unit: `u${n}` });
  expect([s.decide("a", 100, { unit: "u83" }), s.decide("a", 100, { unit: "u84" })]).toEqual(["accept", "input_cut"]);
});

test("I4, found: a unit that was open when the host died is still open in the next one, and misses no chunk", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  const next = InputLedger.load(s.ledger.save(), inputRules, MonotonicMs(10_000));
  const chunk = { writer: "a", bytes: 1, unit: "u", unitEnd: false, interrupt: false };
  expect(next.decide({ ...chunk, writer: "b", n: 1, unit: "" })).toEqual({ kind: "wait" });
  expect(next.decide({ ...chunk, n: 2 })).toEqual({ kind: "accept" });
  expect(next.decide({ ...chunk, n: 3 })).toEqual({ kind: "refuse", code: "input_cut" });
  next.settle({ seq: Seq(1), status: "applied", bytes: 1, refusal: "" }, MonotonicMs(11_000));
  expect([next.tick(MonotonicMs(12_999)), next.tick(MonotonicMs(13_000))]).toEqual([false, true]);
});

test("a unit loaded without a time is cut by the first tick", () => {
  const s = scene();
  s.send("a", 1, { unit: "u" });
  s.settle(1);
  expect(InputLedger.load(s.ledger.save()).tick(MonotonicMs(0))).toBe(true);
});

test("I5, found: a fold learns from another writer's frame that a unit had timed out", () => {
  const s = scene();
  const a = { writer: "a", n: 1, bytes: 1, unit: "u", unitEnd: false, interrupt: false };
  s.ledger.accepted(a, "a", Seq(1), MonotonicMs(0));
  s.ledger.accepted({ ...a, writer: "b", unit: "" }, "b", Seq(2), MonotonicMs(0));
  expect(s.decide("a", 2, { unit: "u" })).toBe("input_cut");
});

test("a number that is no number from 1 is refused", () => {
  const s = scene();
  for (const n of [0, -1, 1.5, Number.NaN, 2 ** 53]) expect(s.decide("a", n)).toBe("bad_request");
});
