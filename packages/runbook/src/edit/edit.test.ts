import { expect, test } from "vitest";
import { parse, type Runbook } from "../document/index.ts";
import { deleteCell, type EditResult, insertCell, setAnnotations, setContent, setName } from "./edit.ts";
import { withIdentity, withoutIdentity } from "./identity.ts";

const text = [
  "Says:",
  "",
  "```sh {name=a}",
  "one",
  "two",
  "```",
  "",
  "- item",
  "",
  "  > ~~~py",
  "  > x",
  "  >",
  "  > y",
  "  > ~~~",
  "",
  "      ind",
  "",
].join("\r\n");
const book: Runbook = parse(text);
const lines = (result: EditResult): string => (result.ok ? result.runbook.text.replaceAll("\r\n", "\n") : result.refusal.code);

test("only the lines that differ are replaced, with the container's prefix and the document's line ending", () => {
  const result = setContent(book, 1, "x\n\nnew\ny");
  expect(result.ok && result.edits.map(({ text: said }) => said)).toEqual(["\r\n  > new"]);
  expect(result.ok && result.runbook.text).toBe(text.replace("  >\r\n  > y", "  >\r\n  > new\r\n  > y"));
});

test("a fence grows where the text would end it", () => {
  expect(lines(setContent(book, 0, "```\nx"))).toContain("````sh {name=a}\n```\nx\n````\n");
});

test("in a quote without a space after its mark an indented line keeps its indentation", () => {
  expect(lines(setContent(parse(">```\n>a\n>```\n"), 0, "a\n  b"))).toBe(">```\n>a\n>   b\n>```\n");
});

test("an indented cell is changed in place, and refuses what indentation can't say", () => {
  expect(lines(setContent(book, 2, "ind\n\nmore"))).toContain("      ind\n\n      more\n");
  expect(lines(setContent(book, 2, "\nlate"))).toBe("not_expressible");
  expect(lines(setName(book, 2, "n"))).toBe("not_expressible");
  expect(lines(setName(book, 7, "n"))).toBe("no_such_cell");
});

test("a name is set in the form of its fence", () => {
  expect(lines(setName(book, 0, "b"))).toContain("```sh {name=b}\n");
  expect(lines(setAnnotations(book, 1, { name: "p", tag: "t" }))).toContain('  > ~~~py {"name":"p","tag":"t"}\n');
});

test("a cell goes in before an intro, before a list, or at the end", () => {
  const cell = { language: "sh", content: "new", annotations: { name: "n" } };
  const block = '```sh {"name":"n"}\nnew\n```\n';
  expect(lines(insertCell(book, 0, cell)).startsWith(`${block}\nSays:`)).toBe(true);
  expect(lines(insertCell(book, 1, cell))).toContain(`\n\n${block}\n- item\n`);
  expect(lines(insertCell(book, 3, cell)).endsWith(`ind\n\n${block}`)).toBe(true);
  expect(lines(insertCell(parse(""), 0, cell))).toBe(block);
  const list = parse("- ```sh\n  a\n  ```\n\n  Then:\n\n  ```sh\n  b\n  ```\n");
  expect(lines(insertCell(list, 1, { language: "", content: "m" }))).toBe(
    "- ```sh\n  a\n  ```\n\n  ```\n  m\n  ```\n  \n  Then:\n\n  ```sh\n  b\n  ```\n",
  );
});

test("a deleted cell takes its fences and the blank line after it", () => {
  expect(lines(deleteCell(book, 0))).toBe(text.replaceAll("\r\n", "\n").replace("```sh {name=a}\none\ntwo\n```\n\n", ""));
  expect(lines(deleteCell(book, 1))).toContain("- item\n\n      ind\n");
});

test("identity is given to the document, the cells or both, and reset takes all of it away again", () => {
  let count = 0;
  const ulid = (): string => `ULID${++count}`;
  const all = withIdentity(book, "all", ulid);
  expect(all.settings.id).toBe("ULID1");
  expect(all.cells.map(({ id }) => id)).toEqual(["ULID2", "ULID3", null]);
  expect(withIdentity(all, "all", ulid).text).toBe(all.text);
  expect(withoutIdentity(all).text).toBe(text);
  expect(withIdentity(book, "doc", ulid).cells.every(({ id }) => id === null)).toBe(true);
  expect(withIdentity(book, "cell", ulid).settings.id).toBeNull();
  const broken = parse("---\na: [\n---\n");
  expect(withIdentity(broken, "doc", ulid).text).toBe(broken.text);
});
