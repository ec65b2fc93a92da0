import type { Approval } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { aboutIn, aboutOf } from "./about.ts";

const approval = (over: Partial<Approval>): Approval =>
  ({ deed: "run", sessionName: "build", actor: "op-bot", argv: [], what: "", ...over }) as Approval;

test("what waits is brought along as a question to the policy, with its command where there is one", () => {
  expect(aboutOf("h1", approval({ what: "runs in the session's shell: git push" }))).toEqual({
    ...{ host: "h1", deed: "run", session: "build", operator: "op-bot" },
    command: "git push",
  });
  expect(aboutOf("h1", approval({ deed: "exec", argv: ["make", "all"] }))).toMatchObject({ deed: "exec", command: "make all" });
  expect(aboutOf("h1", approval({ deed: "keys", what: "types" }))).toMatchObject({ deed: "keys", command: "" });
});

test("of what an AI asks in words no policy speaks", () => {
  for (const deed of ["question", "secret"]) expect(aboutOf("h1", approval({ deed }))).toBeNull();
});

test("a visit that brought nothing along is about nothing", () => {
  for (const state of [null, undefined, 1, {}, { about: 1 }]) expect(aboutIn(state)).toBeNull();
  const about = aboutOf("h1", approval({}));
  expect(aboutIn({ about })).toEqual(about);
});
