/** K7: a notebook run by Debian's nbclient on Debian's ipykernel, and the messages that it got, folded by us. */
import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import {
  type BegunRun,
  changed,
  type CodeCell,
  emptyNotebook,
  type KernelMessage,
  type Notebook,
  type Output,
  OutputFold,
  parseJson,
  readNotebook,
  writeNotebook,
} from "../src/index.ts";

const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** A cell each. */
const sources = {
  "a stream in pieces": `import sys
for i in range(3):
    print(i, end=" ", flush=True)
print("oops", file=sys.stderr, flush=True)
print("10%\\r20%\\x08", flush=True)`,
  "a thread that waits": `import threading
go = threading.Event()
def late():
    go.wait()
    print("late", flush=True)
thread = threading.Thread(target=late)
thread.start()
print("waits", flush=True)`,
  "what the thread prints while a later cell runs": `go.set()
thread.join()
print("joined", flush=True)`,
  "a display to be changed": `from IPython.display import clear_output, display
handle = display({"text/plain": "first"}, raw=True, display_id="shown")
print("between", flush=True)
display({"text/plain": "first again"}, raw=True, display_id="shown");`,
  "the display changed from another cell": `handle.update({"text/plain": "second", "application/json": {"x": [1.0, 2, 1e16, None]}}, raw=True, metadata={"m": 1})`,
  "the same id displayed elsewhere": `display({"text/plain": "third"}, raw=True, display_id="shown")
handle.update({"text/plain": "fourth"}, raw=True)`,
  "clear and wait": `for i in range(4):
    clear_output(wait=True)
    print("step", i, flush=True)
    display({"text/plain": str(i)}, raw=True, display_id="counting")
clear_output(wait=True)`,
  "clear at once": `print("gone", flush=True)
gone = display({"text/plain": "gone"}, raw=True, display_id="gone")
clear_output()
print("kept", flush=True)
gone.update({"text/plain": "not shown"}, raw=True)
display({"text/plain": "kept"}, raw=True, display_id="gone");`,
  "an HTML table and an image": `class Frame:
    def _repr_html_(self): return "<table>\\n<tr><td>1</td></tr>\\n</table>"
    def __repr__(self): return "   a\\n0  1"
import base64
display({"image/png": "${png}\\n", "text/plain": "<Figure>"}, raw=True, metadata={"image/png": {"width": 1}})
display({"image/svg+xml": "<svg>\\n</svg>"}, raw=True)
Frame()`,
  "widgets' comms": `from ipykernel.comm import Comm
state = {"_model_module": "@jupyter-widgets/controls", "_model_name": "IntSliderModel", "value": 1}
comm = Comm(target_name="jupyter.widget", data={"state": state})
comm.send({"method": "update", "state": {"value": 2}})
display({"application/vnd.jupyter.widget-view+json": {"model_id": comm.comm_id}, "text/plain": "slider"}, raw=True)`,
  "an error": `print("before", flush=True)
1 / 0`,
  nothing: ``,
  "a result": `[_ for _ in "ab"]`,
};

interface Recording {
  readonly events: readonly ({ readonly begin: BegunRun } | { readonly message: KernelMessage })[];
  readonly notebook: string;
}

function givenNotebook(): Notebook {
  const cells = Object.entries(sources).map(([name, source], i): CodeCell => {
    const metadata = name === "an error" ? { tags: ["raises-exception"] } : {};
    return { id: `cell-${i}`, cell_type: "code", metadata, source, outputs: [], execution_count: null };
  });
  return { ...emptyNotebook({ kernelspec: { name: "python3", display_name: "Python 3" } }), cells };
}

function runByNbclient(notebook: Notebook): Promise<Recording> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, stdout: string): void => {
      const read = error ? null : parseJson(stdout);
      if (read?.ok) resolve(read.value as unknown as Recording);
      else reject(error ?? new Error(`not JSON: ${stdout.slice(0, 200)}`));
    };
    const options = { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, TZ: "UTC" } };
    execFile("/usr/bin/python3", [`${import.meta.dirname}/run-recorded.py`], options, done).stdin?.end(writeNotebook(notebook));
  });
}

function folded(notebook: Notebook, recording: Recording): Notebook {
  const fold = new OutputFold();
  const cells = [...notebook.cells];
  for (const event of recording.events)
    for (const change of "begin" in event ? fold.begin(event.begin) : fold.take(event.message))
      cells[Number(change.cell)] = changed(cells[Number(change.cell)] as CodeCell, [change]);
  expect(fold.unfinished).toEqual([]);
  return { ...notebook, cells };
}

/** nbclient 0.7.2 keeps each piece of a stream apart. */
function coalesced(outputs: readonly Output[]): Output[] {
  const all: Output[] = [];
  for (const output of outputs) {
    const last = all.at(-1);
    if (last?.output_type === "stream" && output.output_type === "stream" && last.name === output.name)
      all[all.length - 1] = { ...last, text: last.text + output.text };
    else all.push(output);
  }
  return all;
}

test("K7: late output, changed displays, clears, tables, images, comms and errors are stored as nbclient stores them", async () => {
  const recording = await runByNbclient(givenNotebook());
  const read = readNotebook(recording.notebook);
  if (!read.ok) throw new Error(read.problem.cause);
  const theirs = read.notebook.cells.map((cell) => ({ ...cell, outputs: coalesced((cell as CodeCell).outputs) }));
  const ours = folded(givenNotebook(), recording);
  for (const [i, name] of Object.keys(sources).entries()) expect(ours.cells[i], name).toEqual(theirs[i]);
  const outputs = Object.fromEntries(Object.keys(sources).map((name, i) => [name, (ours.cells[i] as CodeCell).outputs]));
  expect(outputs["what the thread prints while a later cell runs"]).toMatchObject([{ text: "late\njoined\n" }]);
  expect(outputs["a display to be changed"]?.[0]).toMatchObject({ data: { "text/plain": "fourth" } });
  expect(outputs["clear and wait"]).toHaveLength(2);
  expect(outputs["an HTML table and an image"]).toHaveLength(3);
  expect(outputs["an error"]).toMatchObject([{ text: "before\n" }, { ename: "ZeroDivisionError" }]);
  const stored = { ...read.notebook, metadata: givenNotebook().metadata, cells: theirs as CodeCell[] };
  expect(writeNotebook(ours)).toBe(writeNotebook(stored));
});
