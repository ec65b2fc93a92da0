/**
 * Runme's conventions, case by case: what its black-box suite (23 files at dea8211) observes, said again for what is pure here; then,
 * under §, what notebooks §8 read in its source. `differs` marks the cases in which ours is another result; docs/runbook-format.md says why, by the same
 * words, and the last test holds the share (notebooks R1: at least 95 %).
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import {
  askFor,
  discover,
  formatted,
  isOutputs,
  listed,
  parse,
  parseEnv,
  plan,
  type Query,
  resolveEnv,
  select,
  setAnnotations,
  type Sheet,
  type Step,
  withIdentity,
  withoutIdentity,
  writeOutputs,
} from "../index.ts";

const sheet = (file: string, ...lines: string[]): Sheet => ({ file, runbook: parse(`${lines.join("\n")}\n`) });
const cell = (info: string, ...lines: string[]): string => [`\`\`\`${info}`, ...lines, "```", ""].join("\n");
const table = (sheets: readonly Sheet[], allowUnnamed = false): string[] =>
  listed(sheets, { allowUnnamed }).map(({ file, cell: { name, settings, firstCommand, intro, isNamed } }) =>
    [`${name}${settings.excludeFromRunAll ? "" : "*"}`, file, firstCommand, intro, isNamed ? "Yes" : "No"].join("|"),
  );
const names = (sheets: readonly Sheet[], query: Query): string[] | string => {
  const found = select(sheets, query);
  return found.ok ? found.tasks.map((task) => task.cell.name) : found.refusal.code;
};
const steps = (sheets: readonly Sheet[], query: Query, env: Record<string, string> = {}): readonly Step[] => {
  const found = select(sheets, query);
  if (!found.ok) return [];
  const machine = {
    root: "/w",
    shell: "/bin/bash",
    hasProgram: () => true,
    kernels: [],
    env: (name: string) => env[name],
    isSecret: () => false,
  };
  return plan(found.tasks, machine);
};

const basic = [
  sheet(
    "README.md",
    ...[
      "---",
      "runme:",
      "  id: 01HFVTDYA775K2HREH9ZGQJ75B",
      "  version: 2.0",
      "---",
      "",
      "# Examples",
      "",
      "A first command:",
      "",
    ],
    cell("sh", '$ echo "Hello, there!"'),
    "You can leave the language out:\n",
    cell("", '$ echo "Hello, there!"'),
    "Names come from a script's contents:\n",
    cell("sh", "# A comment first", "echo Inferred"),
    'With `{"name":"hello"}` it has a nice name:\n',
    cell('sh {"name":"echo","excludeFromRunAll":"true"}', '$ echo "Hello!"'),
    "Several lines:\n",
    cell('sh {"interactive":"false"}', '$ echo "1"', '$ echo "2"'),
    "Another language:\n",
    cell('js {"name":"hello-js"}', 'console.log("Hello")'),
    "And a custom interpreter:\n",
    cell('js {"interpreter":"cat","name":"hello-cat"}', "Hello cat"),
    "It is one script:\n",
    cell("sh", 'temp_dir=$(mktemp -d -t "x-XXXXXXX")', "pushd $temp_dir"),
    "Go:\n",
    cell("go", "package main", "func main() {}"),
    "## Python\n",
    cell('python {"interpreter":"python3","name":"hello-python"}', "def say_hi():", '  print("Hello")'),
  ),
  sheet("shellscript.run", cell('shellscript {"name":"run-shellscript"}', '$ echo "As a shell script"')),
];

const outputs = (): string =>
  writeOutputs(
    basic[1]!.runbook,
    "a.run",
    { id: "01S", updatedAtUnixMs: 0 },
    new Map([[0, { startedAtUnixMs: 0, durationMs: 1, exitCode: 0, text: "x" }]]),
  )?.text ?? "";

const tagged = (key: string): Sheet =>
  sheet(
    "TAGS.run",
    cell(`bash {"${key}":"foo","name":"set-env"}`, '$ export ENV="foo!"'),
    cell(`bash {"${key}":"foo","name":"print-foo"}`, '$ echo "$ENV"'),
    cell(`bash {"${key}":"foo,bar","name":"print-bar"}`, '$ echo "bar!"'),
    cell(`bash {"${key}":"foo,bar","excludeFromRunAll":true,"name":"excluded"}`, "$ echo no"),
    cell(`bash {"${key}":"buzz","name":"print-buzz"}`, "$ echo buzz"),
  );
const solutions = [
  sheet(
    "one.run",
    "---\nshell: bash\ncwd: /tmp\ncategory: solution-1\n---\n",
    cell('sh {"name":"install-1"}', "x"),
    cell('sh {"name":"foo","category":"delete-solution"}', "x"),
  ),
  sheet(
    "two.run",
    "---\ncategory: solution-2\n---\n",
    cell("sh", "$ stty -opost", "$ a"),
    cell("sh", "$ stty -opost"),
    cell('sh {"name":"post-2"}', "x"),
    cell('sh {"category":"delete-solution"}', "x"),
  ),
];

interface Case {
  readonly name: string;
  readonly got: () => unknown;
  readonly runme: unknown;
  /** Ours, and the words of docs/runbook-format.md under which the reason stands. */
  readonly differs?: { readonly ours: unknown; readonly why: string };
}

