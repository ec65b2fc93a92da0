import { expect, test } from "vitest";
import { adviceOf, codes, exitCodeOf, HoldError, httpStatusOf, invariant } from "./index.ts";

test("every code has an exit code of the command line's contract", () => {
  for (const [code, { exit }] of Object.entries(codes)) expect([1, 2, 3, 4, 5, 124], code).toContain(exit);
});

test("what is refused for want of a right or of the floor exits with 4, and what can't be found with 3", () => {
  for (const code of ["not_permitted", "floor_held", "revoked", "ai_paused", "line_not_empty", "fenced"] as const)
    expect(exitCodeOf(code)).toBe(4);
  for (const code of ["no_such_session", "ambiguous_session"] as const) expect(exitCodeOf(code)).toBe(3);
});

test("every code is a failure in HTTP too, and what a client should tell apart has a status of its own", () => {
  for (const code of Object.keys(codes)) expect(httpStatusOf(code), code).toBeGreaterThanOrEqual(400);
  const told = { bad_request: 400, unknown_credential: 401, grant_expired: 401, not_permitted: 403, no_such_session: 404 };
  const later = { session_ended: 409, gap: 410, floor_held: 423, too_many: 429, unreachable: 503, disk_full: 507 };
  for (const [code, status] of Object.entries({ ...told, ...later })) expect([code, httpStatusOf(code)]).toEqual([code, status]);
  expect(httpStatusOf("from_the_future")).toBe(500);
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
