/**
 * A notebook run in a kernel session, cell by cell, by one operator. The session is not the notebook's: others may run in it meanwhile.
 *
 *   N1  Cells run one after another, in their order; the first failure ends the run, unless it is told to go on or the cell says that it fails
 *       (`raises-exception`).
 *   N2  What is given back is the notebook with each cell's outputs as nbclient would store them (packages/notebook, K7).
 *   N3  A cell is a run of the session: a link or a host that ends meanwhile is waited for, and it runs once.
 */
import {
  type Cell,
  changed,
  type CodeCell,
  idOf,
  isObject,
  type JsonObject,
  type Notebook,
  type OutputChange,
  OutputFold,
  outputText,
  parseJson,
} from "@holdfast/notebook";
import { HoldError } from "@holdfast/protocol";
import type { HostClient, KernelRunResult, KernelSaid } from "../api/index.ts";
import { isTagged } from "./parameters.ts";

export interface CellRun {
  /** Among all cells, from 0. */
  readonly index: number;
  /** Empty where the notebook is older than ids. */
  readonly id: string;
  /** Its first line that says something. */
  readonly title: string;
  /** `not_run`: one before it failed. `expected`: it failed, and says that it does. */
  readonly outcome: "ok" | "error" | "expected" | "not_run";
  /** As told, of `error` and `expected`: `ZeroDivisionError: division by zero`; or why it did not come to its end. */
  readonly why: string;
  readonly executionCount: number | null;
  readonly durationMs: number;
  /** Of its outputs, as text. */
  readonly text: string;
}

export interface NotebookRunOptions {
  readonly began?: (cell: Pick<CellRun, "index" | "id" | "title">, place: { readonly nth: number; readonly of: number }) => void;
  /** Output as it comes, as text; the next waits for what this returns. */
  readonly text?: (text: string) => void | Promise<void>;
  readonly over?: (cell: CellRun) => void;
  /** The notebook as it is after a cell: to save it while the run goes on. */
  readonly changed?: (notebook: Notebook) => void | Promise<void>;
  /** After a failure too. Default false. */
  readonly keepGoing?: boolean;
  /** Each cell may take so long; then the run ends, and what it runs is interrupted. Default: as long as it takes. */
  readonly timeoutMs?: number;
  /** Ends the run; the cell that runs is interrupted. */
  readonly signal?: AbortSignal;
  /** Whether `metadata.execution` gets times, as nbclient stores them. Default true. */
  readonly times?: boolean;
  /** Whether `metadata.holdfast` gets the run's id and its operator. Default false, which keeps diffs clean. */
  readonly attributed?: boolean;
}

export interface NotebookRun {
  readonly notebook: Notebook;
  /** Every code cell that has code, in order. */
  readonly cells: readonly CellRun[];
  /** The first that failed and did not say so; null: none. */
  readonly failed: CellRun | null;
}

const isRunnable = (cell: Cell): cell is CodeCell => cell.cell_type === "code" && cell.source.trim() !== "";
/** Its kernel's languages are told by their `language_info`, as nbclient writes it. */
const LANGUAGE = "language_info";

export async function runNotebook(
  client: HostClient,
  session: string,
  notebook: Notebook,
  options: NotebookRunOptions = {},
): Promise<NotebookRun> {
  const now = (): number => performance.now();
  const fold = new OutputFold({ times: options.times ?? true });
  const cells: Cell[] = [...notebook.cells];
  const held = (): Notebook => ({ ...notebook, metadata, cells });
  const take = (changes: readonly OutputChange[]): void => {
    for (const [key, own] of Map.groupBy(changes, ({ cell }) => cell)) {
      const index = Number(key);
      cells[index] = changed(cells[index] as CodeCell, own);
    }
  };
  const results: CellRun[] = [];
  const runnable = cells.flatMap((cell, index) => (isRunnable(cell) ? [index] : []));
  let { metadata } = notebook;
  let failed: CellRun | null = null;
  for (const [n, index] of runnable.entries()) {
    const cell = cells[index] as CodeCell;
    const named = { index, id: idOf(cell) ?? "", title: titleOf(cell.source) };
    if (failed && !options.keepGoing) {
      results.push({
        ...named,
        outcome: "not_run",
        why: "a cell before it failed",
        executionCount: null,
        durationMs: 0,
        text: "",
      });
      continue;
    }
    options.began?.(named, { nth: n + 1, of: runnable.length });
    const from = now();
    const ran = await runCell(client, session, cell, { ...options, fold, key: String(index), take });
    if (n === 0) metadata = await withLanguage(client, session, metadata);
    const done = cells[index] as CodeCell;
    const why = ran.outcome === "ok" ? "" : whyOf(ran, done);
    const outcome = ran.outcome === "ok" ? "ok" : isTagged(cell, "raises-exception") ? "expected" : "error";
    const text = done.outputs.map((output) => outputText(output, { colors: false })).join("");
    const result = { ...named, outcome, why, executionCount: ran.executionCount, durationMs: now() - from, text } as const;
    results.push(result);
    if (outcome === "error") failed ??= result;
    options.over?.(result);
    await options.changed?.(held());
    if (ran.state !== "ended") break;
  }
  return { notebook: held(), cells: results, failed };
}

