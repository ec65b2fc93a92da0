import { expect, test } from "vitest";
import { parse } from "../document/index.ts";
import { withAnnotations } from "./annotation.ts";

const cellsOf = (...lines: string[]) => parse(lines.join("\n")).cells;
const one = (info: string, ...lines: string[]) => cellsOf(`\`\`\`${info}`, ...lines, "```")[0]!;

test("annotations are read as JSON, its values made strings, nested objects and braces in strings included", () => {
  const cell = one('sh {"name":"x","interactive":false,"rows":3,"deep":{"a":"}"}}', "true");
  expect(cell.info.form).toBe("json");
  expect(cell.info.entries).toEqual({ name: "x", interactive: "false", rows: "3", deep: '{"a":"}"}' });
  expect(cell.settings.interactive).toBe(false);
});

test("annotations are read as words, a key alone being empty", () => {
  const cell = one("sh { name=x flag  tag=a,b }", "true");
  expect(cell.info.form).toBe("html");
  expect(cell.info.entries).toEqual({ name: "x", flag: "", tag: "a,b" });
  expect(cell.settings.tags).toEqual(["a", "b"]);
});

test("the language is the first word, and none where the annotations come first", () => {
  expect([one("js extra"), one('{"name":"x"}'), one("sh{name=x}"), one("")].map(({ language }) => language)).toEqual([
    "js",
    "",
    "sh",
    "",
  ]);
});

test("braces around a language alone are a chunk's, with its options and annotations", () => {
  const cell = one("{python}", "#| label: fig-1", "#| eval: false", "x = 1");
  expect([cell.language, cell.info.isChunk, cell.name, cell.isNamed, cell.settings.excludeFromRunAll]).toEqual([
    "python",
    true,
    "fig-1",
    true,
    true,
  ]);
  expect(cell.options).toEqual({ label: "fig-1", eval: false });
  expect(one("{r, echo=FALSE}", "x").language).toBe("r");
  expect(one('{python} {"name":"n"}', "x").name).toBe("n");
  expect(one("{ name=x }", "y").info.isChunk).toBe(false);
  expect(one("{ignore}", "y").info.isChunk).toBe(false);
});

test("what is not for running is Markdown: mermaid unless it says so, and what says ignore or transform=false", () => {
  const infos = [
    "mermaid",
    "mermaid { transform=true }",
    "sh { ignore=true }",
    "sh { transform=false }",
    "sh { ignore=false }",
    "sh { ignore }",
  ];
  expect(infos.map((info) => cellsOf(`\`\`\`${info}`, "x", "```").length)).toEqual([0, 1, 0, 0, 1, 1]);
});

test("indented blocks are cells of a shell, in lists and quotes too, in the order of the text", () => {
  const cells = cellsOf(
    "    one",
    "",
    "- a",
    "",
    "      two",
    "",
    "> ```js",
    "> three",
    "> ```",
    "",
    "1. x",
    "   - y",
    "",
    "     ```py",
    "     four",
    "     ```",
  );
  expect(cells.map(({ content, language, block }) => [content, language, block.fence !== null])).toEqual([
    ["one", "", false],
    ["two", "", false],
    ["three", "js", true],
    ["four", "py", true],
  ]);
});

test("a prompt is taken off where white space follows it, and a variable keeps its dollar", () => {
  expect(one("sh", "$ echo hi", "$FOO/bin/x", "$\tls", "  $ no").script).toBe("echo hi\n$FOO/bin/x\nls\n  $ no");
  expect(one("py", "$ x").script).toBe("$ x");
});

test("label comments are told apart and do not run", () => {
  const cell = one("sh", "### Exported as X", "echo 1", "#### no label");
  expect([cell.labels, cell.script]).toEqual([["Exported as X"], "echo 1\n#### no label"]);
});

test("the paragraph just before is the intro, and ends like a sentence", () => {
  const said = (before: string): string => cellsOf(...before.split("\n"), "```sh", "x", "```")[0]!.intro;
  expect(said("Runs it:\n\n")).toBe("Runs it.");
  expect(said("Does it\nin two lines\n")).toBe("Does it in two lines");
  expect(said("Really?\n\n")).toBe("Really?");
  expect(said("With `code`\n\n")).toBe("With `code`.");
  expect(said("Away\n\n# Heading\n")).toBe("");
  expect(cellsOf("- Item:", "  ```sh", "  x", "  ```", "- ```sh", "  y", "  ```").map(({ intro }) => intro)).toEqual([
    "Item.",
    "",
  ]);
});

test("names come from the first line that is no comment, and each is given once", () => {
  const texts = ["# c\necho Inferred", 'echo "1"', "temp_dir=$(mktemp)", "package main", "npm", "", "echo  x", "Ünï code"];
  expect(texts.map((text) => one("sh", ...text.split("\n")).name)).toEqual([
    "echo-inferred",
    "echo-1",
    "tempdir",
    "package-main",
    "npm",
    "cell",
    "echo-",
    "n-code",
  ]);
  const infos = ["sh", "sh", "sh {name=echo-a-2}", "sh", "sh {name=x}", "sh {name=x}"];
  const cells = cellsOf(...infos.flatMap((info) => [`\`\`\`${info}`, "echo a", "```"]));
  expect(cells.map(({ name }) => name)).toEqual(["echo-a", "echo-a-2", "echo-a-2-2", "echo-a-3", "x", "x-2"]);
});

test("settings have their defaults, and a flag that is no boolean is as if it were not said", () => {
  expect(one("sh", "x").settings).toEqual({
    interactive: true,
    background: false,
    cwd: null,
    interpreter: null,
    promptEnv: "auto",
    excludeFromRunAll: false,
    tags: [],
    terminalRows: null,
    closeTerminalOnSuccess: true,
    mimeType: null,
    run: null,
    kernel: null,
  });
  const { settings } = one(
    'sh {"background":"yes","interactive":"F","promptEnv":"Always","tag":"a, b","category":"b,c","mimetype":"text/html"}',
    "x",
  );
  expect(settings).toMatchObject({
    background: false,
    interactive: false,
    promptEnv: "always",
    tags: ["a", "b", "c"],
    mimeType: "text/html",
  });
  expect(
    ["yes", "1", "no", "0", "never", "", "what"].map((word) => one(`sh {promptEnv=${word}}`, "x").settings.promptEnv),
  ).toEqual(["always", "always", "never", "never", "never", "auto", "auto"]);
});

test("annotations keep their form, order and spaces on write", () => {
  expect(withAnnotations('sh {"b": 1, "a":"x"}', { a: "y" })).toBe('sh {"b": 1, "a":"y"}');
  expect(withAnnotations('sh {"b": 1}', { name: "n}`" })).toBe('sh {"b": 1,"name":"n\\u007d\\u0060"}');
  expect(withAnnotations("sh { flag tag=a }", { name: "n", tag: undefined })).toBe("sh { name=n flag }");
  expect(withAnnotations("sh", { name: "n" })).toBe('sh {"name":"n"}');
  expect(withAnnotations("", { name: "n" })).toBe('{"name":"n"}');
  expect(withAnnotations('sh {"name":"n"}', { name: undefined })).toBe("sh");
  expect(withAnnotations("sh { a=b }", { name: "two words" })).toBeNull();
  expect(withAnnotations("sh", { "runme.dev/x": "1", _y: "2", index: "3" })).toBe("sh");
});
