import fc from "fast-check";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { deleteCell, formatted, insertCell, setContent, setName, withIdentity, withoutIdentity } from "../edit/index.ts";
import { writeOutputs } from "../output/index.ts";
import { catalogue, content, markdown } from "../test/markdown.ts";
import { parse, type Runbook, serialise } from "./runbook.ts";

const numRuns = process.env.HOLDFAST_SOAK ? 20_000 : 300;

/** D1, and that every slice is where it says. */
function holds(text: string): Runbook {
  const runbook = parse(text);
  expect(serialise(runbook)).toBe(text);
  let at = 0;
  for (const piece of runbook.pieces) {
    expect(piece.span.start).toBe(at);
    expect(text.slice(piece.span.start, piece.span.end)).toBe(piece.text);
    at = piece.span.end;
  }
  for (const { block, content: said } of runbook.cells) {
    expect(said.split("\n").every((line) => !/[\r\n]/.test(line))).toBe(true);
    for (const line of block.lines)
      expect(line.start >= block.span.start && line.end <= block.span.end && line.start <= line.end).toBe(true);
  }
  expect(new Set(runbook.cells.map(({ name }) => name)).size).toBe(runbook.cells.length);
  return runbook;
}

test("whatever text is read is written back byte for byte, each name once", () => {
  fc.assert(
    fc.property(markdown, (text) => void holds(text)),
    { numRuns },
  );
});

test("any string at all is written back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => void holds(text)),
    { numRuns },
  );
});

test("the 576 documents of the catalogue are written back, and each has its cell", () => {
  for (const { name, text } of catalogue) expect(holds(text).cells.length, name).toBeGreaterThanOrEqual(1);
  expect(catalogue.length).toBe(576);
});

test("the documents of installed packages are written back", { timeout: 60_000 }, () => {
  const modules = fileURLToPath(new URL("../../../../node_modules/", import.meta.url));
  const pages = readdirSync(modules, { recursive: true, encoding: "utf8" }).filter((path) => /\.(md|markdown)$/i.test(path));
  expect(pages.length).toBeGreaterThan(100);
  let cells = 0;
  for (const page of pages.sort().filter((_, i) => i % Math.ceil(pages.length / 80) === 0)) {
    const text = readFileSync(join(modules, page), "utf8");
    if (text.length < 50_000) cells += holds(text).cells.length;
  }
  expect(cells).toBeGreaterThan(100);
});

test("a changed cell comes back as it was asked for, and what is around it is untouched", () => {
  fc.assert(
    fc.property(markdown, content, fc.nat(), (text, wanted, pick) => {
      const before = parse(text);
      const index = before.cells.length === 0 ? 0 : pick % before.cells.length;
      const result = setContent(before, index, wanted);
      if (!result.ok) return;
      holds(result.runbook.text);
      expect(result.runbook.cells[index]?.content).toBe(wanted);
      const span = before.cells[index]!.block.span;
      expect(result.runbook.text.startsWith(text.slice(0, span.start))).toBe(true);
      expect(result.runbook.text.endsWith(text.slice(span.end))).toBe(true);
    }),
    { numRuns },
  );
});

test("every fenced cell of the catalogue takes any text and any name", () => {
  for (const { name, text } of catalogue.filter((_, i) => process.env.HOLDFAST_SOAK || i % 5 === 0)) {
    const before = parse(text);
    const index = before.cells.findIndex(({ block }) => block.fence !== null);
    if (index < 0) continue;
    for (const wanted of ["", "one", "one\n\n  two", "```\nx\n```", "~~~~", "> q\n- i"]) {
      const result = setContent(before, index, wanted);
      expect(result.ok && result.runbook.cells[index]?.content, `${name} ${JSON.stringify(wanted)}`).toBe(wanted);
    }
    const renamed = setName(before, index, "other");
    expect(renamed.ok && renamed.runbook.cells[index]?.name, name).toBe("other");
  }
});

test("an identity that is given and reset leaves every document of the catalogue as it was", () => {
  for (const { name, text } of catalogue.filter((_, i) => process.env.HOLDFAST_SOAK || i % 5 === 0)) {
    let count = 0;
    const given = withIdentity(parse(text), "all", () => `ULID${++count}`);
    holds(given.text);
    expect(withoutIdentity(given).text, name).toBe(text);
  }
});

test("whatever a document is, it can be inserted into, deleted from, formatted and written with outputs, or refuses", () => {
  fc.assert(
    fc.property(markdown, content, fc.nat(), (text, said, pick) => {
      const before = parse(text);
      const count = before.cells.length;
      const more = insertCell(before, pick % (count + 1), { language: "sh", content: said });
      if (more.ok) expect(more.runbook.cells.length).toBe(count + 1);
      const less = deleteCell(before, pick % Math.max(1, count));
      if (less.ok) expect(less.runbook.cells.length).toBe(count - 1);
      expect(formatted(before).cells.length).toBe(count);
      const result = { startedAtUnixMs: 0, durationMs: 1, exitCode: 0, text: said };
      const outputs = writeOutputs(
        before,
        "a/b.run",
        { id: "X", updatedAtUnixMs: 0 },
        new Map(before.cells.map(({ index }) => [index, result])),
      );
      if (outputs !== undefined) holds(outputs.text);
    }),
    { numRuns: Math.ceil(numRuns / 3) },
  );
});
