import { expect, test } from "vitest";
import { emptyNotebook, type Notebook, writeNotebook } from "../format/index.ts";
import { apply, decide, type Document, type Edit, notebookOf, openDocument, outputEvent } from "./document.ts";

const code = (id: string, source = ""): Notebook["cells"][number] => ({
  id,
  cell_type: "code",
  metadata: {},
  source,
  outputs: [],
  execution_count: null,
});
const opened = (...ids: string[]): Document =>
  openDocument({ ...emptyNotebook(), cells: ids.map((id) => code(id, id)) }, () => "new");
const ids = (document: Document): string => document.cells.map(({ id }) => id).join("");

function edited(document: Document, editor: string, ...edits: readonly Edit[]): Document {
  const decision = decide(document, { editor, edits });
  if (!decision.ok) throw new Error(JSON.stringify(decision.refusal));
  return decision.document;
}
const refusal = (document: Document, editor: string, ...edits: readonly Edit[]): unknown => {
  const decision = decide(document, { editor, edits });
  return decision.ok ? "accepted" : decision.refusal;
};
const writes = (source: string, base: number, id = "a"): Edit => ({ kind: "source", id, base, source });

test("D2: who edits a cell that somebody else has changed since sees what stands there now, and nothing is lost", () => {
  const document = edited(opened("a", "b"), "ana", writes("ana's", 0));
  expect(refusal(document, "ben", writes("ben's", 0))).toEqual({
    code: "conflict",
    edit: 0,
    id: "a",
    part: "source",
    base: 0,
    touched: { version: 1, editor: "ana" },
    theirs: code("a", "ana's"),
  });
  expect(edited(document, "ben", writes("both", 1)).cells[0]?.cell.source).toBe("both");
});

test("D2: one's own earlier edits don't collide, so typing needn't wait for answers", () => {
  const document = edited(edited(opened("a"), "ana", writes("1", 0)), "ana", writes("12", 0));
  expect(document.cells[0]?.cell.source).toBe("12");
});

test("D3: edits of different cells and of different parts don't collide", () => {
  const document = edited(opened("a", "b"), "ana", writes("ana's", 0));
  const metadata: Edit = { kind: "metadata", id: "a", base: 0, metadata: { tags: ["x"] } };
  expect(edited(document, "ben", writes("ben's", 0, "b"), metadata).cells.map((it) => it.cell.source)).toEqual([
    "ana's",
    "ben's",
  ]);
});

test("D3: a cell that somebody has changed since is not deleted", () => {
  const document = edited(opened("a"), "ana", writes("ana's", 0));
  expect(refusal(document, "ben", { kind: "delete", id: "a", base: 0 })).toMatchObject({ code: "conflict", part: "source" });
  expect(ids(edited(document, "ben", { kind: "delete", id: "a", base: 1 }))).toBe("");
});

test("D1: a cell is split by two edits of which both happen or none", () => {
  const insert: Edit = { kind: "insert", id: "z", after: "a", cell: { type: "code", source: "rest" } };
  expect(ids(edited(opened("a", "b"), "ana", writes("start", 0), insert))).toBe("azb");
  const taken = decide(opened("a", "b"), { editor: "ana", edits: [writes("start", 0), { ...insert, id: "b" }] });
  expect(taken).toEqual({ ok: false, refusal: { code: "id_taken", id: "b", edit: 1 } });
});

test("D5: cells move before all, after another, and not after themselves", () => {
  const move = (id: string, after: string | null): string =>
    ids(edited(opened("a", "b", "c"), "ana", { kind: "move", id, after }));
  expect([move("c", null), move("a", "b"), move("a", "c"), move("b", "b"), move("a", null)]).toEqual([
    "cab",
    "bac",
    "bca",
    "abc",
    "abc",
  ]);
  expect(refusal(opened("a"), "ana", { kind: "move", id: "a", after: "x" })).toEqual({ code: "no_such_cell", id: "x", edit: 0 });
});

test("D4: output collides with no edit, and what a run wrote into the metadata is not an editor's to change", () => {
  let document = opened("a");
  const changes = [
    { kind: "begun", cell: "a", timed: true, attribution: { run_id: "r" } },
    { kind: "appended", cell: "a", output: { output_type: "stream", name: "stdout", text: "x" } },
  ] as const;
  document = apply(document, outputEvent(document, "a", changes) as never);
  document = edited(document, "ben", writes("ben's", 0), {
    kind: "metadata",
    id: "a",
    base: 0,
    metadata: { execution: 1, tags: [] },
  });
  expect(document.cells[0]?.cell).toMatchObject({
    metadata: { tags: [], execution: {}, holdfast: { run_id: "r" } },
    outputs: [{}],
  });
  expect(edited(document, "ana", { kind: "clear", id: "a" }).cells[0]?.cell).toMatchObject({
    outputs: [],
    metadata: { tags: [] },
  });
});

test("code that becomes text loses its outputs, which the event has, and becomes code again", () => {
  const decision = decide(opened("a"), { editor: "ana", edits: [{ kind: "type", id: "a", base: 0, type: "markdown" }] });
  if (!decision.ok) throw new Error("refused");
  expect(decision.events).toMatchObject([{ kind: "type", was: code("a", "a") }]);
  expect(notebookOf(decision.document).cells).toEqual([{ id: "a", cell_type: "markdown", metadata: {}, source: "a" }]);
  const back = edited(decision.document, "ana", { kind: "type", id: "a", base: 0, type: "code" });
  expect(notebookOf(back).cells).toEqual([code("a", "a")]);
});

test("a notebook older than ids is edited by ids that are not written", () => {
  const { id: _, ...cell } = code("a", "1");
  const old = { ...emptyNotebook(), nbformat_minor: 2, cells: [cell as Notebook["cells"][number]] };
  let next = 0;
  const document = openDocument(old, () => `made-${next++}`);
  const insert: Edit = { kind: "insert", id: "b", after: "made-0", cell: { type: "markdown", source: "text" } };
  const written = writeNotebook(notebookOf(edited(document, "ana", writes("2", 0, "made-0"), insert)));
  expect(written).not.toContain('"id"');
  expect(writeNotebook(notebookOf(document))).toBe(writeNotebook(old));
});

test("a cell with another's id gets a new one when the notebook is opened", () => {
  expect(ids(opened("a", "a"))).toBe("anew");
  expect(() => openDocument({ ...emptyNotebook(), cells: [code("a"), code("a")] }, () => "a")).toThrow("invariant broken");
});

test("an event that is not the next one is not applied", () => {
  const decision = decide(opened("a"), { editor: "ana", edits: [writes("1", 0)] });
  if (!decision.ok) throw new Error("refused");
  expect(() => apply(decision.document, decision.events[0] as never)).toThrow("D1");
});
