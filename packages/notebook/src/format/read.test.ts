import { expect, test } from "vitest";
import { problemText, readNotebook, upgradeNotebook, withoutOutputs, writeNotebook } from "./index.ts";

const file = (cells: unknown[], more: object = {}): string =>
  JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5, ...more });
const code = (more: object = {}): object => ({
  id: "a",
  cell_type: "code",
  metadata: {},
  source: [],
  outputs: [],
  execution_count: null,
  ...more,
});

const refusal = (text: string): string => {
  const read = readNotebook(text);
  return read.ok ? "read" : problemText(read.problem);
};

test.each([
  ["not json", "{", "notebook: this is not JSON"],
  ["a list", "[]", "notebook: is a list, and must be an object"],
  ["version 3", file([], { nbformat: 3 }), "nbformat: is 3, and only 4 is read here; convert it first: jupyter nbconvert"],
  ["no version", "{}", "nbformat: is missing, and must be 4; check that the file is a notebook"],
  ["no minor", file([], { nbformat_minor: null }), "nbformat_minor: is null"],
  ["cells that are no list", JSON.stringify({ cells: {}, metadata: {}, nbformat: 4, nbformat_minor: 5 }), "cells: is an object"],
  ["a cell of no type", file([code({ cell_type: "sql" })]), 'cells[0].cell_type: is "sql"'],
  [
    "a source of numbers",
    file([code(), code({ source: [1] })]),
    "cells[1].source: is a list, and must be text or a list of lines",
  ],
  ["an output of no type", file([code({ outputs: [{ output_type: "x" }] })]), 'cells[0].outputs[0].output_type: is "x"'],
  ["a count of text", file([code({ execution_count: "1" })]), "cells[0].execution_count: is text"],
])("%s is refused with its place, the cause and what to do", (_name, text, expected) => {
  expect(refusal(text)).toContain(`[notebook_invalid] ${expected}`);
});

test("what the schema forbids and a model can hold is read, told and written back", () => {
  const read = readNotebook(file([code({ extra: 1 }), code()], { also: 2 }));
  expect(read).toMatchObject({ ok: true, notebook: { also: 2, cells: [{ extra: 1 }, {}] } });
  expect(read.ok && read.problems.map((it) => it.at)).toEqual(["cells[0].extra", "also", "cells[1].id"]);
  expect(read.ok && writeNotebook(read.notebook)).toContain('"extra": 1');
});

test("a minor of the future is read with keys that nobody knows yet", () => {
  const read = readNotebook(file([code({ extra: 1 })], { nbformat_minor: 6 }));
  expect(read).toMatchObject({ ok: true, problems: [], notebook: { nbformat_minor: 6 } });
});

test("an older minor stays as it is, and is raised on demand with ids from the given source", () => {
  const old = file([{ ...code(), id: undefined }], { nbformat_minor: 2 });
  const read = readNotebook(old);
  if (!read.ok) throw new Error(refusal(old));
  expect(read.notebook.nbformat_minor).toBe(2);
  expect(upgradeNotebook(read.notebook, () => "new")).toMatchObject({ nbformat_minor: 5, cells: [{ id: "new" }] });
});

test("without its outputs a notebook has neither counts nor times nor names", () => {
  const ran = code({
    execution_count: 3,
    outputs: [{ output_type: "stream", name: "stdout", text: "x" }],
    metadata: { tags: ["t"], execution: { "iopub.status.busy": "…" }, holdfast: { run_id: "r" } },
  });
  const read = readNotebook(file([ran]));
  expect(read.ok && withoutOutputs(read.notebook).cells).toEqual([{ ...code({ metadata: { tags: ["t"] } }), source: "" }]);
});
