/**
 * Which cells of some documents are meant.
 *
 *   S1  Names are whole names; `FILE/NAME` narrows by a regular expression over the file; `*` and `?` in a name take all that fit.
 *   S2  One name for cells of several files is ambiguous, and the candidates are told as `FILE/NAME`.
 *   S3  Unnamed cells count on a second pass, when nothing named fits (or at once with `allowUnnamed`).
 *   S4  Runs of all and of tags leave out what says `excludeFromRunAll`, in the order of documents and cells.
 *   S5  A cell's tags stand for it where it has some; a document's tags for the cells without, and for those that say one of them too.
 */
import { type Cell, isKnown } from "../cell/index.ts";
import type { Runbook } from "../document/index.ts";

/** A document by its path, with `/` between folders. */
export interface Sheet {
  readonly file: string;
  readonly runbook: Runbook;
}

export interface Task {
  readonly file: string;
  readonly runbook: Runbook;
  readonly cell: Cell;
}

export interface Query {
  readonly names?: readonly string[];
  readonly tags?: readonly string[];
  /** Tags fit as parts of tags. Default false. */
  readonly pattern?: boolean;
  readonly all?: boolean;
  /** From 0, over all cells, named or not. */
  readonly index?: number;
  /** Default false. */
  readonly allowUnnamed?: boolean;
  /** Cells of languages that nothing is known to run. Default true. */
  readonly allowUnknown?: boolean;
}

export type Selection =
  | { readonly ok: true; readonly tasks: readonly Task[] }
  | { readonly ok: false; readonly refusal: SelectRefusal };

export type SelectRefusal =
  | { readonly code: "ambiguous"; readonly name: string; readonly candidates: readonly string[] }
  | { readonly code: "no_such_cell"; readonly name: string; readonly nearest: readonly string[] }
  | { readonly code: "no_such_file"; readonly pattern: string; readonly nearest: readonly string[] }
  | { readonly code: "bad_pattern"; readonly pattern: string; readonly message: string }
  | { readonly code: "no_such_index"; readonly index: number; readonly count: number }
  | { readonly code: "nothing_tagged"; readonly tags: readonly string[]; readonly known: readonly string[] }
  | { readonly code: "nothing_asked" };

/** What a listing shows: named ones, and with `allowUnnamed` the others. */
export function listed(sheets: readonly Sheet[], query: Pick<Query, "allowUnnamed" | "allowUnknown">): readonly Task[] {
  return sheets
    .flatMap(({ file, runbook }) => runbook.cells.map((cell) => ({ file, runbook, cell })))
    .filter(({ cell }) => (query.allowUnnamed ?? false) || cell.isNamed)
    .filter(({ cell }) => (query.allowUnknown ?? true) || isKnown(cell.language));
}

export function select(sheets: readonly Sheet[], query: Query): Selection {
  const every = listed(sheets, { ...query, allowUnnamed: true });
  const shown = listed(sheets, query);
  if (query.index !== undefined) {
    const task = every[query.index];
    return task === undefined
      ? refusal({ code: "no_such_index", index: query.index, count: every.length })
      : { ok: true, tasks: [task] };
  }
  const tags = query.tags ?? [];
  const names = query.names ?? [];
  if (names.length === 0) {
    if (tags.length === 0 && query.all !== true) return refusal({ code: "nothing_asked" });
    const meant = (tasks: readonly Task[]): Task[] =>
      tasks.filter(
        ({ cell, runbook }) => !cell.settings.excludeFromRunAll && (tags.length === 0 || isTagged(cell, runbook, query)),
      );
    const first = meant(shown);
    const tasks = first.length > 0 ? first : meant(every);
    return tasks.length > 0 || tags.length === 0
      ? { ok: true, tasks }
      : refusal({ code: "nothing_tagged", tags, known: tagsOf(every) });
  }
  const tasks: Task[] = [];
  for (const name of names) {
    const first = found(shown, name);
    const result = first.ok || first.refusal.code === "ambiguous" ? first : found(every, name);
    if (!result.ok) return result;
    tasks.push(...result.tasks);
  }
  return { ok: true, tasks };
}

const refusal = (said: SelectRefusal): Selection => ({ ok: false, refusal: said });

/** S5. */
function isTagged(cell: Cell, runbook: Runbook, query: Query): boolean {
  const fits = (own: readonly string[], wanted: readonly string[], pattern: boolean): boolean =>
    wanted.some((tag) => own.some((mine) => (pattern ? mine.includes(tag) : mine === tag)));
  const { tags } = cell.settings;
  const pattern = query.pattern ?? false;
  if (fits(runbook.settings.tags, query.tags ?? [], pattern))
    return tags.length === 0 || fits(runbook.settings.tags, tags, false);
  return fits(tags, query.tags ?? [], pattern);
}

const tagsOf = (tasks: readonly Task[]): readonly string[] =>
  [...new Set(tasks.flatMap(({ cell, runbook }) => [...cell.settings.tags, ...runbook.settings.tags]))].sort();

/** S1, S2. */
function found(tasks: readonly Task[], asked: string): Selection {
  const whole = tasks.filter(({ cell }) => cell.name === asked);
  const at = asked.lastIndexOf("/");
  if (whole.length === 1 || at < 0) return one(tasks, whole, asked, asked);
  const pattern = asked.slice(0, at);
  let file: RegExp;
  try {
    file = new RegExp(pattern);
  } catch (e) {
    return refusal({ code: "bad_pattern", pattern, message: e instanceof Error ? e.message : String(e) });
  }
  const there = tasks.filter((task) => file.test(task.file));
  if (there.length === 0)
    return refusal({
      code: "no_such_file",
      pattern,
      nearest: nearestFiles(pattern, [...new Set(tasks.map((task) => task.file))]),
    });
  const name = asked.slice(at + 1);
  return one(
    there,
    there.filter(({ cell }) => cell.name === name),
    name,
    asked,
  );
}

function one(tasks: readonly Task[], exact: readonly Task[], name: string, asked: string): Selection {
  if (exact.length === 1) return { ok: true, tasks: exact };
  if (exact.length > 1)
    return refusal({ code: "ambiguous", name: asked, candidates: exact.map((task) => `${task.file}/${task.cell.name}`) });
  if (/[*?]/.test(name)) {
    const fits = new RegExp(
      `^${name
        .replace(/[.+^${}()|[\]\\]/g, "\\$&")
        .replaceAll("*", ".*")
        .replaceAll("?", ".")}$`,
    );
    const many = tasks.filter(({ cell }) => fits.test(cell.name));
    if (many.length > 0) return { ok: true, tasks: many };
  }
  return refusal({ code: "no_such_cell", name: asked, nearest: nearest(name, [...new Set(tasks.map(({ cell }) => cell.name))]) });
}

/** By the last part of their paths. */
function nearestFiles(wanted: string, files: readonly string[]): readonly string[] {
  const last = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
  const names = nearest(last(wanted), [...new Set(files.map(last))]);
  return names.flatMap((name) => files.filter((file) => last(file) === name)).slice(0, 3);
}

/** At most three, the likest first; none that shares too little. */
export function nearest(wanted: string, known: readonly string[]): readonly string[] {
  return known
    .map((name) => ({
      name,
      apart: name.includes(wanted) || wanted.includes(name) ? 1 : distance(wanted.toLowerCase(), name.toLowerCase()),
    }))
    .filter(({ name, apart }) => apart <= Math.max(2, Math.ceil(Math.max(wanted.length, name.length) / 3)))
    .sort((a, b) => a.apart - b.apart || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

/** How many letters must be changed, added or taken away. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
