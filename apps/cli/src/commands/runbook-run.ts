/**
 * `hold runbook run`.
 *   U1  Standard output has what cells print, or with --json one object a cell; what the run says of itself goes to standard error.
 *   U2  The exit code is that of the first cell that failed. A code that is not known is 1, with the reason.
 */
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Ask, CellOutcome, Machine, RunbookEvent, SavedFormat, Step } from "@holdfast/sdk/runbook/node";
import { escapeText, HoldError, type OpenSpec } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { LineEnds } from "../record/line-ends.ts";
import { type Documents, documentsOf, isElsewhere, tasksOf, type TreeFlags, type Which } from "../runbook/chosen.ts";
import { LineWriter } from "../runbook/lines.ts";

interface RunFlags extends Which, TreeFlags {
  session: string | undefined;
  keep: boolean;
  contained: boolean;
  parallel: boolean;
  background: boolean;
  dryRun: boolean;
  yes: boolean;
  skipPrompts: boolean;
  env: readonly string[];
  envFile: readonly string[];
  take: boolean;
  timeout: number | undefined;
  junit: string | undefined;
  save: SavedFormat | undefined;
  json: boolean;
}

export async function run(context: Context, flags: RunFlags, args: readonly string[]): Promise<number> {
  if (flags.session !== undefined && flags.keep)
    throw usage("--keep is about a session that is opened; the one of --session stays anyway");
  const { machineHere, plan, readEnvFiles, runRunbook } = await import("@holdfast/sdk/runbook/node");
  const documents = await documentsOf(context.cwd, args, flags);
  const tasks = await tasksOf(documents, flags);
  const variables = variablesOf(flags.env);
  const envFiles = await readEnvFiles(
    flags.envFile.length > 0 ? context.cwd : documents.root,
    flags.envFile.length > 0 ? flags.envFile.toReversed() : undefined,
  );
  const machine = machineHere({ root: documents.root, env: context.env, variables, envFiles, isElsewhere: isElsewhere(context) });
  const steps = plan(tasks, machine, {
    run: flags.contained ? "contained" : "live",
    skipPrompts: flags.yes || flags.skipPrompts,
  });
  if (flags.dryRun) return dryRun(context, steps, flags);
  if (steps.length === 0) {
    line(context.err, "nothing to run: every cell says `excludeFromRunAll`, or there is none");
    return 0;
  }
  const client = await context.client();
  const shown = new Shown(context, flags);
  const results: CellOutcome[] = [];
  const done = await runRunbook(client, steps, {
    ...(flags.session === undefined ? {} : { session: flags.session }),
    open: await openSpec(context, machine),
    keep: flags.keep,
    parallel: flags.parallel,
    background: flags.background,
    variables: { ...envFiles.variables, ...variables },
    take: flags.take,
    signal: context.cancelled,
    ...(context.input.isTty && context.err.isTty ? { ask: (ask: Ask, step: Step) => asked(context, ask, step) } : {}),
    ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout }),
    told: (event) => {
      if (event.type === "ended") results.push(event.result);
      return shown.told(event);
    },
  }).finally(() => written(context, documents, flags, results));
  return codeOf(done.failed);
}

