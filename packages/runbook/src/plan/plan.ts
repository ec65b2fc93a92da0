/**
 * What is to be run, as data: for each chosen cell which program, where, with which variables. Nothing runs here.
 *
 *   L1  Shell cells run in a session: `live` (the document's own, default) or `contained` (a child of its state).
 *   L2  Other cells run as a program with the script in a file; in a kernel where the cell, its chunk's braces or the document ask
 *       for one. A chunk without a kernel for its language is a program again.
 *   L3  Directories are combined: the document's folder, then its `cwd`, then the cell's; an absolute one begins anew.
 *   L4  Variables, later over earlier: the session's, `.env`, `.env.local`, what was answered, what earlier cells left.
 *   L5  A program that nobody has is `cat`, as Runme has it, and the step says so (`isUnknown`).
 */
import { extensionFor, isShell, kernelLanguage, programsFor, type RunMode } from "../cell/index.ts";
import { type Ask, askFor, isExported } from "../env/index.ts";
import type { Task } from "../select/index.ts";

export type Target =
  | { readonly kind: "live" | "contained"; readonly program: string; readonly args: readonly string[] }
  /** One session a kernelspec and document. */
  | { readonly kind: "kernel"; readonly kernelspec: string }
  /** The script's file goes after the arguments. */
  | { readonly kind: "program"; readonly program: string; readonly args: readonly string[]; readonly extension: string };

export interface Step {
  readonly file: string;
  /** Of the cell in its document. */
  readonly index: number;
  readonly name: string;
  readonly language: string;
  readonly target: Target;
  readonly script: string;
  readonly asks: readonly Ask[];
  /** Absolute. Where documents lie elsewhere: of {@link Machine.root}, which says nothing then. */
  readonly cwd: string;
  /** L3, absolute: where the document's cells begin; null: documents lie elsewhere, and it says no absolute one. */
  readonly documentCwd: string | null;
  /** L3, absolute: of a cell that says where it runs; null: it says nothing, or documents lie elsewhere and it says no absolute one. */
  readonly ownCwd: string | null;
  /** L4, least first. */
  readonly envOrder: readonly string[];
  readonly interactive: boolean;
  /** A session of its own; the next cell does not wait for it. */
  readonly background: boolean;
  /** Variables that its stdout sets for the cells after it. */
  readonly exports: readonly string[];
  readonly isUnknown: boolean;
}

export interface Machine {
  /** Absolute; what `file` of a task is relative to. */
  readonly root: string;
  /** Documents lie on another machine than the cells run on: only absolute directories mean something there. Default false. */
  readonly isElsewhere?: boolean;
  /** `$SHELL`. */
  readonly shell: string | null;
  readonly hasProgram: (name: string) => boolean;
  /** The best first; languages as `kernelLanguage` gives them. */
  readonly kernels: readonly { readonly name: string; readonly language: string }[];
  readonly env: (name: string) => string | undefined;
  readonly isSecret: (name: string) => boolean;
}

export interface PlanOptions {
  /** Of shell cells. Default `live`; a cell's and a document's own word is stronger. */
  readonly run?: "live" | "contained";
  /** Nothing is asked for. Default false; `skipPrompts` of a document says the same for its cells. */
  readonly skipPrompts?: boolean;
  readonly retention?: "first" | "last";
  /** Default `.env.local`, `.env`, the best first. */
  readonly envFiles?: readonly string[];
  /** Whether stdout is kept as `$__`. Default true. */
  readonly keepOutput?: boolean;
}

export function plan(tasks: readonly Task[], machine: Machine, options: PlanOptions = {}): readonly Step[] {
  const known = new Set<string>();
  return tasks.map((task) => step(task, machine, options, known));
}

function step(task: Task, machine: Machine, options: PlanOptions, known: Set<string>): Step {
  const { cell, runbook, file } = task;
  const { target, isUnknown } = targetOf(task, machine, options);
  const isAsking = isShell(cell.language) && (target.kind === "live" || target.kind === "contained");
  const skip = options.skipPrompts === true || runbook.settings.skipPrompts;
  const { script, asks } = isAsking
    ? askFor(cell.script, {
        promptEnv: skip ? "never" : cell.settings.promptEnv,
        env: machine.env,
        isSecret: machine.isSecret,
        retention: options.retention ?? "first",
      })
    : { script: cell.script, asks: [] };
  // Who was asked for it once is not asked again in one plan, unless the cell always asks.
  const left = asks.filter((ask) => cell.settings.promptEnv === "always" || !known.has(ask.name));
  for (const ask of asks) known.add(ask.name);
  const folder = file.slice(0, Math.max(0, file.lastIndexOf("/")));
  const { cwd } = cell.settings;
  const documentCwd = runbook.settings.cwd;
  const isMeant = (...said: readonly (string | null)[]): boolean =>
    machine.isElsewhere !== true || said.some((path) => path?.startsWith("/"));
  const files = options.envFiles ?? [".env.local", ".env"];
  return {
    file,
    index: cell.index,
    name: cell.name,
    language: cell.language,
    target,
    script,
    asks: left,
    cwd: combined(machine.root, folder, documentCwd, cwd),
    documentCwd: isMeant(documentCwd) ? combined(machine.root, folder, documentCwd) : null,
    ownCwd: cwd !== null && isMeant(documentCwd, cwd) ? combined(machine.root, folder, documentCwd, cwd) : null,
    envOrder: ["session", ...files.toReversed(), "asked", "cells"],
    interactive: cell.settings.interactive,
    background: cell.settings.background,
    exports: options.keepOutput === false ? [] : ["__", ...(isExported(cell.name) ? [cell.name] : [])],
    isUnknown,
  };
}

