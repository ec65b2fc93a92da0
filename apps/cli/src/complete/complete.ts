/**
 * What may stand at the cursor: commands, flags, values, names of sessions. The shells' scripts call `hold complete-words -- WORDS…` with
 * the words up to the cursor, the last one unfinished, and show what is printed.
 *   C1  Candidates begin with the unfinished word.
 *   C2  Nothing is started and nothing fails: without a host there are no names, and that is all.
 */
import { keyNames } from "@holdfast/sdk";
import { signalNames } from "../read/signal.ts";
import { flagName, globalFlags } from "../help/page.ts";
import { parsePlace } from "../read/place.ts";
import { type AnyCommand, type CommandTable, type Completion, findCommand } from "../spec/command.ts";

export interface Candidate {
  readonly word: string;
  readonly says?: string;
}

/** Where names come from; each may be slow or fail, and is asked only when it is needed. */
export interface Names {
  readonly sessions: () => Promise<readonly Candidate[]>;
  readonly operators: () => Promise<readonly Candidate[]>;
  readonly topics: () => Promise<readonly Candidate[]>;
  readonly settings: () => Promise<readonly Candidate[]>;
  /** Of the document, and of the tree where there is none. */
  readonly cells: (file: string | undefined) => Promise<readonly Candidate[]>;
  /** What is in a folder of a session's machine, folders with a slash at their end; "": where the session stands. */
  readonly inFolder: (session: string, folder: string) => Promise<readonly Candidate[]>;
}

export type Answer = { readonly candidates: readonly Candidate[]; readonly files?: "files" | "folders" };

export async function complete(table: CommandTable, words: readonly string[], names: Names): Promise<Answer> {
  const partial = words.at(-1) ?? "";
  const before = withoutGlobals(words.slice(0, -1));
  if (words.at(-2) === "--as") return { candidates: starting(partial, await names.operators()) };
  if (isGlobal(words.at(-2))) return { candidates: [] };
  if (before.includes("--")) return { candidates: [], files: "files" };
  const spec = specOf(table, before);
  if (!spec) return { candidates: starting(partial, firstWords(table, before)) };
  const rest = before.slice(spec.path.length);
  const flag = valueFlag(spec, rest.at(-1));
  if (flag) return values(flag.complete, partial, names);
  const equals = /^--([\w-]+)=(.*)$/s.exec(partial);
  if (equals) {
    const answer = await values(valueFlag(spec, `--${equals[1]}`)?.complete, equals[2]!, names);
    return { ...answer, candidates: answer.candidates.map((c) => ({ ...c, word: `--${equals[1]}=${c.word}` })) };
  }
  if (partial.startsWith("-")) return { candidates: starting(partial, flagsOf(spec, rest)) };
  const argument = spec.args?.[Math.min(positionals(spec, rest), (spec.args?.length ?? 0) - 1)];
  if (!argument || (positionals(spec, rest) >= (spec.args?.length ?? 0) && !argument.rest))
    return { candidates: starting(partial, flagsOf(spec, rest)) };
  const first = rest.find((word) => !word.startsWith("-"));
  return values(argument.complete, partial, { ...names, cells: () => names.cells(first) });
}

const starting = (partial: string, all: readonly Candidate[]): Candidate[] => all.filter((c) => c.word.startsWith(partial));

const isGlobal = (word: string | undefined): boolean => globalFlags.some(({ name }) => name === word);
const globals: readonly Candidate[] = [
  ...globalFlags.map(({ name, brief }) => ({ word: name, says: brief })),
  { word: "--help", says: "help" },
];

function withoutGlobals(words: readonly string[]): string[] {
  return words.filter((w, i) => !isGlobal(w.replace(/=.*/s, "")) && !isGlobal(words[i - 1]));
}

function specOf(table: CommandTable, words: readonly string[]): AnyCommand | undefined {
  const bare = words.filter((w) => !w.startsWith("-"));
  return (bare[0] ?? "") in table.groupBriefs ? findCommand(table, bare.slice(0, 2)) : findCommand(table, bare.slice(0, 1));
}

