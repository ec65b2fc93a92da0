/**
 * What a command is, as data: its path, arguments, flags, words of help and where its code lies. Routing (stricli), help pages,
 * shell completion and docs/cli.md are all made of this one table, so none of them can disagree with another.
 *   S1  A specification imports no code of its command: `load` does, when the command runs.
 *   S2  Every command has at least one example.
 */
import type { TerminalSize } from "../read/size.ts";

interface FlagBase {
  readonly brief: string;
  /** One letter. */
  readonly short?: string;
}
export type FlagSpec =
  | (FlagBase & { readonly kind: "bool" })
  | (FlagBase & { readonly kind: "text"; readonly value: string; readonly complete?: Completion })
  | (FlagBase & { readonly kind: "list"; readonly value: string; readonly complete?: Completion })
  | (FlagBase & { readonly kind: "duration"; readonly value?: string })
  | (FlagBase & { readonly kind: "number"; readonly value: string; readonly min?: number })
  | (FlagBase & { readonly kind: "size"; readonly value?: string })
  | (FlagBase & { readonly kind: "choice"; readonly of: readonly string[] })
  | (FlagBase & { readonly kind: "choices"; readonly of: readonly string[] });

export type Flags = Readonly<Record<string, FlagSpec>>;

/** What completion offers for a value. */
export type Completion =
  | "session"
  | "operator"
  | "folder"
  | "place"
  | "file"
  | "topic"
  | "key"
  | "signal"
  | "setting"
  | "runbook"
  | "cell"
  | readonly string[];

type ValueOf<F extends FlagSpec> = F["kind"] extends "bool"
  ? boolean
  : F["kind"] extends "list"
    ? readonly string[]
    : F extends { kind: "choices"; of: readonly (infer C)[] }
      ? readonly C[]
      : F["kind"] extends "duration" | "number"
        ? number | undefined
        : F["kind"] extends "size"
          ? TerminalSize | undefined
          : F extends { kind: "choice"; of: readonly (infer C)[] }
            ? C | undefined
            : string | undefined;
export type FlagValues<F extends Flags> = { readonly [K in keyof F]: ValueOf<F[K]> };

export interface ArgumentSpec {
  readonly name: string;
  readonly brief: string;
  readonly optional?: boolean;
  /** Takes all that is left. */
  readonly rest?: boolean;
  readonly complete?: Completion;
  /** A context or a host, meant as `--context` and `--host` mean one: the command's code has it as its host, and not as an argument. */
  readonly isHost?: boolean;
}

export interface Example {
  readonly line: string;
  readonly says: string;
}

/** A command's code: resolves to its exit code, nothing meaning 0. */
export interface CommandModule<F extends Flags> {
  /** `context` is a Context; naming it here would tie the table to what runs on it. */
  readonly run: (context: never, flags: FlagValues<F>, args: readonly string[]) => Promise<number | undefined>;
}

export interface CommandSpec<F extends Flags = Flags> {
  /** `["host", "up"]` */
  readonly path: readonly string[];
  readonly brief: string;
  readonly description?: string;
  readonly args?: readonly ArgumentSpec[];
  readonly flags: F;
  /** What may stand after `--`; commands without it take nothing there but arguments. */
  readonly tail?: { readonly name: string; readonly brief: string };
  readonly examples: readonly Example[];
  readonly see?: readonly string[];
  readonly hidden?: boolean;
  /** About this machine's own host or files: refused where another host is meant. */
  readonly local?: boolean;
  readonly group: Group;
  readonly load: () => Promise<CommandModule<F>>;
}

export type Group = "sessions" | "steering" | "reading" | "scripting" | "operators" | "host" | "relays" | "help";
/** A command whose flag types are forgotten: how tables hold them. */
export type AnyCommand = CommandSpec<Flags>;

/** Checks the command's code against its flags, then forgets their types. */
export function command<const F extends Flags>(spec: CommandSpec<F>): AnyCommand {
  return spec as unknown as AnyCommand;
}

export interface CommandTable {
  readonly commands: readonly AnyCommand[];
  /** First words that stand before another: `hold host up`. */
  readonly groupBriefs: Readonly<Record<string, string>>;
  readonly groupTitles: Readonly<Record<Group, string>>;
}

export function findCommand({ commands }: CommandTable, path: readonly string[]): AnyCommand | undefined {
  return commands.find((c) => c.path.length === path.length && c.path.every((word, i) => word === path[i]));
}

/** Of commands that read: where the host does not answer, a mirror of its record does. Taken with the globals, like `--json`. */
export const fromMirrorFlag = { kind: "bool", brief: "ask no host, but the mirror of its record" } as const;
export const jsonFlag = { kind: "bool", brief: "print JSON: one object, or one a line for lists and streams" } as const;
export const sessionArgument = {
  name: "SESSION",
  brief: "id, unique prefix of an id, or name",
  complete: "session",
} as const satisfies ArgumentSpec;

export function pathText(spec: AnyCommand): string {
  return spec.path.join(" ");
}
