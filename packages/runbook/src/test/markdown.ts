/** Markdown for tests: what is drawn, and a catalogue of ways to write a code block. */
import fc from "fast-check";

export const lineEndings = ["\n", "\r\n"] as const;

const word = fc.constantFrom(
  "echo",
  "a b",
  "$ ls",
  "export A=1",
  "### label",
  "# x",
  "é𝒳",
  "{",
  "}",
  "\\",
  "\u0000",
  "\uFEFF",
  "&amp;",
  "<b>",
);
const opening = fc.constantFrom(
  ...[
    "```",
    "````",
    "~~~",
    "```sh",
    "``` {a=b}",
    '```sh {"name":"x","y":{"z":1}}',
    "```{python}",
    "~~~~ js `x`",
    "```mermaid",
    "```sh { ignore=true }",
  ],
);
const prefix = fc.constantFrom("", "", "", " ", "   ", "    ", "\t", "> ", ">", "- ", "  ", "1. ", "   > ", "- > ", "      ");
const said = fc.oneof(
  opening,
  word,
  fc.constantFrom("", "", "---", "+++", "===", "```", "~~~~", "# T", "<!--", "-->", "[a]: b", "***"),
);
const ending = fc.constantFrom("\n", "\n", "\n", "\r\n", "\r");
const line = fc.tuple(prefix, said, ending).map((parts) => parts.join(""));
const frontMatter = fc.constantFrom(
  ...[
    "",
    "",
    "---\nshell: bash\n---\n",
    "---\r\na: [\r\n---\r\n",
    "+++\nx = 1\n+++\n",
    '{"cwd":"/"}\n',
    "---\n",
    "{{ x }}\n",
    "--8<-- x\n",
    "{\n",
    "---\n- a\n---",
  ],
);
const mark = fc.constantFrom("", "", "", "\uFEFF", "\uFEFF\uFEFF");

/** Lines of everything that begins, continues or ends a block, in any order. */
export const markdown = fc
  .tuple(mark, frontMatter, fc.array(line, { maxLength: 24 }))
  .map(([a, b, lines]) => a + b + lines.join(""));

/** Text of a cell as somebody may type it. */
export const content = fc
  .array(fc.constantFrom("echo 1", "", "```", "~~~~", "  x", "> q", "- i", "    y", "$ ls", "é"), { maxLength: 6 })
  .map((lines) => lines.join("\n"));

const marks = ["", "\uFEFF"];
const fronts = [
  "",
  "---\nshell: bash\ncwd: ..\n---\n",
  '+++\nshell = "zsh"\n+++\n',
  '{\n  "shell": "fish"\n}\n',
  '---\n{"shell": "bash"}\n---\n',
  "---\nbroken: [\n---\n",
];
const blocks = [
  ["```sh", "$ echo one", "$FOO/bin", "```"],
  ['````md {"name":"x"}', "```", "inside", "```", "````"],
  ["~~~ py { name=x }", "print(1)", "", "print(2)", "~~~"],
  ["    indented", "", "    more"],
  ["```{r}", "#| label: fig", "plot(1)", "```"],
  ["```sh", "never closed"],
];
const containers: ((lines: readonly string[]) => string[])[] = [
  (lines) => [...lines],
  (lines) => lines.map((said) => `> ${said}`),
  (lines) => lines.map((said, i) => (i === 0 ? `- ${said}` : `  ${said}`)),
  (lines) => ["1. one", "", "   - two", "", ...lines.map((said) => `     ${said}`)],
];

/** Every way of the catalogue with every other: 2 × 6 × 6 × 4 × 2 = 576 documents. */
export const catalogue: readonly { name: string; text: string }[] = marks.flatMap((mark, m) =>
  fronts.flatMap((front, f) =>
    blocks.flatMap((block, b) =>
      containers.flatMap((container, c) =>
        lineEndings.map((eol, e) => ({
          name: [m, f, b, c, e].join("-"),
          text:
            mark +
            (front + ["# Title", "", "Says so:", "", ...container(block), "", "Tail  ", ""].join("\n")).replaceAll("\n", eol),
        })),
      ),
    ),
  ),
);