interface CellWorld extends NotebookRunOptions {
  readonly fold: OutputFold;
  readonly key: string;
  readonly take: (changes: readonly OutputChange[]) => void;
}

async function runCell(
  { kernels, operator }: HostClient,
  session: string,
  cell: CodeCell,
  { fold, key, take, signal, timeoutMs, text, attributed }: CellWorld,
): Promise<KernelRunResult> {
  const id = idOf(cell);
  const begin = (run: string): void => {
    const { id: by = "", name = "" } = operator.operator ?? {};
    take(fold.begin({ msgId: run, cell: key, ...(attributed ? { attribution: { run_id: run, operator: name || by } } : {}) }));
  };
  const result = await kernels
    .run(session, cell.source, {
      queued: begin,
      message: (said) => {
        const message = messageOf(said);
        if (message) take(fold.take(message));
      },
      ...(text ? { text } : {}),
      ...(signal ? { signal } : {}),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(id === null ? {} : { metadata: { cellId: id } }),
    })
    .catch(async (fault: unknown) => {
      if (signal?.aborted) await kernels.interrupt(session).catch(() => {});
      throw fault;
    });
  if (result.state === "timed_out") await kernels.interrupt(session).catch(() => {});
  return result;
}

/** Read anew, so that numbers stay as the kernel wrote them. */
function messageOf({ raw }: KernelSaid) {
  const [header, parent_header, content] = [raw.header, raw.parent, raw.content].map((bytes) => {
    const read = parseJson(new TextDecoder().decode(bytes));
    return read.ok && isObject(read.value) ? read.value : null;
  });
  return header && parent_header && content ? { header, parent_header, content } : null;
}

async function withLanguage({ kernels }: HostClient, session: string, metadata: JsonObject): Promise<JsonObject> {
  const { info } = await kernels.show(session);
  const read = parseJson(new TextDecoder().decode(info));
  const language = read.ok && isObject(read.value) ? read.value[LANGUAGE] : undefined;
  return isObject(language) ? { ...metadata, [LANGUAGE]: language } : metadata;
}

const titleOf = (source: string): string =>
  source
    .split("\n")
    .map((line) => line.trim())
    .find((line) => line !== "")!
    .slice(0, 80);

function whyOf({ state, outcome }: KernelRunResult, { outputs }: CodeCell): string {
  const error = outputs.findLast((output) => output.output_type === "error");
  if (error?.output_type === "error") return `${error.ename}: ${error.evalue}`;
  if (state === "timed_out") return "it took too long, and was interrupted";
  if (state === "cancelled") return "it was taken out of the queue";
  if (state === "lost") return "the kernel ended while it ran";
  if (state === "voided") return "the kernel ended before its turn";
  return outcome === null ? "how it ended was not heard" : `the kernel said ${outcome}`;
}

/** The kernel that a notebook wants: its kernelspec's name, else one of its language. Throws with what there is. */
export async function kernelFor(
  client: HostClient,
  { metadata }: Notebook,
): Promise<{ readonly name: string; readonly language: string }> {
  const specs = (await client.kernels.specs()).filter(({ fault }) => fault === "");
  const wanted = isObject(metadata["kernelspec"]) ? metadata["kernelspec"] : {};
  const info = isObject(metadata[LANGUAGE]) ? metadata[LANGUAGE] : {};
  const language = [wanted["language"], info["name"]].find((one) => typeof one === "string") ?? "";
  const same = (a: unknown, b: string): boolean => typeof a === "string" && a !== "" && a.toLowerCase() === b.toLowerCase();
  const found =
    specs.find(({ name }) => same(wanted["name"], name)) ??
    specs.find((spec) => same(language, spec.language)) ??
    (wanted["name"] === undefined && language === "" && specs.length === 1 ? specs[0] : undefined);
  if (found) return { name: found.name, language: found.language };
  const asked = [wanted["name"], language].filter((one) => typeof one === "string" && one !== "").join(", ");
  const there = specs.map(({ name }) => name).join(", ") || "none";
  throw new HoldError(
    "no_such_kernel",
    `the notebook wants ${asked || "no kernel by name"}, and the host has ${there}; --kernel NAME takes another`,
  );
}
