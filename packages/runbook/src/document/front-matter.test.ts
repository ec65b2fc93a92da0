import { expect, test } from "vitest";
import { frontMatterAt, withValue } from "./front-matter.ts";
import { isOutputs, parse } from "./runbook.ts";

test("front matter is read as YAML, TOML, JSON and JSON between lines, after a byte order mark too", () => {
  const forms = [
    "---\nshell: bash\n---\n",
    '+++\nshell = "bash"\n+++\n',
    '{\n "shell": "bash"\n}\n',
    '---\n{"shell": "bash"}\n---\n',
    '---\nshell = "bash"\n---\n',
  ];
  for (const form of forms) {
    for (const text of [form, `\uFEFF${form}`, form.replaceAll("\n", "\r\n")]) {
      expect(parse(`${text}\n\`\`\`sh\nx\n\`\`\`\n`).settings.shell, text).toBe("bash");
    }
  }
});

test("front matter that cannot be read is kept with a warning, and the cells are there", () => {
  const runbook = parse("---\na: [\n---\n```sh\nx\n```\n");
  expect(runbook.warnings.map(({ code, line }) => [code, line])).toEqual([["front_matter_invalid", 1]]);
  expect(runbook.cells.length).toBe(1);
  expect(runbook.pieces[0]?.text).toBe("---\na: [\n---\n");
});

test("snippets, templates, and separators that nothing closes are no front matter", () => {
  for (const text of ["--8<-- 'x'\n---\n", "{{ x }}\n", "{% x %}\n", "---\na: 1\n", "text\n---\na: 1\n---\n"])
    expect(frontMatterAt(text, 0)).toBeNull();
});

test("a document's tags, prompts, identity and session are known", () => {
  const runbook = parse("---\ntag: a\ncategory: b\nskipPrompts: true\nrunme:\n  id: I\n  session:\n    id: S\n---\n");
  expect(runbook.settings).toMatchObject({ tags: ["a", "b"], skipPrompts: true, id: "I", session: "S" });
  expect(isOutputs(runbook)).toBe(true);
});

test("a value is written where it belongs, and nothing else is touched", () => {
  const yaml = "# mine\nshell:   bash # so\nrunme:\n    version: v2 # old\ntag: x\n";
  expect(withValue(yaml, "yaml", ["runme", "id"], "I")).toBe(yaml.replace("# old\n", "# old\n    id: I\n"));
  expect(withValue(yaml, "yaml", ["runme", "version"], "v3")).toBe(yaml.replace("v2", "v3"));
  expect(withValue(yaml, "yaml", ["runme", "version"], undefined)).toBe("# mine\nshell:   bash # so\ntag: x\n");
  expect(withValue("runme: {a: b}\n", "yaml", ["runme", "id"], "I")).toContain("id: I");
  expect(withValue("a=1\n", "toml", ["runme", "id"], "I")).toBe('a=1\n\n[runme]\nid = "I"\n');
  expect(withValue('a=1\n\n[runme]\nid = "I"\n', "toml", ["runme", "id"], undefined)).toBe("a=1\n");
  expect(withValue('{"a": 1}', "json", ["a"], "b")).toBe('{"a": "b"}');
});

test("a flow mapping is written anew with all that it said, and JSON between lines is changed in place", () => {
  expect(withValue("{shell: bash, runme: {id: I}}\n", "yaml", ["runme", "id"], undefined)).toBe("{ shell: bash }\n");
  expect(withValue("{shell: bash}\n", "yaml", ["runme", "id"], "I")).toBe("{ shell: bash, runme: { id: I } }\n");
  expect(parse('---\n{"shell": "bash"}\n---\n').frontMatter?.form).toBe("json");
});