function firstWords({ commands, groupBriefs }: CommandTable, before: readonly string[]): Candidate[] {
  const bare = before.filter((w) => !w.startsWith("-"));
  const shown = commands.filter((c) => !c.hidden);
  if (bare.length === 0) {
    const single = shown.filter((c) => c.path.length === 1).map((c) => ({ word: c.path[0]!, says: c.brief }));
    return [
      ...single,
      ...Object.entries(groupBriefs).map(([word, says]) => ({ word, says })),
      ...globals,
      { word: "--version", says: "version" },
    ];
  }
  return bare.length === 1
    ? shown.filter((c) => c.path[0] === bare[0] && c.path.length === 2).map((c) => ({ word: c.path[1]!, says: c.brief }))
    : [];
}

function flagsOf(spec: AnyCommand, used: readonly string[]): Candidate[] {
  const own = Object.entries(spec.flags)
    .filter(([name, f]) => f.kind === "list" || !used.includes(flagName(name)))
    .map(([name, f]) => ({ word: flagName(name), says: f.brief }));
  return [...own, ...globals];
}

/** The flag whose value comes next, if `word` is one. */
function valueFlag(spec: AnyCommand, word: string | undefined): { readonly complete: Completion | undefined } | null {
  if (!word?.startsWith("-")) return null;
  const found = Object.entries(spec.flags).find(
    ([name, f]) => flagName(name) === word || (f.short !== undefined && word === `-${f.short}`),
  )?.[1];
  if (!found || found.kind === "bool") return null;
  if (found.kind === "choice" || found.kind === "choices") return { complete: found.of };
  if (found.kind === "duration") return { complete: ["500ms", "10s", "1m", "10m", "1h"] };
  return { complete: "complete" in found ? found.complete : undefined };
}

/** How many arguments stand already. */
function positionals(spec: AnyCommand, rest: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < rest.length; i++) {
    if (!rest[i]!.startsWith("-")) count++;
    else if (valueFlag(spec, rest[i])) i++;
  }
  return count;
}

async function values(kind: Completion | undefined, partial: string, names: Names): Promise<Answer> {
  const of = (list: readonly string[]): Answer => ({
    candidates: starting(
      partial,
      list.map((word) => ({ word })),
    ),
  });
  if (kind === undefined) return { candidates: [] };
  if (typeof kind !== "string") return of(kind);
  switch (kind) {
    case "file":
      return { candidates: [], files: "files" };
    case "runbook":
      return { candidates: starting(partial, await names.cells(undefined)), files: "files" };
    case "cell":
      return { candidates: starting(partial, await names.cells(undefined)) };
    case "place":
      return placed(partial, names);
    case "folder":
      return { candidates: [], files: "folders" };
    case "key":
      return of(keyNames);
    case "signal":
      return of(signalNames());
    case "session":
      return { candidates: starting(partial, await names.sessions()) };
    case "operator":
      return { candidates: starting(partial, await names.operators()) };
    case "topic":
      return { candidates: starting(partial, await names.topics()) };
    case "setting":
      return { candidates: starting(partial, await names.settings()) };
  }
}

/** A file of this machine, a session, or a path there. Of another host's session nothing is known here. */
async function placed(partial: string, names: Names): Promise<Answer> {
  const { host, session, path } = parsePlace(partial);
  if (session === undefined) {
    const sessions = await names.sessions();
    return {
      candidates: starting(
        partial,
        sessions.map((c) => ({ ...c, word: `${c.word}:` })),
      ),
      files: "files",
    };
  }
  if (host !== undefined || session.includes("@")) return { candidates: [] };
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const inside = await names.inFolder(session, folder);
  return {
    candidates: starting(
      partial,
      inside.map((c) => ({ ...c, word: `${session}:${folder}${c.word}` })),
    ),
  };
}
