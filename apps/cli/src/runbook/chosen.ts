/** Which documents and cells a line means. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { SelectRefusal, Sheet, Task } from "@holdfast/sdk/runbook/node";
import { escapeText, HoldError } from "@holdfast/sdk";
import type { Context } from "../app/context.ts";
import { usage } from "../app/fail.ts";

export interface Which {
  readonly all: boolean;
  readonly tag: readonly string[];
  readonly pattern: boolean;
  readonly index: number | undefined;
  readonly allowUnnamed: boolean;
}
export interface TreeFlags {
  readonly noGitIgnore: boolean;
  readonly ignorePattern: readonly string[];
}

export interface Documents {
  /** Absolute. */
  readonly root: string;
  readonly sheets: readonly Sheet[];
  /** One document was named. */
  readonly isOne: boolean;
  /** What is left of the words. */
  readonly names: readonly string[];
}

const sdk = () => import("@holdfast/sdk/runbook/node");

/** The first word is a document or a folder if it is there, or looks like a document; else all words are names, over the tree. */
export async function documentsOf(cwd: string, words: readonly string[], flags: TreeFlags): Promise<Documents> {
  const { findRunbooks, readRunbook, runbookEndings } = await sdk();
  const [first = ""] = words;
  const path = resolve(cwd, first);
  const found = first === "" ? null : await stat(path).catch(() => null);
  const looks = runbookEndings.some((ending) => first.toLowerCase().endsWith(ending));
  if (first !== "" && (found?.isFile() === true || (looks && found === null))) {
    const { root, sheets } = await readRunbook(path);
    return { root, sheets, isOne: true, names: words.slice(1) };
  }
  const options = { gitIgnore: !flags.noGitIgnore, ignorePatterns: flags.ignorePattern };
  if (found?.isDirectory() === true)
    return { ...(await findRunbooks(path, { ...options, isWhole: false })), isOne: false, names: words.slice(1) };
  return { ...(await findRunbooks(cwd, options)), isOne: false, names: words };
}

export async function tasksOf({ sheets, names, isOne }: Documents, which: Which): Promise<readonly Task[]> {
  const { select } = await sdk();
  const only = sheets.flatMap(({ runbook }) => runbook.cells);
  const isBare = names.length === 0 && which.tag.length === 0 && which.index === undefined && !which.all;
  if (which.index !== undefined && !isOne) throw usage("--index counts the cells of one document: name its FILE");
  const found = select(sheets, {
    names,
    tags: which.tag,
    pattern: which.pattern,
    all: which.all,
    allowUnnamed: which.allowUnnamed,
    // A document with one cell leaves nothing to choose.
    ...(which.index !== undefined ? { index: which.index } : isBare && isOne && only.length === 1 ? { index: 0 } : {}),
  });
  if (!found.ok) throw refused(found.refusal, sheets.length);
  return found.tasks;
}

function refused(r: SelectRefusal, documents: number): HoldError {
  const near = (words: readonly string[]): string =>
    words.length === 0 ? "" : `; did you mean ${words.map(escapeText).join(" or ")}?`;
  const list = "`hold runbook ls` lists what there is";
  switch (r.code) {
    case "ambiguous":
      return new HoldError(
        "ambiguous_cell",
        `${r.candidates.length} cells are called ${r.name}: ${r.candidates.join(", ")}; say FILE/NAME`,
        { name: r.name, candidates: r.candidates.join(",") },
      );
    case "no_such_cell":
      return new HoldError(
        "no_such_cell",
        `no cell is called ${r.name}${near(r.nearest)}${r.nearest.length === 0 ? `; ${list}` : ""}`,
        { name: r.name, candidates: r.nearest.join(",") },
      );
    case "no_such_file":
      return new HoldError("no_such_cell", `no document fits ${r.pattern}${near(r.nearest)}`, {
        pattern: r.pattern,
        candidates: r.nearest.join(","),
      });
    case "no_such_index":
      return new HoldError("no_such_cell", `there is no cell ${r.index}; the document has ${r.count}, counted from 0`, {
        index: String(r.index),
      });
    case "nothing_tagged":
      return new HoldError(
        "no_such_cell",
        `no cell has the tag ${r.tags.join(" or ")}; there are: ${r.known.join(", ") || "none"}`,
        { candidates: r.known.join(",") },
      );
    case "bad_pattern":
      return usage(`${JSON.stringify(r.pattern)} before the / is no regular expression: ${r.message}`);
    case "nothing_asked":
      return usage(
        documents === 0 ? "there are no runbooks here" : `which cells? NAME…, --tag TAG, --index N, or --all; ${list}`,
      );
  }
}

/** Of a listing: nothing said means everything. */
export async function listedOf(documents: Documents, which: Which): Promise<readonly Task[]> {
  const { listed } = await sdk();
  const isBare = documents.names.length === 0 && which.tag.length === 0 && which.index === undefined && !which.all;
  return isBare ? listed(documents.sheets, { allowUnnamed: which.allowUnnamed }) : tasksOf(documents, which);
}

/** Whether cells run on the machine that the documents lie on. */
export const isElsewhere = (context: Context): boolean =>
  context.remote !== undefined || context.host !== undefined || context.relayUrls.length > 0;
