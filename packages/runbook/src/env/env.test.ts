import { expect, test } from "vitest";
import { askFor, exportsOf, isExported, parseEnv, parseSpec, resolveEnv } from "./index.ts";

const ask = (script: string, more: Partial<Parameters<typeof askFor>[1]> = {}) =>
  askFor(script, {
    promptEnv: "auto",
    env: (name) => (name === "KNOWN" ? "k" : undefined),
    isSecret: (name) => name.endsWith("TOKEN"),
    ...more,
  });

test("environment files are read with quotes, comments, exports and several lines", () => {
  expect(parseEnv('A=1\r\nexport B="x\\ny # z"\nC=a b # c\nD=\n#E=1\nF=\'$X\'\nG="two\nlines"\nA=2\n__proto__=p\n')).toEqual(
    Object.fromEntries([
      ["A", "2"],
      ["B", "x\ny # z"],
      ["C", "a b"],
      ["D", ""],
      ["F", "$X"],
      ["G", "two\nlines"],
      ["__proto__", "p"],
    ]),
  );
});

test("a spec says what a variable is, whether it must be there and whether it is secret", () => {
  expect(
    parseSpec('A="Your key" # Secret!\nB=x\n# no\nC="p" # Plain').map(({ name, description, kind, isRequired, isSecret }) => [
      name,
      description,
      kind,
      isRequired,
      isSecret,
    ]),
  ).toEqual([
    ["A", "Your key", "Secret", true, true],
    ["B", "x", "Plain", false, false],
    ["C", "p", "Plain", false, false],
  ]);
});

test("a later layer wins and tells where from, and undefined takes a variable away", () => {
  const left = resolveEnv([
    { source: "session", values: { A: "1", B: "2" } },
    { source: ".env", values: { A: "3", B: undefined } },
  ]);
  expect([...left]).toEqual([["A", { value: "3", source: ".env" }]]);
});

test("an export is a message without quotes, a placeholder with them, nothing without a value, and known where it is set", () => {
  const { script, asks } = ask('export A=Enter the name\nexport B="pl"\nexport C=\nexport MY_TOKEN\nexport KNOWN=x\necho $A');
  expect(asks.map(({ name, status, said, isSecret, value }) => [name, status, said, isSecret, value])).toEqual([
    ["A", "message", "Enter the name", false, null],
    ["B", "placeholder", "pl", false, null],
    ["C", "unresolved", "", false, null],
    ["MY_TOKEN", "unresolved", "", true, null],
    ["KNOWN", "resolved", "x", false, "k"],
  ]);
  expect(script.split("\n")[0]).toBe('# A set in managed env store: "export A=Enter the name"');
  expect(script.split("\n").length).toBe(6);
});

test("a plan holds no secret: one that is known is resolved without its value", () => {
  const { asks, script } = ask("export A_TOKEN", { env: () => "s3cret" });
  expect(asks[0]).toMatchObject({ status: "resolved", isSecret: true, value: null });
  expect(JSON.stringify([asks, script])).not.toContain("s3cret");
});

test("only exports at the top without expansions are asked for", () => {
  const script = [
    "export E=$(x)",
    'export F="$Y"',
    "if x; then",
    "export G=1",
    "fi",
    "cat <<'E O'",
    "export H=1",
    "E O",
    "case a in",
    " a) x;;",
    "export) y",
    ";;",
    "esac",
  ]
    .concat([
      "export I=1 && y",
      "export J=1 K=2",
      'echo "',
      "export L=1",
      '"',
      "f() {",
      "export M=1",
      "}",
      "x \\",
      "export N=1",
      "cat <<-T",
      "\texport O=1",
      "\tT",
      "y <<<x",
    ])
    .concat(["# it's", "export Z=1"])
    .join("\n");
  expect(ask(script).asks.map(({ name }) => name)).toEqual(["Z"]);
});

test("a cell may always ask, or never; with the last value kept its line runs", () => {
  expect(ask("export KNOWN=x", { promptEnv: "always" }).asks[0]?.status).toBe("message");
  expect(ask("export NEW='x y'", { promptEnv: "never" }).asks[0]).toMatchObject({ status: "resolved", value: "x y" });
  expect(ask("export NEW=x", { retention: "last" }).script).toBe("export NEW=x");
});

test("stdout is left as a variable, and under the name of a cell that is one", () => {
  expect(["FOO", "MY_VAR2X", "AB", "Foo", "F__", "F2", "_AB"].map(isExported)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
    true,
  ]);
  expect(exportsOf("FOO", "a\0b\n")).toEqual({ __: "ab\n", FOO: "ab\n" });
  const long = exportsOf("x", `start${"é".repeat(80_000)}`);
  expect(new TextEncoder().encode(long["__"]).length).toBeLessThanOrEqual(131_072 - 128);
  expect(long["__"]?.startsWith("é")).toBe(true);
});
