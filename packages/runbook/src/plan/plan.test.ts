import { expect, test } from "vitest";
import { parse } from "../document/index.ts";
import { combined, type Machine, plan, type PlanOptions } from "./plan.ts";

const machine: Machine = {
  root: "/srv/app",
  shell: "/bin/zsh",
  hasProgram: (name) => ["bash", "node", "python3", "deno", "cat", "go"].includes(name),
  kernels: [
    { name: "python3", language: "python" },
    { name: "venv", language: "python" },
    { name: "ir", language: "r" },
  ],
  env: () => undefined,
  isSecret: (name) => name.includes("TOKEN"),
};
const steps = (text: string, options: PlanOptions = {}, file = "docs/x.run") => {
  const runbook = parse(text);
  return plan(
    runbook.cells.map((cell) => ({ file, runbook, cell })),
    machine,
    options,
  );
};
const targets = (text: string, options?: PlanOptions) => steps(text, options).map(({ target }) => target);
const cell = (info: string, text = "x"): string => `\`\`\`${info}\n${text}\n\`\`\`\n\n`;

test("shell cells run in the live session by the first program that is there, contained where asked", () => {
  const live = { kind: "live", program: "bash", args: [] };
  expect(targets(cell("sh"))).toEqual([live]);
  expect(targets(cell("") + cell("zsh"))).toEqual([
    { ...live, program: "/bin/zsh" },
    { ...live, program: "/bin/zsh" },
  ]);
  expect(targets(cell("sh") + cell("sh {run=live}"), { run: "contained" }).map(({ kind }) => kind)).toEqual([
    "contained",
    "live",
  ]);
  expect(targets(`---\nrun: contained\nshell: fish\n---\n${cell("sh")}`)).toEqual([
    { kind: "contained", program: "fish", args: [] },
  ]);
});

test("an interpreter comes before the document's shell, and what is no shell gets the script in a file", () => {
  const program = { kind: "program", program: "dagger", args: ["shell"], extension: "sh" };
  expect(targets(`---\nshell: dagger shell\n---\n${cell("sh")}${cell("sh {interpreter=bash}")}${cell("js")}`)).toEqual([
    program,
    { kind: "live", program: "bash", args: [] },
    { kind: "program", program: "node", args: [], extension: "js" },
  ]);
  expect(targets(cell('js {"interpreter":"cat -n"}'))).toEqual([
    { kind: "program", program: "cat", args: ["-n"], extension: "js" },
  ]);
});

test("other languages take the first program that is there; nothing known is cat, unless the script names its own", () => {
  const all = steps(
    cell("ts") + cell("python") + cell("go") + cell("rb") + cell("what") + cell("what", "#!/usr/bin/env -S awk -f"),
  );
  expect(
    all.map(({ target, isUnknown }) => [target.kind === "program" && [target.program, ...target.args].join(" "), isUnknown]),
  ).toEqual([
    ["deno run", false],
    ["python3", false],
    ["go run", false],
    ["cat", true],
    ["cat", true],
    ["awk -f", false],
  ]);
});

test("chunks and documents that name a kernel run in one, of their language; plain fences only if asked", () => {
  expect(targets(cell("{python}") + cell("{r}") + cell("python") + cell("py {kernel=x}") + cell("py {run=kernel}"))).toEqual([
    { kind: "kernel", kernelspec: "python3" },
    { kind: "kernel", kernelspec: "ir" },
    { kind: "program", program: "python3", args: [], extension: "py" },
    { kind: "kernel", kernelspec: "x" },
    { kind: "kernel", kernelspec: "python3" },
  ]);
  const named = `---\njupyter: venv\n---\n${cell("{python}")}${cell("py")}${cell("{r}")}${cell("js")}${cell("sh")}${cell("py {interpreter=python3}")}`;
  expect(targets(named).map((target) => ("kernelspec" in target ? target.kernelspec : target.kind))).toEqual([
    "venv",
    "venv",
    "ir",
    "program",
    "live",
    "program",
  ]);
});

test("directories are combined, and an absolute one begins anew", () => {
  const [step] = steps(`---\ncwd: ../src\n---\n${cell("sh {cwd=./deep}")}`);
  expect(step?.cwd).toBe("/srv/app/src/deep");
  expect(steps(cell("sh {cwd=/tmp}"))[0]?.cwd).toBe("/tmp");
  expect(steps(cell("sh"), {}, "top.run")[0]?.cwd).toBe("/srv/app");
  expect(combined("/a", "../..", "b")).toBe("/b");
});

test("a variable is asked for once in a plan, and never with prompts skipped", () => {
  const text =
    cell("sh", "export A_TOKEN=Key") + cell("sh", "export A_TOKEN=Key") + cell("sh {promptEnv=always}", "export A_TOKEN=Key");
  expect(steps(text).map(({ asks }) => asks.map(({ name, isSecret }) => [name, isSecret]))).toEqual([
    [["A_TOKEN", true]],
    [],
    [["A_TOKEN", true]],
  ]);
  expect(steps(text, { skipPrompts: true })[0]?.asks[0]?.status).toBe("resolved");
  expect(steps(cell("py", "export A=1"))[0]?.asks).toEqual([]);
});

test("a step says what it is given and what it leaves", () => {
  const [step] = steps(cell("sh {name=MY_OUT background=true interactive=false}", "$ ls"));
  expect(step).toMatchObject({
    name: "MY_OUT",
    index: 0,
    script: "ls",
    background: true,
    interactive: false,
    exports: ["__", "MY_OUT"],
  });
  expect(step?.envOrder).toEqual(["session", ".env", ".env.local", "asked", "cells"]);
  expect(steps(cell("sh"), { keepOutput: false })[0]?.exports).toEqual([]);
});