const cases: readonly Case[] = [
  {
    name: "script/basic: a list has the named cells with file, first command, description",
    got: () => table(basic),
    runme: [
      'echo|README.md|echo "Hello!"|With `{"name":"hello"}` it has a nice name.|Yes',
      'hello-js*|README.md|console.log("Hello")|Another language.|Yes',
      "hello-cat*|README.md|Hello cat|And a custom interpreter.|Yes",
      "hello-python*|README.md|def say_hi():||Yes",
      'run-shellscript*|shellscript.run|echo "As a shell script"||Yes',
    ],
  },
  {
    name: "script/basic: with unnamed ones the names are made",
    got: () => listed(basic, { allowUnnamed: true }).map((task) => task.cell.name),
    runme: [
      ...["echo-hello", "echo-hello-2", "echo-inferred", "echo", "echo-1", "hello-js", "hello-cat", "tempdir", "package-main"],
      ...["hello-python", "run-shellscript"],
    ],
  },
  {
    name: "script/basic: a cell runs by its name",
    got: () => steps(basic, { names: ["echo"] })[0]?.script,
    runme: 'echo "Hello!"',
  },
  {
    name: "script/basic: by its index in a file",
    got: () => steps(basic, { index: 0 })[0]?.script,
    runme: 'echo "Hello, there!"',
  },
  {
    name: "script/basic: several lines are one script",
    got: () => steps(basic, { names: ["echo-1"] })[0]?.script,
    runme: 'echo "1"\necho "2"',
  },
  { name: "script/basic: an unnamed one by its made name", got: () => names(basic, { names: ["tempdir"] }), runme: ["tempdir"] },
  {
    name: "script/basic: what has no name is not found",
    got: () => names(basic, { names: ["hello-world-2"], allowUnknown: false }),
    runme: "no_such_cell",
  },
  {
    name: "script/basic: go runs as a program of its own",
    got: () => steps(basic, { names: ["package-main"] })[0]?.target,
    runme: { kind: "program", program: "go", args: ["run"], extension: "go" },
  },
  {
    name: "script/basic: javascript by node",
    got: () => steps(basic, { names: ["hello-js"] })[0]?.target,
    runme: { kind: "program", program: "node", args: [], extension: "js" },
  },
  {
    name: "script/basic: an interpreter",
    got: () => steps(basic, { names: ["hello-cat"] })[0]?.target,
    runme: { kind: "program", program: "cat", args: [], extension: "js" },
  },
  {
    name: "script/basic: python",
    got: () => steps(basic, { names: ["hello-python"] })[0]?.target,
    runme: { kind: "program", program: "python3", args: [], extension: "py" },
  },
  {
    name: "script/basic: shellscript is a shell's",
    got: () => steps(basic, { names: ["run-shellscript"] })[0]?.target.kind,
    runme: "live",
  },
  {
    name: "script/shebang: py, rb, sh and js each by their program",
    got: () =>
      steps([sheet("S.run", "---\nshell: bash\n---", cell("py", "a"), cell("rb", "b"), cell("sh", "c"), cell("js", "d"))], {
        all: true,
      }).map(({ target }) => "program" in target && target.program),
    runme: ["python3", "ruby", "bash", "node"],
  },
  {
    name: "script/exitcode: a script is run as written, so that its code is its own",
    got: () =>
      steps([sheet("E.run", cell('sh { "name": "multi" }', "failhereplease", "echo multi"))], { names: ["multi"] })[0]?.script,
    runme: "failhereplease\necho multi",
  },
  {
    name: "script/dotenv: a value of .env is there, over the session's",
    got: () =>
      resolveEnv([
        { source: "session", values: { X: "s" } },
        { source: ".env", values: parseEnv('X="in-my-dot-env"\n') },
      ]).get("X")?.value,
    runme: "in-my-dot-env",
  },
  {
    name: "script/daggershell: the document's shell may be any program",
    got: () =>
      steps(
        [sheet("s.dag", "---\nshell: dagger shell\n---", cell('sh {"name":"S"}', "### Exported as S", "git x |", "  head"))],
        { names: ["S"] },
      )[0]?.target,
    runme: { kind: "program", program: "dagger", args: ["shell"], extension: "sh" },
  },
  {
    name: "script/daggershell: label comments are stripped",
    got: () =>
      steps([sheet("s.dag", cell('sh {"name":"S"}', "### Exported as S", "git x |", "  head"))], { names: ["S"] })[0]?.script,
    runme: "git x |\n  head",
  },
  {
    name: "script/version, beta/server: identity of a document is read",
    got: () => basic[0]!.runbook.settings.id,
    runme: "01HFVTDYA775K2HREH9ZGQJ75B",
  },
  {
    name: "runall: all cells in order without the excluded",
    got: () => names([tagged("tag")], { all: true }),
    runme: ["set-env", "print-foo", "print-bar", "print-buzz"],
  },
  {
    name: "runall: skipPrompts of a document asks for nothing, and the value is what it says",
    got: () =>
      steps([sheet("SKIP.run", "---\nskipPrompts: true\n---", cell("sh {name=f}", 'export BAR="foo-command"', "echo $BAR"))], {
        names: ["f"],
      })[0]?.asks.map(({ status, value }) => [status, value]),
    runme: [["resolved", "foo-command"]],
  },
  ...["tag", "category"].flatMap((key): Case[] => [
    {
      name: `tags/${key}: one tag`,
      got: () => names([tagged(key)], { all: true, tags: ["foo"] }),
      runme: ["set-env", "print-foo", "print-bar"],
    },
    { name: `tags/${key}: a tag of a list`, got: () => names([tagged(key)], { all: true, tags: ["bar"] }), runme: ["print-bar"] },
    {
      name: `tags/${key}: two tags, in the order of the document`,
      got: () => names([tagged(key)], { tags: ["buzz", "bar"] }),
      runme: ["print-bar", "print-buzz"],
    },
  ]),
  {
    name: "tags: a document's tag takes its unnamed cells too",
    got: () => names(solutions, { tags: ["solution-2"], allowUnnamed: true }),
    runme: ["stty-opost", "stty-opost-2", "post-2"],
  },
  {
    name: "tags: a document's tag takes the named cells",
    got: () => names(solutions, { tags: ["solution-2"] }),
    runme: ["post-2"],
  },
  { name: "tags: half a tag is none", got: () => names(solutions, { tags: ["solution"] }), runme: "nothing_tagged" },
  {
    name: "tags: as a pattern half a tag is enough",
    got: () => names(solutions, { tags: ["solution"], pattern: true }),
    runme: ["install-1", "post-2"],
  },
  ...(
    [
      ["", "auto"],
      ["auto", "auto"],
      ["yes", "always"],
      ["no", "never"],
    ] as const
  ).map(
    ([said, meant]): Case => ({
      name: `prompts: promptEnv "${said}"`,
      got: () => sheet("P.run", cell(`sh {"promptEnv":"${said}"}`, "x")).runbook.cells[0]?.settings.promptEnv,
      runme: meant,
    }),
  ),
  {
    name: "prompts: message, placeholder, empty placeholder and nothing",
    got: () =>
      askFor("export A=Message\nexport B='Place holder'\nexport C=\"\"\nexport D", {
        promptEnv: "auto",
        env: () => undefined,
        isSecret: () => false,
      }).asks.map(({ status }) => status),
    runme: ["message", "placeholder", "placeholder", "unresolved"],
  },
  {
    name: "prompts: what the environment has is resolved",
    got: () =>
      steps([sheet("P.run", cell("sh {name=p}", "export FILE=default", "cat $FILE"))], { names: ["p"] }, { FILE: "mine" })[0]
        ?.asks[0]?.value,
    runme: "mine",
  },
  {
    name: "prompts: the statement becomes a comment that names the variable",
    got: () => askFor("export A=x\necho", { promptEnv: "auto", env: () => "1", isSecret: () => false }).script,
    runme: '#\n# A set in managed env store\n# "export A=x"\necho',
    differs: { ours: '# A set in managed env store: "export A=x"\necho', why: "One comment line" },
  },
  {
    name: "flags/fmt: reset takes every id away, and the front matter that held nothing else",
    got: () =>
      withoutIdentity(parse(`{\n  "runme": {\n    "id": "I",\n    "version": "v3"\n  }\n}\n\n${cell('sh {"id":"J"}', "$ x")}`))
        .text,
    runme: cell("sh", "$ x"),
  },
  {
    name: "flags/fmt: annotations are written in JSON beside a fence without a language",
    got: () => {
      const result = setAnnotations(parse(cell("", "echo 1")), 0, { name: "bash-echo-1" });
      return result.ok && result.runbook.text;
    },
    runme: cell('{"name":"bash-echo-1"}', "echo 1"),
  },
  {
    name: "flags/fmt: fmt takes spaces out of annotations",
    got: () => formatted(parse(`---\nrunme:\n  id: I\n---\n${cell(' {"name": "a"}', "x")}`)).text,
    runme: `---\nrunme:\n  id: I\n---\n${cell('{"name":"a"}', "x")}`,
  },
  {
    name: "flags/include_indicator: a star is for what a run of all takes",
    got: () =>
      table([
        sheet("E.run", cell('sh {"name": "excluded", "excludeFromRunAll": true}', "echo e")),
        sheet("I.run", cell('sh {"name": "included"}', "echo i")),
      ]),
    runme: ["excluded|E.run|echo e||Yes", "included*|I.run|echo i||Yes"],
  },
  {
    name: "flags/project, flags/relative, beta/project_dir_nested, beta/find_repo_upward: documents in the order of the tree",
    got: () =>
      discover({ files: ["root.run", "very/deeply/sub.run", "very/deeply/nested/file.run", "very/another.run", ".git/x.run"] }),
    runme: ["root.run", "very/another.run", "very/deeply/nested/file.run", "very/deeply/sub.run"],
  },
  {
    name: "beta/base: one name",
    got: () => names([sheet("B.run", cell("sh {name=hello}", "x"), cell("sh {name=hello-world}", "y"))], { names: ["hello"] }),
    runme: ["hello"],
  },
  {
    name: "beta/base: a star",
    got: () => names([sheet("B.run", cell("sh {name=hello}", "x"), cell("sh {name=hello-world}", "y"))], { names: ["hello*"] }),
    runme: ["hello", "hello-world"],
  },
  {
    name: "beta/base: unknown",
    got: () => names([sheet("B.run", cell("sh {name=hello}", "x"))], { names: ["unknown"] }),
    runme: "no_such_cell",
  },
  {
    name: "beta/tags, beta/categories, beta/run/categories: tags of a cell",
    got: () => names([tagged("category")], { tags: ["buzz"] }),
    runme: ["print-buzz"],
  },
  { name: "§8.1: mermaid is no cell", got: () => parse(cell("mermaid", "x")).cells.length, runme: 0 },
  {
    name: "§8.1: ignored blocks are left out",
    got: () => parse(cell("sh {ignore=true}", "x") + cell("sh {transform=false}", "x")).cells.length,
    runme: 0,
  },
  { name: "§8.1: indented blocks are cells", got: () => parse("    echo 1\n").cells[0]?.script, runme: "echo 1" },
  { name: "§8.2: outputs are told apart", got: () => isOutputs(parse(outputs())), runme: true },
  {
    name: "§8.2: front matter that cannot be read is kept",
    got: () => withIdentity(parse("---\na: [\n---\n"), "cell", () => "J").text,
    runme: "---\na: [\n---\n",
  },
  {
    name: "§8.3: name stands first in words",
    got: () => withIdentity(parse(cell("sh { flag }", "x")), "cell", () => "J").cells[0]?.info.entries,
    runme: { flag: "", id: "J" },
  },
  {
    name: "§8.3: cwd is combined with the document's",
    got: () => steps([sheet("d/a.run", "---\ncwd: ..\n---", cell("sh {name=a cwd=x}", "x"))], { names: ["a"] })[0]?.cwd,
    runme: "/w/x",
  },
  { name: "§8.3: interactive by default", got: () => parse(cell("sh", "x")).cells[0]?.settings.interactive, runme: true },
  {
    name: "§8.4: an unknown language is printed by cat",
    got: () => steps([sheet("a.run", cell("what {name=a}", "x"))], { names: ["a"] })[0]?.target,
    runme: { kind: "program", program: "cat", args: [], extension: "what" },
  },
  {
    name: "§8.1: a variable in the first column",
    got: () => parse(cell("sh", "$FOO/bin/x")).cells[0]?.script,
    runme: "FOO/bin/x",
    differs: { ours: "$FOO/bin/x", why: "A variable keeps its dollar" },
  },
  {
    name: "§8.1: white space at a line's end",
    got: () => parse(cell("sh", "echo a  ")).cells[0]?.script,
    runme: "echo a",
    differs: { ours: "echo a  ", why: "White space at the end of a line" },
  },
  {
    name: "§8.3: objects in annotations",
    got: () => parse(cell('sh {"name":"x","env":{"A":"}"}}', "y")).cells[0]?.name,
    runme: "y",
    differs: { ours: "x", why: "Nested objects" },
  },
  {
    name: "§8.3: braces right behind the language",
    got: () => parse(cell("sh{name=x}", "y")).cells[0]?.language,
    runme: "sh{name=x}",
    differs: { ours: "sh", why: "Braces right behind" },
  },
  {
    name: "§8.3: braces around a language alone",
    got: () => parse(cell("{python}", "y")).cells[0]?.language,
    runme: "",
    differs: { ours: "python", why: "Braces around a language" },
  },
  {
    name: "§8.6: several variables in one export",
    got: () => askFor("export A=1 B=2", { promptEnv: "auto", env: () => undefined, isSecret: () => false }).asks.length,
    runme: 1,
    differs: { ours: 0, why: "Several variables in one" },
  },
  {
    name: "§8.4: a transcript",
    got: () => steps([sheet("a.run", cell("console {name=a}", "$ x"))], { names: ["a"] })[0]?.target.kind,
    runme: "program",
    differs: { ours: "live", why: "`console` and" },
  },
  {
    name: "§8.9: a folder before a name",
    got: () => names([sheet("d/a.run", cell("sh {name=x}", "y"))], { names: ["d/a/x"] }),
    runme: "no_such_cell",
    differs: { ours: ["x"], why: "`FILE/NAME` is cut" },
  },
  {
    name: "§8.5: a shell cell's process",
    got: () => steps([sheet("a.run", cell("sh {name=x}", "y"))], { names: ["x"] })[0]?.target.kind,
    runme: "contained",
    differs: { ours: "live", why: "Cells of a shell run in the live" },
  },
];

for (const { name, got, runme, differs } of cases)
  test(name, () => expect(got()).toEqual(differs === undefined ? runme : differs.ours));

test("of the suite's cases at least 95 of 100 have Runme's result, and each difference has its reason in the documents", () => {
  const page = readFileSync(fileURLToPath(new URL("../../../../docs/runbook-format.md", import.meta.url)), "utf8");
  for (const { differs } of cases) if (differs !== undefined) expect(page).toContain(`| ${differs.why}`);
  const suite = cases.filter(({ name }) => !name.startsWith("§"));
  expect(suite.length).toBeGreaterThanOrEqual(40);
  expect(suite.filter(({ differs }) => differs === undefined).length / suite.length).toBeGreaterThanOrEqual(0.95);
});
