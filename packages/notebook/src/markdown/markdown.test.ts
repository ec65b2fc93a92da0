import { expect, test } from "vitest";
import { type Cell, emptyNotebook, type Notebook } from "../format/index.ts";
import { WholeFloat } from "../json/index.ts";
import { fromMarkdown, toMarkdown } from "./index.ts";

const ids = () => {
  let next = 0;
  return () => `new-${next++}`;
};
const code = (source: string, metadata: Cell["metadata"] = {}): Cell => ({
  id: "c",
  cell_type: "code",
  metadata,
  source,
  outputs: [{ output_type: "stream", name: "stdout", text: "x" }],
  execution_count: 1,
});
const text = (source: string, more: object = {}): Cell => ({ id: "m", cell_type: "markdown", metadata: {}, source, ...more });
const python = { kernelspec: { display_name: "Python 3", language: "python", name: "python3" }, threshold: new WholeFloat(1) };
const notebook = (...cells: readonly Cell[]): Notebook => ({ ...emptyNotebook(python), cells });

test("a notebook is Markdown that reads well, and marks only what can't stand by itself", () => {
  const cells = [
    text("# Title\n\nText."),
    text("More text."),
    code("print(1)", { tags: ["a"] }),
    code('print("""\n```\n""")'),
    text("```python\nan example, not a cell\n```"),
    { ...text("<b>"), cell_type: "raw", metadata: { format: "text/html" } } as Cell,
  ];
  expect(toMarkdown(notebook(...cells))).toBe(`---
jupyter:
  kernelspec: {"display_name": "Python 3", "language": "python", "name": "python3"}
  threshold: 1.0
---

# Title

Text.


More text.

\`\`\`python {"tags": ["a"]}
print(1)
\`\`\`

\`\`\`\`python
print("""
\`\`\`
""")
\`\`\`\`

<!-- #region -->
\`\`\`python
an example, not a cell
\`\`\`
<!-- #endregion -->

<!-- #raw {"format": "text/html"} -->
<b>
<!-- #endraw -->
`);
});

test("no option ends the comment or the fence that it stands on", () => {
  const odd = "--> `x` <!-- #endregion -->";
  const written = toMarkdown(notebook(text("a", { metadata: { odd } }), code("b", { odd })));
  expect(written).toContain('<!-- #region {"odd": "--\\u003e \\u0060x\\u0060 <!-- #endregion --\\u003e"} -->');
  expect(fromMarkdown(written, ids()).cells.map(({ metadata }) => metadata)).toEqual([{ odd }, { odd }]);
});

test("ids are written on demand, read again, and new where two cells have the same", () => {
  const written = toMarkdown(notebook(text("a"), code("b"), code("c")), { ids: true });
  expect(written).toContain('```python {"id": "c"}\nb\n```');
  expect(fromMarkdown(written, ids()).cells.map((cell) => cell["id"])).toEqual(["m", "c", "new-0"]);
  expect(toMarkdown(fromMarkdown(written, ids()))).toBe(written);
});

test("a file of Jupytext's own is read with its YAML and its options, and written back as it was", () => {
  const file = `---
jupyter:
  jupytext:
    text_representation:
      format_version: '1.3'
  kernelspec:
    display_name: Python 3
    language: python
    name: python3
---

Text.

\`\`\`python tags=["a", "b"] slideshow={"slide_type": "skip"} n=1.0
1 + 1
\`\`\`
`;
  const read = fromMarkdown(file, ids());
  expect(read.metadata).toMatchObject({
    kernelspec: { name: "python3" },
    jupytext: { text_representation: { format_version: "1.3" } },
  });
  expect(read.cells[1]).toMatchObject({
    cell_type: "code",
    source: "1 + 1",
    metadata: { tags: ["a", "b"], slideshow: { slide_type: "skip" }, n: new WholeFloat(1) },
  });
  expect(toMarkdown(read)).toBe(file);
});

test("any Markdown is a notebook: its first language is code, other fences and front matter stay what they are", () => {
  const file = "---\ntitle: x\n---\n# A\n\n```sh\nls\n\n\npwd\n```\n```mermaid\ngraph\n```\n";
  const read = fromMarkdown(file, ids());
  expect(read.cells.map(({ cell_type, source }) => [cell_type, source])).toEqual([
    ["raw", "---\ntitle: x\n---"],
    ["markdown", "# A"],
    ["code", "ls\n\n\npwd"],
    ["markdown", "```mermaid\ngraph\n```"],
  ]);
  expect(toMarkdown(read)).toBe(file);
});

test("a cell that is edited keeps the fence that it was written with while it fits", () => {
  const read = fromMarkdown('`````python {"tags":["a"]}\nx\n`````', ids());
  const write = (source: string, metadata = read.cells[0]?.metadata): string =>
    toMarkdown({ ...read, cells: [{ ...read.cells[0], source, metadata } as Cell] });
  expect(write("y")).toBe('`````python {"tags":["a"]}\ny\n`````');
  expect(write("`````")).toBe('``````python {"tags": ["a"]}\n`````\n``````');
  expect(write("y", { ...read.cells[0]?.metadata, tags: [] })).toBe('```python {"tags": []}\ny\n```');
});

test("a mark that nothing ends is text, also when a later cell comes to have what would end it", () => {
  const read = fromMarkdown("<!-- #raw -->\n```python\nx\n```\n", ids());
  expect(read.cells.map((cell) => cell.source)).toEqual(["<!-- #raw -->", "x"]);
  expect(toMarkdown(read)).toBe("<!-- #raw -->\n```python\nx\n```\n");
  const cells = [read.cells[0], { cell_type: "raw", metadata: {}, source: "raw" }] as Cell[];
  const again = fromMarkdown(toMarkdown({ ...read, cells }), ids());
  expect(again.cells.map((cell) => cell.source)).toEqual(["<!-- #raw -->", "raw"]);
});

test("nothing is a notebook without cells", () => {
  for (const file of ["", "\n", "\n\n"]) {
    expect(fromMarkdown(file, ids()).cells).toEqual([]);
    expect(toMarkdown(fromMarkdown(file, ids()))).toBe(file);
  }
});
