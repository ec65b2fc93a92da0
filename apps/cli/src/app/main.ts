/**
 * One run of `hold`: reads the line, finds the command, runs it in a context and turns its outcome into an exit code.
 *   A1  Exit codes are those of design §5, whatever failed and wherever; of a wait that a signal stopped here, 128 and its number.
 *   A2  A name that is no command of ours is `hold-NAME` on the path, or an error that says what was meant.
 */
import { run as runStricli } from "@stricli/core";
import { parsePlace } from "../read/place.ts";
import { didYouMean } from "../read/near.ts";
import { type AnyCommand, findCommand } from "../spec/command.ts";
import { commands, table } from "../spec/index.ts";
import type { Context, Output } from "./context.ts";
import { asFailure, report, usage } from "./fail.ts";
import { type Globals, splitGlobals } from "./globals.ts";
import { leave, RealContext, stderrOutput, stdoutOutput } from "./real.ts";
import { application } from "./routes.ts";
import { type Contexts, hasContext, LOCAL, NO_CONTEXTS, splitHost } from "./target.ts";

type Streams = { readonly out: Output; readonly err: Output };
export type OwnedContext = Context & { end(): Promise<void> };
const { groupBriefs } = table;

export type MakeContext = (globals: Globals, contexts: Contexts) => OwnedContext;

