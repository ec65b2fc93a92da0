import { expect, test } from "vitest";
import { adviceOf, codes, exitCodeOf, HoldError, invariant } from "./index.ts";

test("every code has an exit code of the command line's contract", () => {
  for (const [code, { exit }] of Object.entries(codes)) expect([1, 2, 3, 4, 5, 124], code).toContain(exit);
});

test("what is refused for want of a right or of the floor exits with 4, and what can't be found with 3", () => {
  for (const code of ["not_permitted", "floor_held", "revoked", "ai_paused", "line_not_empty", "fenced"] as const)
    expect(exitCodeOf(code)).toBe(4);
  for (const code of ["no_such_session", "ambiguous_session"] as const) expect(exitCodeOf(code)).toBe(3);
});

test("a code that this version does not know is an end and a failure", () => {
  expect(exitCodeOf("from_the_future")).toBe(1);
  expect(adviceOf("from_the_future")).toBe("stop");
  expect(adviceOf("toString")).toBe("stop");
});

test("an error is shown with its code in front", () => {
  expect(String(new HoldError("floor_held", "session s7 is steered by ana"))).toBe("[floor_held] session s7 is steered by ana");
});

test("a broken invariant names the law", () => {
  expect(() => invariant(false, "L2 no reader sees an event before it is stored")).toThrow("L2 no reader sees");
});