function variablesOf(said: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    said.map((pair) => {
      const at = pair.indexOf("=");
      if (!/^[A-Za-z_]\w*$/.test(at < 0 ? "" : pair.slice(0, at))) throw usage(`--env takes K=V; got ${JSON.stringify(pair)}`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

async function openSpec(
  context: Context,
  machine: Machine,
): Promise<Omit<OpenSpec, "name" | "kind" | "command" | "shell" | "attachIfLives">> {
  const { floor } = await context.settings();
  const env = Object.fromEntries(Object.entries(context.env).filter((pair): pair is [string, string] => pair[1] !== undefined));
  return { env, cwd: context.cwd, floor, ...(machine.isElsewhere === true ? {} : { cwd: machine.root }) };
}

/** U2. */
function codeOf(failed: CellOutcome | null): number {
  if (failed === null) return 0;
  if (failed.code !== null) return failed.code;
  const { code = "code_unknown", message = `how ${failed.step.name} ended is not known` } = failed.problem ?? {};
  throw new HoldError(code as HoldError["code"], message, { session: failed.session, cell: failed.step.name });
}

async function asked(context: Context, ask: Ask, step: Step): Promise<string | null> {
  const words =
    ask.status === "message" ? ask.said : `${ask.name}${ask.status === "placeholder" && !ask.isSecret ? ` [${ask.said}]` : ""}`;
  const prompt = `${escapeText(step.name)}: ${escapeText(words)}: `;
  if (ask.isSecret) return context.secret(prompt, undefined);
  context.err.write(prompt);
  const answer = await context.input.line();
  return answer === null || answer === "" ? null : answer;
}

function dryRun(context: Context, steps: readonly Step[], { json }: RunFlags): number {
  for (const step of steps) {
    const { target } = step;
    const how =
      target.kind === "kernel" ? `kernel ${target.kernelspec}` : `${target.kind}, ${[target.program, ...target.args].join(" ")}`;
    if (json) jsonLine(context.out, { ...step, exports: step.exports });
    else {
      line(
        context.out,
        escapeText(
          `# ${step.name} (${step.file}): ${how}, in ${step.ownCwd ?? step.documentCwd ?? "the session's directory"}${step.background ? ", background" : ""}`,
        ),
      );
      for (const ask of step.asks)
        if (ask.status !== "resolved") line(context.out, escapeText(`# asks for ${ask.name}${ask.isSecret ? ", a secret" : ""}`));
      line(context.out, `${step.script}\n`);
    }
  }
  return 0;
}

/** U1. */
class Shown {
  readonly #context: Context;
  readonly #flags: RunFlags;
  readonly #writers = new Map<Step, { readonly ends: LineEnds; readonly lines: LineWriter | null }>();
  readonly #names = new Map<string, string>();

  constructor(context: Context, flags: RunFlags) {
    this.#context = context;
    this.#flags = flags;
  }

  told(event: RunbookEvent): void | Promise<void> {
    const { out } = this.#context;
    switch (event.type) {
      case "session": {
        const { session, how } = event;
        this.#names.set(session.id, session.name);
        if (how === "again") this.#say(`  the cell ended its shell: session ${session.name} is a new one, without what was set`);
        else if (how === "opened" && this.#flags.keep)
          this.#say(`  session ${session.name} stays; attach with \`hold attach ${session.name}\``);
        return;
      }
      case "started":
        return this.#say(` ►  ${event.step.name} in session ${this.#names.get(event.session) ?? event.session}`);
      case "waiting":
        return this.#say(` …  ${event.step.name} waits: ${event.message}`);
      case "output": {
        if (this.#flags.json) return;
        const { ends, lines } = this.#writer(event.step);
        const bytes = ends.feed(event.bytes);
        if (lines === null) out.write(bytes);
        else lines.write(bytes);
        return out.drained();
      }
      case "ended":
        return this.#ended(event.result);
    }
  }

  #writer(step: Step) {
    let writer = this.#writers.get(step);
    if (writer === undefined) {
      const lines = this.#flags.parallel
        ? new LineWriter(`[${escapeText(step.name)}] `, (bytes) => this.#context.out.write(bytes))
        : null;
      writer = { ends: new LineEnds(), lines };
      this.#writers.set(step, writer);
    }
    return writer;
  }

  #ended(result: CellOutcome): void {
    const { step, code, problem, durationMs, isBackground } = result;
    const writer = this.#writers.get(step);
    if (writer !== undefined) {
      const rest = writer.ends.rest();
      if (writer.lines === null) this.#context.out.write(rest);
      else writer.lines.end(rest);
    }
    if (this.#flags.json) return void this.#json(result);
    const { errPaint } = this.#context;
    const took = `${(durationMs / 1000).toFixed(1)} s`;
    if (isBackground)
      this.#say(
        ` ►  ${step.name} lives on in session ${result.session}; \`hold attach ${result.session}\`, \`hold kill ${result.session}\``,
      );
    else if (code === 0) this.#say(` ✓  ${step.name}, ${took}`, errPaint.green);
    else
      this.#say(
        ` ✗  ${step.name}, ${took}: ${code === null ? (problem?.message ?? "code unknown") : `exit code ${code}`}`,
        errPaint.red,
      );
  }

  #json({ step, session, startedAtUnixMs, ...result }: CellOutcome): void {
    jsonLine(this.#context.out, {
      name: step.name,
      file: step.file,
      index: step.index,
      session,
      code: result.code,
      problem: result.problem ?? null,
      background: result.isBackground,
      startedAt: new Date(startedAtUnixMs).toISOString(),
      durationMs: result.durationMs,
      output: result.output,
      omittedBytes: result.omittedBytes,
      fromOffset: result.fromOffset,
      toOffset: result.toOffset,
    });
  }

  #say(text: string, paint: (text: string) => string = (same) => same): void {
    if (!this.#flags.json) line(this.#context.err, paint(escapeText(text)));
  }
}

/** What was asked to be written of the run, whatever became of it. */
async function written(
  context: Context,
  { root, sheets }: Documents,
  flags: RunFlags,
  results: readonly CellOutcome[],
): Promise<void> {
  const { junit, savedOutputs, ulid } = await import("@holdfast/sdk/runbook/node");
  const put = async (path: string, text: string): Promise<void> => {
    await writeFile(path, text);
    if (!flags.json) line(context.err, escapeText(`  wrote ${path}`));
  };
  if (flags.junit !== undefined) await put(resolve(context.cwd, flags.junit), junit(results));
  if (flags.save === undefined) return;
  const now = Date.now();
  const session = { id: ulid(now), updatedAtUnixMs: now, offsetMinutes: -new Date(now).getTimezoneOffset() };
  for (const { file, runbook } of sheets) {
    if (!results.some(({ step }) => step.file === file)) continue;
    const saved = savedOutputs(runbook, file, results, { format: flags.save, session });
    if (saved !== undefined) await put(join(root, saved.path), saved.text);
  }
}
