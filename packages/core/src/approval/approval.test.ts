import fc from "fast-check";
import { expect, test } from "vitest";
import { MonotonicMs, type OperatorKind } from "../id.ts";
import { type Approval, decided, type Decision, over, refuseAnswer, refuseDecision, refuseUse, used } from "./approval.ts";

const pending: Approval = {
  id: "r1",
  binding: "b1",
  actors: ["bot", "ana"],
  expiresAt: MonotonicMs(60_000),
  phase: { name: "pending" },
};
const says = (by: string, more: Partial<Decision> = {}, kind: OperatorKind = "human"): Decision => ({
  by: { id: by, name: by, kind },
  mayApprove: true,
  isProtected: true,
  allow: true,
  binding: "b1",
  why: "",
  ...more,
});
const at = MonotonicMs;

test("another person, with the right and a protected key, allows it, and it is used once", () => {
  expect(refuseDecision(pending, says("ben"), at(1))).toBeNull();
  const allowed = decided(pending, says("ben"));
  expect(refuseUse(allowed, "b1", at(2))).toBeNull();
  expect(refuseUse(used(allowed), "b1", at(2))).toBe("over");
});

test.each([
  ["an AI", says("hal", {}, "ai"), "not_a_person"],
  ["the AI that asks", says("bot", {}, "ai"), "not_a_person"],
  ["a service", says("ci", {}, "service"), "not_a_person"],
  ["a person without the right", says("ben", { mayApprove: false }), "no_right"],
  ["the person for whom the AI acts", says("ana"), "own"],
  ["a key in a plain file", says("ben", { isProtected: false }), "unprotected"],
  ["somebody who was shown something else", says("ben", { binding: "b2" }), "other_binding"],
])("%s decides nothing", (_, decision, refusal) => {
  expect(refuseDecision(pending, decision, at(1))).toBe(refusal);
  expect(refuseDecision(pending, { ...decision, allow: false }, at(1))).toBe(refusal);
});

test("nothing is decided after its time, or twice, and what is over stays over", () => {
  expect(refuseDecision(pending, says("ben"), at(60_000))).toBe("expired");
  const denied = decided(pending, says("ben", { allow: false, why: "no" }));
  expect(denied.phase).toEqual({ name: "over", outcome: "denied", by: "ben", why: "no" });
  expect(refuseDecision(denied, says("eva"), at(1))).toBe("over");
  expect(refuseDecision(decided(pending, says("ben")), says("eva", { allow: false }), at(1))).toBe("over");
  for (const outcome of ["used", "expired", "void"] as const) expect(over(denied, outcome, "x", "y")).toBe(denied);
});

test("it is used only when allowed, in its time, and for its own binding", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("pending", "allowed", "denied", "void", "used"),
      fc.integer({ min: 0, max: 120_000 }),
      fc.boolean(),
      (phase, now, isSame) => {
        const allowed = decided(pending, says("ben"));
        const approval = {
          pending,
          allowed,
          denied: decided(pending, says("ben", { allow: false })),
          void: over(allowed, "void", "system:policy", "x"),
          used: used(allowed),
        }[phase]!;
        const isGood = refuseUse(approval, isSame ? "b1" : "b2", at(now)) === null;
        expect(isGood).toBe(phase === "allowed" && now < 60_000 && isSame);
      },
    ),
  );
});

const answers = (by: string, kind: OperatorKind = "human", more: { mayAnswer?: boolean; binding?: string } = {}) => ({
  by: { id: by, name: by, kind },
  mayAnswer: true,
  binding: "b1",
  ...more,
});

test("a question is answered by any person who may type, the AI's own among them, once and in its time", () => {
  for (const by of ["ana", "ben"]) expect(refuseAnswer(pending, answers(by), at(59_999))).toBeNull();
  expect(refuseAnswer(pending, answers("ben"), at(60_000))).toBe("expired");
  const answered = over(pending, "answered", "ben", "main");
  expect(refuseAnswer(answered, answers("ana"), at(1))).toBe("over");
  expect(over(answered, "handed", "ana", "")).toBe(answered);
});

test.each([
  ["an AI", answers("hal", "ai"), "not_a_person"],
  ["a service", answers("ci", "service"), "not_a_person"],
  ["a person who may not type", answers("ben", "human", { mayAnswer: false }), "no_right"],
  ["somebody who was shown something else", answers("ben", "human", { binding: "b2" }), "other_binding"],
] as const)("%s answers nothing", (_, answer, refusal) => {
  expect(refuseAnswer(pending, answer, at(1))).toBe(refusal);
});
