import fc from "fast-check";
import { expect, test } from "vitest";
import { fileText, notebook } from "../../test/generate.ts";
import { type Cell, type Notebook, readNotebook, without, withoutOutputs } from "../format/index.ts";
import { sameJson, writeJson } from "../json/index.ts";
import { fromMarkdown, toMarkdown } from "./index.ts";
import { LAYOUT } from "./options.ts";

const numRuns = process.env["HOLDFAST_SOAK"] ? 1_500 : 300;

const ids = () => {
  let next = 0;
  return () => `new-${next++}`;
};

const sources = [
  "text",
  "",
  "\n",
  "a\n\n\nb",
  "```python\nx\n```",
  "```sh\n\n\nx\n```",
  "```",
  "~~~\n",
  "---",
  "---\na: 1\n---",
  "---\njupyter: {}\n---",
  "<!-- #region -->\nx\n<!-- #endregion -->",
  "<!-- #endregion -->",
  "<!-- #endraw -->",
  "````\n```\n````",
  "a\r\nb",
  "a\r",
  "\ufeffx",
  " ",
  "\nx",
  "x\n",
];
const languages = [
  {},
  { kernelspec: { language: "python" } },
  { language_info: { name: "R" } },
  { kernelspec: { language: "a b" } },
];

const tree = fc
  .tuple(
    notebook,
    fc.array(fc.constantFrom(...sources), { minLength: 4, maxLength: 4 }),
    fc.constantFrom(...languages),
    fc.boolean(),
  )
  .map(([it, texts, language, isBare]) => ({
    ...it,
    metadata: { ...it.metadata, ...language },
    cells: it.cells.map((cell, i) => ({
      ...cell,
      source: texts[i],
      ...(isBare ? { metadata: {}, attachments: undefined } : {}),
    })),
  }));

function read(file: string): Notebook {
  const reading = readNotebook(file);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problem));
  return reading.notebook;
}

test("M1: every cell of a notebook comes back from Markdown as it was, but for what a run left", () => {
  fc.assert(
    fc.property(tree, (it) => {
      const before = withoutOutputs(read(fileText(it)));
      const text = toMarkdown(before, { ids: true });
      const after = fromMarkdown(text, ids());
      const isWithLayout = after.cells.some((cell) =>
        Object.keys((cell.metadata[LAYOUT] ?? {}) as object).some((key) => key !== "id"),
      );
      expect(isWithLayout || Object.hasOwn(after.metadata, LAYOUT), text).toBe(false);
      const bare = { ...after, cells: after.cells.map((cell) => ({ ...cell, metadata: without(cell.metadata, LAYOUT) })) };
      expect(sameJson(bare, before), `${text}\n${writeJson(before, 1)}\n${writeJson(bare, 1)}`).toBe(true);
    }),
    { numRuns },
  );
});

const line = fc.constantFrom(
  "",
  "",
  "",
  "text",
  "# Title",
  "- item",
  "```python",
  "```python ",
  '```python {"tags": ["a"]}',
  '```python {"tags":["a"],"id":"x"}',
  '```python id="y" name="n"',
  "```python title",
  "```",
  "````",
  "````python",
  "```sh",
  "~~~",
  "   ```",
  "    ```",
  "```python{}",
  "<!-- #region -->",
  "<!-- #endregion -->",
  '<!-- #region {"a": 1} -->',
  "<!-- #raw -->",
  "<!-- #endraw -->",
  "<!-- #md -->",
  "<!-- #endmd -->",
  "---",
  "jupyter:",
  '  kernelspec: {"language": "python"}',
  "jupyter: {}",
  "title: x",
  "  kernelspec:",
  "    language: python",
  " ",
  "x = 1",
  '```python {"source": "s"}',
  "``` {}",
  "```python {",
  "\u2028",
  "nbformat_minor: 4",
);
const document = fc
  .tuple(
    fc.array(line, { maxLength: 14 }),
    fc.constantFrom("\n", "\n", "\n", "\r\n", "mixed"),
    fc.boolean(),
    fc.constantFrom("", "", "\ufeff"),
    fc.boolean(),
  )
  .map(([lines, newline, ended, bom, isFronted]) => {
    const all = isFronted ? ["---", ...lines] : lines;
    const ends = (i: number): string => (newline === "mixed" ? (i % 2 === 0 ? "\n" : "\r\n") : newline);
    return bom + all.map((it, i) => it + (i < all.length - 1 || ended ? ends(i) : "")).join("");
  });

test("M2: every byte of any Markdown comes back from a notebook", () => {
  fc.assert(
    fc.property(document, (text) => {
      expect(toMarkdown(fromMarkdown(text, ids()))).toBe(text);
    }),
    { numRuns: numRuns * 5 },
  );
});

const change = fc.record({
  at: fc.nat(5),
  source: fc.constantFrom(...sources),
  does: fc.constantFrom("write", "drop", "swap", "retype"),
});

test("M1: what is edited in a notebook that was Markdown comes back too, whatever its Markdown looked like", () => {
  fc.assert(
    fc.property(document, fc.array(change, { minLength: 1, maxLength: 3 }), (text, changes) => {
      const notebook = fromMarkdown(text, ids());
      const cells = changes.reduce<readonly Cell[]>(edited, notebook.cells);
      const before = { ...notebook, cells };
      const after = fromMarkdown(toMarkdown(before), ids());
      expect(bare(after), `${JSON.stringify(text)}\n${JSON.stringify(toMarkdown(before))}`).toEqual(bare(before));
    }),
    { numRuns: numRuns * 3 },
  );
});

function edited(cells: readonly Cell[], { at, source, does }: { at: number; source: string; does: string }): readonly Cell[] {
  const cell = cells[at];
  if (cell === undefined) return cells;
  if (does === "drop") return cells.toSpliced(at, 1);
  if (does === "swap") return cells.toSpliced(at, 1).toSpliced(0, 0, cell);
  if (does === "write") return cells.with(at, { ...cell, source });
  const { metadata } = cell;
  return cells.with(at, { cell_type: cell.cell_type === "raw" ? "markdown" : "raw", metadata, source: cell.source });
}

function bare(notebook: Notebook) {
  const cells = notebook.cells.map((cell) => ({ ...without(cell, "id"), metadata: without(cell.metadata, LAYOUT) }));
  return { ...notebook, metadata: without(notebook.metadata, LAYOUT), cells };
}

test("M2: Markdown that we wrote is written the same again", () => {
  fc.assert(
    fc.property(tree, (it) => {
      const text = toMarkdown(read(fileText(it)));
      expect(toMarkdown(fromMarkdown(text, ids()))).toBe(text);
    }),
    { numRuns },
  );
});
