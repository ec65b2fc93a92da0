/**
 * The examples of README and docs/ run as they are written.
 *
 *   ```sh  preceded by <!-- run -->: run by bash in an empty home with `hold` on the PATH. A line that begins with `# →`
 *          after a command is what its output must contain; `…` stands for anything.
 *   ```ts  type-checked and run as a module, unless preceded by <!-- not run: why -->.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const hold = join(root, "bin/hold");

interface Example {
  readonly where: string;
  readonly language: "sh" | "ts";
  readonly text: string;
}

function examplesOf(file: string): Example[] {
  const found: Example[] = [];
  const lines = readFileSync(join(root, file), "utf8").split("\n");
  for (let i = 0; i < lines.length; i++) {
    const language = lines[i] === "```sh" ? "sh" : lines[i] === "```ts" ? "ts" : undefined;
    if (!language) continue;
    const end = lines.indexOf("```", i);
    const mark = lines[i - 1] ?? "";
    const runs = language === "sh" ? mark === "<!-- run -->" : !mark.startsWith("<!-- not run:");
    if (runs) found.push({ where: `${file}:${i + 1}`, language, text: `${lines.slice(i + 1, end).join("\n")}\n` });
    i = end;
  }
  return found;
}

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "packages/sdk/README.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).map((name) => `docs/${name}`),
];
const examples = pages.filter((page) => page.endsWith(".md") && existsSync(join(root, page))).flatMap(examplesOf);
const shellExamples = examples.filter((e) => e.language === "sh");
const codeExamples = examples.filter((e) => e.language === "ts");

let home: string;
let env: NodeJS.ProcessEnv;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "examples-"));
  env = {
    ...process.env,
    HOME: home,
    HOLDFAST_HOME: join(home, "state"),
    XDG_CONFIG_HOME: join(home, "config"),
    PATH: `${dirname(hold)}:${process.env.PATH}`,
    SHELL: "/bin/bash",
    TERM: "xterm-256color",
  };
  // The SDK's README begins where one runs.
  expect(spawnSync(hold, ["host", "up"], { env }).status).toBe(0);
});
afterAll(() => {
  for (const name of ["demo", "build"]) spawnSync(hold, ["kill", name], { env });
  spawnSync(hold, ["host", "down"], { env });
  rmSync(home, { recursive: true, force: true });
});

test("README has the two commands and examples that run", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  expect(readme).toContain("npm ci && npm start");
  expect(readme).toContain("npm ci && npm test");
  expect(shellExamples.some((e) => e.where.startsWith("README.md"))).toBe(true);
});

test.each(shellExamples.map((e) => [e.where, e] as const))("%s runs", (_, example) => {
  const done = spawnSync("bash", ["-euo", "pipefail", "-c", example.text], { cwd: home, env, encoding: "utf8", timeout: 60_000 });
  expect(done.status, done.stdout + done.stderr).toBe(0);
  for (const [, wanted] of example.text.matchAll(/^# → (.*)$/gm)) {
    const pattern = (wanted ?? "")
      .split("…")
      .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&").replace(/ +/g, " +"))
      .join(".*");
    expect(done.stdout).toMatch(new RegExp(pattern));
  }
});

test.each(codeExamples.map((e) => [e.where, e] as const))("%s type-checks and runs", (where, example) => {
  const folder = join(root, ".build/examples");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${where.replace(/\W+/g, "-")}.ts`);
  writeFileSync(file, example.text);
  const project = join(folder, `${where.replace(/\W+/g, "-")}.json`);
  writeFileSync(
    project,
    JSON.stringify({
      extends: "../../tsconfig.base.json",
      compilerOptions: { composite: false, incremental: false, emitDeclarationOnly: false, noEmit: true, types: ["node"] },
      files: [file],
    }),
  );
  const types = spawnSync("tsc", ["-p", project], { cwd: root, env, encoding: "utf8" });
  expect(types.stdout).toBe("");
  const done = spawnSync(process.execPath, [file], { cwd: home, env, encoding: "utf8", timeout: 60_000 });
  expect(done.status, done.stdout + done.stderr).toBe(0);
});
