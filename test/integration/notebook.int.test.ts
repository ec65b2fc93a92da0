/** `hold notebook`: real notebooks, written by Debian's nbformat, run by the command line in real kernels. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { hold } from "./world/hold.ts";
import { fact } from "./world/processes.ts";
import { type World, world } from "./world/world.ts";

type Made = readonly (readonly [source: string, ...tags: string[]])[];

/** As nbformat writes it. */
function made(w: World, name: string, cells: Made): string {
  const path = w.path(name);
  python(
    `import json, sys, nbformat as n
path, cells = sys.argv[1], json.loads(sys.argv[2])
spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
nb = n.v4.new_notebook(metadata={"kernelspec": spec})
nb.cells = [n.v4.new_markdown_cell("# Title")] + [n.v4.new_code_cell(c[0], metadata={"tags": c[1:]} if c[1:] else {}) for c in cells]
n.write(nb, path)`,
    path,
    JSON.stringify(cells),
  );
  return path;
}

const python = (script: string, ...args: readonly string[]): string =>
  execFileSync("/usr/bin/python3", ["-c", script, ...args], { encoding: "utf8" });

/** What nbformat makes of a file: validated, and written again. */
const rewritten = (path: string): string =>
  python(
    `import sys, io, nbformat as n
nb = n.read(sys.argv[1], 4); n.validate(nb); out = io.StringIO(); n.write(nb, out); sys.stdout.write(out.getvalue())`,
    path,
  );

interface CellOutput {
  readonly output_type: string;
  readonly text?: string | string[];
  readonly ename?: string;
}
const cellsOf = (path: string) =>
  (
    JSON.parse(readFileSync(path, "utf8")) as {
      cells: { source: string[]; outputs?: CellOutput[]; execution_count?: number | null; metadata: Record<string, unknown> }[];
    }
  ).cells;

test("J6: what a run saves is what nbformat would write, its outputs stripped it is the file that it was, and a failure has an exit code, a case and the cells behind it", async () => {
  const w = await world();
  const path = made(w, "report.ipynb", [
    ["month = 1", "parameters"],
    ["print('month', month)\nmonth * 1.0"],
    ["1/0", "raises-exception"],
    ["open('/nope')"],
    ["print('never')"],
  ]);
  const before = readFileSync(path, "utf8");
  const [xml, out] = [w.path("r.xml"), w.path("out.ipynb")];
  const ran = await hold(w, "notebook", "run", path, "--param", "month=11", "--output", out, "--junit", xml);
  expect([ran.code, readFileSync(path, "utf8")]).toEqual([1, before]);
  expect(ran.out).toContain("month 11\n11.0");
  expect(ran.err).toContain("cell 6 failed: FileNotFoundError");
  expect(readFileSync(out, "utf8")).toBe(rewritten(out));
  const cells = cellsOf(out);
  expect(cells.map(({ execution_count }) => execution_count)).toEqual([undefined, 1, 2, 3, 4, 5, null]);
  expect(cells[2]).toMatchObject({ source: ["# Parameters\n", "month = 11"], metadata: { tags: ["injected-parameters"] } });
  expect(readFileSync(xml, "utf8")).toMatch(/tests="6" failures="1" errors="0" skipped="1"/);

  // In place, without parameters: only outputs are another, and stripped they are not.
  expect((await hold(w, "notebook", "run", path, "--keep-going", "-q", "--no-times")).code).toBe(1);
  expect(cellsOf(path).at(-1)!.outputs).toMatchObject([{ output_type: "stream", text: ["never\n"] }]);
  const stripped = python(
    `import sys, io, nbformat as n
nb = n.read(sys.argv[1], 4)
for c in nb.cells:
    if c.cell_type == "code": c.outputs = []; c.execution_count = None
nb.metadata.pop("language_info")
out = io.StringIO(); n.write(nb, out); sys.stdout.write(out.getvalue())`,
    path,
  );
  expect(stripped).toBe(before);
  // Sessions of their own are gone with their runs.
  expect((await (await w.connect()).list()).map(({ name }) => name)).toEqual([]);
});

test("a notebook runs in a session that others use: it finds their variables, and leaves its own", async () => {
  const w = await world();
  const client = await w.connect();
  await w.open(client, { kind: "kernel", kernel: "python3", name: "data" });
  await client.kernels.run("data", "theirs = 20");
  const path = made(w, "n.ipynb", [["mine = theirs + 1\nmine"]]);
  const ran = await hold(w, "notebook", "run", path, "--session", "data", "--names", "--json");
  expect(ran.code).toBe(0);
  expect(JSON.parse(ran.out)).toMatchObject({ index: 1, outcome: "ok", text: "21\n", executionCount: 2 });
  expect(cellsOf(path)[1]!.metadata["holdfast"]).toMatchObject({ operator: client.operator.operator!.name });
  let text = "";
  await client.kernels.run("data", "print(mine)", { text: (shown) => void (text += shown) });
  expect(text).toBe("21\n");
});

test("the host is killed in the middle of a notebook: each cell runs once, and the file has every line", async () => {
  const w = await world();
  const started = w.path("started");
  const path = made(w, "long.ipynb", [
    ["runs = 0"],
    [
      `runs += 1\nimport time\nfor i in range(100):\n    print('line', i, flush=True)\n    time.sleep(0.01)\n    if i == 20: open(${JSON.stringify(started)}, 'w').close()`,
    ],
    ["runs += 1\nprint(runs)"],
  ]);
  const running = hold(w, "notebook", "run", path, "-q");
  await fact("the second cell is under way", () => {
    readFileSync(started);
    return true;
  });
  await w.killHost();
  expect((await running).code).toBe(0);
  const cells = cellsOf(path);
  const text = [cells[2]!.outputs![0]!.text!].flat().join("");
  expect(text).toBe(Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join(""));
  expect(cells[3]!.outputs).toMatchObject([{ output_type: "stream", text: ["2\n"] }]);
});

test("Markdown runs as a notebook beside it, and converts both ways without loss; what can't be read says where", async () => {
  const w = await world();
  const source = "Text.\n\n```python\nprint(1 + 1)\n```\n";
  writeFileSync(w.path("doc.markdown"), source);
  expect((await hold(w, "notebook", "run", w.path("doc.markdown"), "--kernel", "python3", "-q")).code).toBe(0);
  expect(readFileSync(w.path("doc.markdown"), "utf8")).toBe(source);
  expect(cellsOf(w.path("doc.ipynb")).at(-1)!.outputs).toMatchObject([{ text: ["2\n"] }]);
  const back = await hold(w, "notebook", "convert", w.path("doc.ipynb"), "--output", "-");
  expect(back.out).toContain("```python\nprint(1 + 1)\n```");
  expect((await hold(w, "notebook", "convert", w.path("doc.markdown"))).err).toContain("--force");
  writeFileSync(w.path("bad.ipynb"), "{");
  const bad = await hold(w, "notebook", "run", w.path("bad.ipynb"));
  expect([bad.code, bad.err]).toEqual([2, expect.stringMatching(/bad\.ipynb: \[notebook_invalid\]/)]);
});
