import { expect, test } from "vitest";
import { parse } from "../document/index.ts";
import { type Query, select } from "./select.ts";

const cell = (info: string, text = "echo x"): string => `\`\`\`${info}\n${text}\n\`\`\`\n`;
const sheets = [
  {
    file: "docs/a.run",
    runbook: parse(
      cell("sh {name=build}") +
        cell("sh {name=deploy tag=prod}") +
        cell("sh {name=wipe tag=prod excludeFromRunAll=true}") +
        cell("sh"),
    ),
  },
  {
    file: "docs/b.run",
    runbook: parse(
      `---\ntag: stage-1\n---\n${cell("sh {name=build}")}${cell("sh {name=other tag=dev}")}${cell("what {name=odd}")}`,
    ),
  },
];
const asked = (query: Query): unknown => {
  const found = select(sheets, query);
  return found.ok ? found.tasks.map((task) => `${task.file.slice(5, 6)}/${task.cell.name}`) : found.refusal;
};

test("a name finds its cell, in several files it is ambiguous, and a file narrows it", () => {
  expect(asked({ names: ["deploy"] })).toEqual(["a/deploy"]);
  expect(asked({ names: ["build"] })).toEqual({
    code: "ambiguous",
    name: "build",
    candidates: ["docs/a.run/build", "docs/b.run/build"],
  });
  expect(asked({ names: ["b\\.run$/build", "deploy"] })).toEqual(["b/build", "a/deploy"]);
  expect(asked({ names: ["docs/a/build"] })).toEqual(["a/build"]);
});

test("what is not found is answered with the nearest, and a bad pattern is told", () => {
  expect(asked({ names: ["deplyo"] })).toEqual({ code: "no_such_cell", name: "deplyo", nearest: ["deploy"] });
  expect(asked({ names: ["c.run/build"] })).toMatchObject({
    code: "no_such_file",
    pattern: "c.run",
    nearest: ["docs/a.run", "docs/b.run"],
  });
  expect(asked({ names: ["(/build"] })).toMatchObject({ code: "bad_pattern", pattern: "(" });
});

test("an unnamed cell is found by its made name on the second pass", () => {
  expect(asked({ names: ["echo-x"] })).toEqual(["a/echo-x"]);
});

test("a star takes all names that fit, and an index any cell of the list", () => {
  expect(asked({ names: ["*o*"] })).toEqual(["a/deploy", "b/other", "b/odd"]);
  expect(asked({ index: 3 })).toEqual(["a/echo-x"]);
  expect(asked({ index: 9 })).toEqual({ code: "no_such_index", index: 9, count: 7 });
});

test("all is every named cell in order but those that say they are left out", () => {
  expect(asked({ all: true })).toEqual(["a/build", "a/deploy", "b/build", "b/other", "b/odd"]);
  expect(asked({ all: true, allowUnnamed: true, allowUnknown: false })).toEqual([
    "a/build",
    "a/deploy",
    "a/echo-x",
    "b/build",
    "b/other",
  ]);
  expect(asked({})).toEqual({ code: "nothing_asked" });
});

test("tags are whole or, as a pattern, parts; a document's tag is for its cells that say no other", () => {
  expect(asked({ tags: ["prod"] })).toEqual(["a/deploy"]);
  expect(asked({ tags: ["stage-1"] })).toEqual(["b/build", "b/odd"]);
  expect(asked({ tags: ["stage"] })).toEqual({ code: "nothing_tagged", tags: ["stage"], known: ["dev", "prod", "stage-1"] });
  expect(asked({ tags: ["stage"], pattern: true })).toEqual(["b/build", "b/odd"]);
});
