/** From the command table to stricli: routes, flags with their parsers, and commands that load their code when they run. */
import {
  type Application,
  buildApplication,
  buildCommand,
  buildRouteMap,
  type Command,
  type CommandContext,
  type RouteMap,
} from "@stricli/core";
import { parseDuration } from "../read/duration.ts";
import { parseSize } from "../read/size.ts";
import type { AnyCommand, ArgumentSpec, FlagSpec } from "../spec/command.ts";

export type Runner = (command: AnyCommand, flags: Readonly<Record<string, unknown>>, args: readonly string[]) => Promise<void>;

const same = (text: string) => text;

function parser(flag: FlagSpec): (text: string) => unknown {
  const of = (read: (text: string) => unknown, wanted: string) => (text: string) => {
    const value = read(text);
    if (value === null) throw new SyntaxError(`${JSON.stringify(text)} is not ${wanted}`);
    return value;
  };
  switch (flag.kind) {
    case "duration":
      return of(parseDuration, "a duration; write a number and a unit: 500ms, 30s, 10m, 2h");
    case "size":
      return of(parseSize, "a size; write columns and rows: 80x24");
    case "number":
      return of(
        (t) => (/^\d{1,15}$/.test(t) && Number(t) >= (flag.min ?? 0) ? Number(t) : null),
        `a whole number of at least ${flag.min ?? 0}`,
      );
    default:
      return same;
  }
}

function flagParameter(flag: FlagSpec): unknown {
  const { brief } = flag;
  switch (flag.kind) {
    case "bool":
      return { kind: "boolean", brief, default: false, withNegated: false };
    case "choice":
      return { kind: "enum", values: flag.of, brief, optional: true };
    case "choices":
      return { kind: "enum", values: flag.of, brief, variadic: ",", default: [] };
    case "list":
      return { kind: "parsed", parse: same, brief, variadic: true, default: [], placeholder: flag.value };
    default:
      return { kind: "parsed", parse: parser(flag), brief, optional: true };
  }
}

function positional(args: readonly ArgumentSpec[]): unknown {
  if (args.at(-1)?.rest) {
    const least = args.filter((a) => !a.optional).length;
    return {
      kind: "array",
      minimum: least,
      parameter: { parse: same, brief: args.map((a) => a.brief).join("; "), placeholder: args[0]!.name },
    };
  }
  return {
    kind: "tuple",
    parameters: args.map((a) => ({
      parse: same,
      brief: a.brief,
      placeholder: a.name,
      ...(a.optional ? { optional: true } : {}),
    })),
  };
}

function toCommand(spec: AnyCommand, run: Runner): Command<CommandContext> {
  const aliases: Record<string, string> = {};
  for (const [name, flag] of Object.entries(spec.flags)) if (flag.short) aliases[flag.short] = name;
  const func = async (flags: Readonly<Record<string, unknown>>, ...args: readonly (string | undefined)[]) =>
    run(
      spec,
      flags,
      args.filter((a) => a !== undefined),
    );
  const parameters = {
    flags: Object.fromEntries(Object.entries(spec.flags).map(([name, flag]) => [name, flagParameter(flag)])),
    aliases,
    positional: positional(spec.args ?? []),
  };
  // The table's own types are checked where a command is declared; here they are data.
  return buildCommand({ func, parameters, docs: { brief: spec.brief } } as unknown as Parameters<
    typeof buildCommand
  >[0]) as unknown as Command<CommandContext>;
}

type Routes = Record<string, Command<CommandContext> | RouteMap<CommandContext>>;

export function application(
  commands: readonly AnyCommand[],
  groups: Readonly<Record<string, string>>,
  run: Runner,
): Application<CommandContext> {
  const top: Routes = {};
  const nested = new Map<string, Routes>();
  for (const spec of commands) {
    const [first, second] = spec.path;
    if (second === undefined) top[first!] = toCommand(spec, run);
    else nested.set(first!, { ...nested.get(first!), [second]: toCommand(spec, run) });
  }
  for (const [name, routes] of nested) top[name] = buildRouteMap({ routes, docs: { brief: groups[name] ?? name } });
  return buildApplication(buildRouteMap({ routes: top, docs: { brief: "hold" } }), {
    name: "hold",
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    documentation: { disableAnsiColor: true },
  });
}
