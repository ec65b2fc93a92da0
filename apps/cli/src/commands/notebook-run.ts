/**
 * `hold notebook run`.
 *   N1  Standard output has what cells show, or with --json one object a cell; what the run says of itself goes to standard error.
 *   N2  The file is saved after each cell: a run that is cut off leaves what it had.
 */
import { basename, extname, resolve } from "node:path";
import { escapeText, HoldError, type HostClient } from "@holdfast/sdk";
import {
  type CellRun,
  kernelFor,
  type Notebook,
  notebookJunit,
  type NotebookRun,
  parameterFrom,
  runNotebook,
  withParameters,
  writeNotebook,
} from "@holdfast/sdk/notebook";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { newCellId, openNotebook, writeWhole } from "../notebook/file.ts";

interface RunFlags {
  readonly session: string | undefined;
  readonly kernel: string | undefined;
  readonly keep: boolean;
  readonly param: readonly string[];
  readonly keepGoing: boolean;
  readonly timeout: number | undefined;
  readonly output: string | undefined;
  readonly noSave: boolean;
  readonly noTimes: boolean;
  readonly names: boolean;
  readonly quiet: boolean;
  readonly junit: string | undefined;
  readonly json: boolean;
}

export async function run(context: Context, flags: RunFlags, args: readonly string[]): Promise<number> {
  if (flags.session !== undefined && (flags.keep || flags.kernel !== undefined))
    throw usage("--session is a session that is there: it has its kernel, and stays; leave --keep and --kernel away");
  if (flags.noSave && flags.output !== undefined) throw usage("--no-save saves nothing: leave --output away");
  const file = args[0]!;
  const { notebook: read, isMarkdown } = await openNotebook(resolve(context.cwd, file));
  const parameters = new Map(
    flags.param.map((text) => {
      const parameter = parameterFrom(text);
      if (!parameter) throw usage(`--param takes K=V, K a name; got ${JSON.stringify(text)}`);
      return parameter;
    }),
  );
  const target = flags.output ?? (isMarkdown ? `${file.slice(0, file.length - extname(file).length)}.ipynb` : file);
  const path = flags.noSave ? null : resolve(context.cwd, target);
  const client = await context.client();
  const { session, language, isOwn } = await sessionFor(context, client, flags, read, file);
  const notebook = withParameters(read, parameters, language, newCellId);
  try {
    const done = await runNotebook(client, session, notebook, {
      keepGoing: flags.keepGoing,
      times: !flags.noTimes,
      attributed: flags.names,
      signal: context.cancelled,
      ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout }),
      ...tellers(context, flags),
      ...(path === null ? {} : { changed: (changed: Notebook) => writeWhole(path, writeNotebook(changed)) }),
    });
    if (path !== null) await writeWhole(path, writeNotebook(done.notebook));
    if (flags.junit !== undefined) await writeWhole(resolve(context.cwd, flags.junit), notebookJunit(file, done.cells));
    return told(context, flags, done, path === null ? null : target);
  } finally {
    if (isOwn && !flags.keep) await client.kill(session).catch(() => {});
    else if (isOwn) line(context.err, `kept: ${session}; \`hold run ${session} -- CODE\` goes on in it`);
  }
}

async function sessionFor(
  context: Context,
  client: HostClient,
  flags: RunFlags,
  notebook: Notebook,
  file: string,
): Promise<{ readonly session: string; readonly language: string; readonly isOwn: boolean }> {
  if (flags.session !== undefined) {
    const { kernel } = await client.kernels.show(flags.session);
    const specs = kernel!.language === "" ? await client.kernels.specs() : [];
    const language = kernel!.language || (specs.find(({ name }) => name === kernel!.spec)?.language ?? "");
    return { session: flags.session, language, isOwn: false };
  }
  const specs = flags.kernel === undefined ? null : await client.kernels.specs();
  const kernel =
    specs === null
      ? await kernelFor(client, notebook)
      : { name: flags.kernel!, language: specs.find(({ name }) => name === flags.kernel!.toLowerCase())?.language ?? "" };
  const { session } = await client.open({
    kind: "kernel",
    kernel: kernel.name,
    cwd: resolve(context.cwd, file, ".."),
    name: await freeName(client, file),
  });
  return { session: session.name || session.id, language: kernel.language, isOwn: true };
}

/** After the file. */
async function freeName(client: HostClient, file: string): Promise<string> {
  const stem = basename(file, extname(file))
    .replaceAll(/[^A-Za-z0-9._-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 48);
  const taken = new Set((await client.list()).map(({ name }) => name));
  for (let n = 1; ; n++) {
    const name = `${stem || "notebook"}${n === 1 ? "" : `-${n}`}`;
    if (!taken.has(name)) return name;
  }
}

function tellers(context: Context, { quiet, json }: RunFlags) {
  const isShown = !quiet && !json;
  return {
    began: ({ index, title }: Pick<CellRun, "index" | "title">, { nth, of }: { readonly nth: number; readonly of: number }) => {
      if (!json) line(context.err, context.errPaint.dim(`[${nth}/${of}] cell ${index + 1}: ${escapeText(title)}`));
    },
    text: async (text: string) => {
      if (!isShown) return;
      context.out.write(text);
      await context.out.drained();
    },
    over: ({ index, id, title, outcome, why, executionCount, durationMs, text }: CellRun) => {
      if (json)
        jsonLine(context.out, {
          index,
          id: id || null,
          title,
          outcome,
          why: why || null,
          executionCount,
          durationMs: Math.round(durationMs),
          text,
        });
      else if (outcome === "expected")
        line(context.err, context.errPaint.dim(`cell ${index + 1} failed as it says that it does: ${escapeText(why)}`));
    },
  };
}

function told(context: Context, { json, timeout }: RunFlags, { cells, failed }: NotebookRun, saved: string | null): number {
  const ran = cells.filter(({ outcome }) => outcome !== "not_run").length;
  const left = cells.length - ran;
  const where = saved === null ? "" : `, saved in ${escapeText(saved)}`;
  if (!json || failed)
    line(
      context.err,
      `${ran} cell${ran === 1 ? "" : "s"} run${left > 0 ? `, ${left} not` : ""}${where}${failed ? `; cell ${failed.index + 1} failed: ${escapeText(failed.why)}` : ""}`,
    );
  if (failed?.why === "it took too long, and was interrupted")
    throw new HoldError(
      "timed_out",
      `cell ${failed.index + 1} took longer than ${(timeout ?? 0) / 1_000} s, and was interrupted`,
    );
  return failed ? 1 : 0;
}