interface Choice {
  readonly target: Target;
  readonly isUnknown: boolean;
}

function targetOf({ cell, runbook }: Task, machine: Machine, options: PlanOptions): Choice {
  const { settings } = cell;
  const mode: RunMode | null = settings.run ?? (isShell(cell.language) ? runbook.settings.run : null);
  const kernel = kernelOf({ cell, runbook }, machine, mode);
  if (kernel !== null) return { target: { kind: "kernel", kernelspec: kernel }, isUnknown: false };
  if (isShell(cell.language) && mode !== "program") {
    const kind = mode === "contained" || mode === "live" ? mode : (options.run ?? "live");
    const [program = "/bin/sh", ...args] = words(settings.interpreter ?? runbook.settings.shell ?? "");
    if (settings.interpreter === null && runbook.settings.shell === null) {
      return { target: { kind, ...shellFor(cell.language, machine) }, isUnknown: false };
    }
    // `dagger shell`, `python3`: what reads a script and is no shell of this kind cannot source one.
    if (isShellProgram(program)) return { target: { kind, program, args }, isUnknown: false };
    return { target: { kind: "program", program, args, extension: extensionFor(cell.language || "sh") }, isUnknown: false };
  }
  const extension = extensionFor(cell.language || "sh");
  const asked = settings.interpreter ?? shebang(cell.language, cell.script);
  const candidates = asked === null ? programsFor(cell.language) : [asked];
  const chosen = asked ?? candidates.find((candidate) => machine.hasProgram(words(candidate)[0] ?? ""));
  const [program = "cat", ...args] = words(chosen ?? "cat");
  return { target: { kind: "program", program, args, extension }, isUnknown: chosen === undefined };
}

/** L2. A document's kernelspec is for the cells of its language. */
function kernelOf({ cell, runbook }: Pick<Task, "cell" | "runbook">, machine: Machine, mode: RunMode | null): string | null {
  const { settings } = cell;
  if (mode !== null && mode !== "kernel") return null;
  if (settings.kernel !== null) return settings.kernel;
  if (settings.interpreter !== null || (isShell(cell.language) && mode !== "kernel" && !cell.info.isChunk)) return null;
  const language = kernelLanguage(cell.language);
  const own = machine.kernels.find((kernel) => kernel.name === runbook.settings.kernel && kernel.language === language);
  if (own !== undefined) return own.name;
  const isAsked = mode === "kernel" || cell.info.isChunk || runbook.settings.run === "kernel";
  return (isAsked ? machine.kernels.find((kernel) => kernel.language === language)?.name : undefined) ?? null;
}

const shellPrograms = new Set(["sh", "bash", "dash", "zsh", "ksh", "mksh", "fish", "ash", "pwsh", "powershell"]);
const isShellProgram = (program: string): boolean => shellPrograms.has(program.slice(program.lastIndexOf("/") + 1));

function shellFor(language: string, machine: Machine): { program: string; args: readonly string[] } {
  const found = programsFor(language).find((candidate) => machine.hasProgram(words(candidate)[0] ?? ""));
  const [program = "/bin/sh", ...args] = words(found ?? machine.shell ?? "/bin/sh");
  return { program, args };
}

/** `#!` is followed where the language alone tells no program. */
function shebang(language: string, script: string): string | null {
  if (programsFor(language).length > 0) return null;
  const said = /^#!\s*(\S.*)$/.exec(script.split("\n")[0] ?? "")?.[1]?.trim();
  return said?.replace(/^\S*\/env\s+(-S\s+)?/, "") ?? null;
}

const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== "");

/** L3. */
export function combined(...parts: readonly (string | null)[]): string {
  const from = parts.findLastIndex((part) => part?.startsWith("/") === true);
  const left: string[] = [];
  for (const part of parts.slice(Math.max(0, from)).flatMap((said) => (said ?? "").split("/"))) {
    if (part === "..") left.pop();
    else if (part !== "" && part !== ".") left.push(part);
  }
  return `/${left.join("/")}`;
}