/** What the command was started with and where: texts that may hold any bytes. */
export interface Here {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export async function main(here: Here, version: string): Promise<never> {
  const make: MakeContext = (globals, contexts) => new RealContext(table, globals, version, { ...here, contexts });
  process.exitCode = await runLine(here.argv, make, here.env);
  return leave();
}

/** Runs one command line and answers its exit code. */
export async function runLine(
  argv: readonly string[],
  make: MakeContext,
  env: Readonly<Record<string, string | undefined>>,
  streams: Streams = { out: stdoutOutput(), err: stderrOutput() },
): Promise<number> {
  const own = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  const run: { context?: OwnedContext; args: readonly string[] } = { args: [] };
  try {
    const globals = splitGlobals(argv);
    const words = spelledOut(globals);
    const spec = find(words);
    if (spec === undefined) return await elsewhere(words, globals, argv, env, streams.out);
    if (globals.help) return await showHelp(spec.path, env, streams.out);
    if (globals.json && !("json" in spec.flags))
      throw usage(`\`hold ${spec.path.join(" ")}\` has no --json; \`hold help ${spec.path.join(" ")}\` shows what it takes`);
    return await dispatch({ spec, words, globals, env }, (context, args) => Object.assign(run, { context, args }), make);
  } catch (error) {
    const failure = await explain(asFailure(error), run.context, run.args);
    const debug = (env["HOLDFAST_DEBUG"] ?? "") !== "";
    const signal = failure.code === "cancelled" && run.context?.cancelled.aborted ? run.context.cancelled.reason : undefined;
    if (typeof signal === "number") failure.message = "stopped here; on the host nothing was stopped by it";
    const exit = report(failure, streams.err, {
      json: own.includes("--json"),
      debug,
      ...(typeof signal === "number" ? { exit: 128 + signal } : {}),
      ...(run.context ? { paintCode: run.context.errPaint.red } : {}),
    });
    return exit;
  } finally {
    await run.context?.end();
  }
}

function find(words: readonly string[]): AnyCommand | undefined {
  return (words[0] ?? "") in groupBriefs ? findCommand(table, words.slice(0, 2)) : findCommand(table, words.slice(0, 1));
}

/** What a line with nothing but global flags, or nothing but `config`, `policy` or `approvals`, stands for. */
function spelledOut(globals: Globals): readonly string[] {
  if (globals.rest.length === 0 && !globals.help && globals.tail === undefined) return [globals.json ? "ls" : "pick"];
  if (globals.rest.length === 1 && globals.rest[0] === "config" && !globals.help) return ["config", "show"];
  if (globals.rest.length === 1 && globals.rest[0] === "approvals" && !globals.help) return ["approvals", "ls"];
  if (globals.rest.length === 1 && globals.rest[0] === "policy" && !globals.help) return ["policy", "show"];
  if (globals.rest[0] === "relay" && !globals.help && (globals.rest[1] ?? "-").startsWith("-"))
    return ["relay", "run", ...globals.rest.slice(1)];
  return globals.rest;
}

/** A command about this machine is refused where another one is named; a current context names none for it. */
function refuseElsewhere({ path, flags, args }: AnyCommand, globals: Globals, env: Here["env"]): void {
  const { host, relay, context, fromMirror } = globals;
  // The mirror is read here, whichever host's it is.
  if ("fromMirror" in flags && fromMirror) return;
  if (isHostSaid(globals) && args?.some(({ isHost }) => isHost)) return;
  const named = [
    ["--host", host],
    ["--relay", relay],
    ["--context", context],
    ["HOLDFAST_HOST", env["HOLDFAST_HOST"]],
    ["HOLDFAST_RELAY", env["HOLDFAST_RELAY"]],
    ["HOLDFAST_CONTEXT", env["HOLDFAST_CONTEXT"]],
  ].find(([, value]) => value !== undefined && value !== "" && value !== LOCAL);
  if (named)
    throw usage(
      `\`hold ${path.join(" ")}\` is about this machine, and ${named[0]} names ${named[1]}; run it there, or without that`,
    );
}

const isHostSaid = ({ host, relay, context }: Globals): boolean => (host ?? relay ?? context) !== undefined;

/** A host's name in place of `--context` or `--host`; of a context and a host of one name the context is meant, unless a relay is named. */
async function withHost(spec: AnyCommand, globals: Globals, args: readonly string[], env: Here["env"]): Promise<Globals> {
  const named = args[spec.args?.findIndex(({ isHost }) => isHost) ?? -1];
  if (named === undefined) return globals;
  const said = globals.context ?? globals.host;
  if (said !== undefined) throw usage(`${named} and ${said} are both named; one command speaks to one host`);
  const isContext = globals.relay === undefined && (named === LOCAL || hasContext(await contextsOf(env), named));
  return { ...globals, [isContext ? "context" : "host"]: named };
}

/** `HOST/SESSION` in place of a session (target.ts T1). */
function withoutHost(
  spec: AnyCommand,
  globals: Globals,
  args: readonly string[],
): { readonly meant: Globals; readonly session: readonly string[] } {
  let host: string | undefined;
  const session = args.flatMap((text, i) => {
    const argument = spec.args?.[Math.min(i, spec.args.length - 1)];
    if (argument?.isHost) return [];
    const place = argument?.complete === "place" ? parsePlace(text) : null;
    const split = argument?.complete === "session" ? splitHost(text) : place;
    if (split?.host === undefined) return text;
    if ((host ?? globals.host ?? split.host) !== split.host)
      throw usage(
        `${text} is of the host ${split.host}, and ${host ?? globals.host} is named too; one command speaks to one host`,
      );
    host = split.host;
    return place ? `${split.session}:${place.path}` : split.session!;
  });
  return { meant: host === undefined ? globals : { ...globals, host }, session };
}

interface Asked {
  readonly spec: AnyCommand;
  readonly words: readonly string[];
  readonly globals: Globals;
  readonly env: Here["env"];
}

async function contextsOf(env: Here["env"]): Promise<Contexts> {
  const { configFolder } = await import("@holdfast/sdk/node");
  const { readContexts } = await import("../config/contexts.ts");
  return readContexts(configFolder(env));
}

/** The line as stricli reads it; the command's own outcome, or what stricli has against the line. */
async function dispatch(
  { spec, words, globals, env }: Asked,
  began: (context: OwnedContext, args: readonly string[]) => void,
  make: MakeContext,
): Promise<number> {
  const line = globals.tail && !spec.tail ? [...words, "--", ...globals.tail] : [...words];
  const said: string[] = [];
  let outcome: { exit: number } | { thrown: unknown } | undefined;
  // The one command alone: what stricli makes of all the others would be a third of what it costs to read the line.
  const app = application([spec], groupBriefs, async (command, flags, args) => {
    try {
      const { meant, session } = withoutHost(spec, await withHost(spec, globals, args, env), args);
      args = session;
      if (spec.local) refuseElsewhere(spec, meant, env);
      if (meant.fromMirror && !("fromMirror" in spec.flags))
        throw usage(
          `\`hold ${spec.path.join(" ")}\` is about a host, and a mirror has only its record; \`hold help mirror\` tells what is read there`,
        );
      const context = make(meant, spec.local && !meant.fromMirror && !isHostSaid(meant) ? NO_CONTEXTS : await contextsOf(env));
      began(context, args);
      const code = await command.load();
      outcome = { exit: (await code.run(context as never, { ...flags, json: globals.json } as never, args)) ?? 0 };
    } catch (thrown) {
      outcome = { thrown };
    }
  });
  await runStricli(app, line, {
    process: {
      stdout: { write: () => {} },
      stderr: { write: (text) => said.push(text) },
      env: { STRICLI_SKIP_VERSION_CHECK: "1" },
    },
  });
  if (outcome === undefined) throw usage(`${tidy(said.join(""))}; \`hold help ${spec.path.join(" ")}\` shows what it takes`);
  if ("thrown" in outcome) throw outcome.thrown;
  return outcome.exit;
}

/** stricli's sentences, one line, in our form. */
function tidy(text: string): string {
  const lines = text
    .trim()
    .split("\n")
    .map((l) => l.trim().replace(/\.$/, ""));
  return lines.filter(Boolean).join("; ") || "the line could not be read";
}

/** No command of ours: a group's help, a `hold-NAME` of somebody else's, or what was meant. */
async function elsewhere(
  words: readonly string[],
  globals: Globals,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  out: Output,
): Promise<number> {
  const first = words[0] ?? "";
  if (words.length === 0 || (first in groupBriefs && words.length === 1)) {
    await showHelp(words, env, out);
    return globals.help ? 0 : 2;
  }
  const { runOutside } = await import("./outside.ts");
  const code = await runOutside(first, argv, env);
  if (code !== null) return code;
  const group = first in groupBriefs;
  const word = (group ? words[1] : first) ?? "";
  const known = commands
    .filter((c) => !c.hidden && (!group || c.path[0] === first))
    .map((c) => (group ? c.path[1] : c.path[0]) ?? "");
  throw usage(
    `there is no command \`hold ${group ? `${first} ` : ""}${word}\`${didYouMean(word, known)}; \`hold help${group ? ` ${first}` : ""}\` lists them`,
  );
}

async function showHelp(
  path: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  out: Output,
): Promise<number> {
  const { helpFor } = await import("../help/page.ts");
  out.write(helpFor(table, path, { columns: out.columns, isTty: out.isTty, env }));
  return 0;
}

/** Adds what the command line alone knows: names near a wrong one. */
async function explain(
  failure: ReturnType<typeof asFailure>,
  context: Context | undefined,
  args: readonly string[],
): Promise<ReturnType<typeof asFailure>> {
  const { relay, url } = failure.details;
  const isNamed = context?.remote !== undefined || context?.host !== undefined || (context?.relayUrls.length ?? 0) > 0;
  const isElsewhere = isNamed || relay !== undefined || url !== undefined;
  if (failure.code === "unreachable" && !isElsewhere && !/hold host up|^the mirror/.test(failure.message))
    failure.message += "; `hold host up` starts one, `hold doctor` says what is wrong";
  const asked = args[0];
  if (failure.code !== "no_such_session" || !context || asked === undefined || /did you mean/.test(failure.message))
    return failure;
  try {
    const sessions = await (await context.client({ start: false })).list({ all: true });
    failure.message += didYouMean(asked, sessions.flatMap((s) => [s.name, s.id]).filter(Boolean));
  } catch {
    // The hint is a courtesy: without it the error stands as it is.
  }
  return failure;
}
