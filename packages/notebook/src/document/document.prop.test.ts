/** Editors who see the document late: what was decided reaches each after a while, and each edits upon what it has seen. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyNotebook } from "../format/index.ts";
import { apply, decide, type Document, type DocumentEvent, type Edit, openDocument } from "./document.ts";

const who = fc.constantFrom("ana", "ben", "cem");
const step = fc.oneof(
  fc.record({
    does: fc.constant("edit" as const),
    who,
    kind: fc.constantFrom("source", "delete", "insert", "move", "type", "metadata"),
    at: fc.nat(9),
  }),
  fc.record({ does: fc.constant("hear" as const), who, events: fc.nat(3) }),
);

const cells = ["a", "b", "c"].map((id) => ({ id, cell_type: "raw" as const, metadata: {}, source: id }));
const start = openDocument({ ...emptyNotebook(), cells }, () => "x");

test("D2: no edit is laid over what its author has not seen of others, none is lost, and all end with the same document", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let host = start;
      const log: DocumentEvent[] = [];
      const seen = new Map<string, Document>();
      for (const [n, one] of steps.entries()) {
        const mine = seen.get(one.who) ?? start;
        if (one.does === "hear") {
          seen.set(one.who, log.slice(mine.version, mine.version + one.events).reduce(apply, mine));
          continue;
        }
        const edit = editOf(mine, one.kind, one.at, n);
        if (edit === null) continue;
        const decision = decide(host, { editor: one.who, edits: [edit] });
        if (!decision.ok) {
          expect(decision.refusal.code === "conflict" || decision.refusal.code === "no_such_cell").toBe(true);
          if (decision.refusal.code === "conflict") expect(decision.refusal.theirs).toEqual(cellOf(host, decision.refusal.id));
          continue;
        }
        for (const event of decision.events)
          if (event.kind === "source") expect(unseen(log, event, one.who, mine.version)).toEqual([]);
        log.push(...decision.events);
        host = decision.document;
        expect(new Set(host.cells.map(({ id }) => id)).size).toBe(host.cells.length);
      }
      expect(log.reduce(apply, start)).toEqual(host);
    }),
    { numRuns: 2_000 },
  );
});

/** Others' changes of the same source that its author had not seen, nor had overwritten before. */
function unseen(log: readonly DocumentEvent[], event: DocumentEvent & { kind: "source" }, editor: string, base: number) {
  const changes = log.filter((it) => it.kind === "source" && it.id === event.id && it.version > base);
  return changes.filter((it) => "editor" in it && it.editor !== editor);
}

function cellOf(document: Document, id: string) {
  return document.cells.find((held) => held.id === id)?.cell;
}

function editOf(document: Document, kind: string, at: number, n: number): Edit | null {
  const held = document.cells[at % Math.max(1, document.cells.length)];
  const after = document.cells[(at + 1) % Math.max(1, document.cells.length)]?.id ?? null;
  if (kind === "insert") return { kind, id: `n${n}`, after, cell: { type: "raw", source: `new ${n}` } };
  if (held === undefined) return null;
  const { id } = held;
  const base = document.version;
  if (kind === "source") return { kind, id, base, source: `text ${n}` };
  if (kind === "type") return { kind, id, base, type: n % 2 === 0 ? "code" : "markdown" };
  if (kind === "metadata") return { kind, id, base, metadata: { n } };
  return kind === "move" ? { kind, id, after } : { kind: "delete", id, base };
}
