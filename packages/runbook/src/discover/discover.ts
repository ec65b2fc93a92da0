/**
 * The runbooks of a tree, from a listing of its files. Who lists, and reads what is found, is the caller.
 *
 *   F1  Files by their ending; `node_modules`, `.venv` and `.git` are never looked into.
 *   F2  What `.gitignore` files leave out is left out, each for its own folder, a deeper one over one above; nothing inside a folder
 *       that is left out comes back in. As git has it.
 *   F3  Folder by folder, in the order of names.
 * Files of outputs are told apart by what they say (`isOutputs`), when they are read.
 */
import ignore, { type Ignore } from "ignore";

export const runbookEndings: readonly string[] = [".md", ".mdx", ".mdi", ".mdr", ".run", ".runme", ".dag", ".qmd"];
const never = new Set(["node_modules", ".venv", ".git"]);

export interface Tree {
  /** Paths from the tree's root, with `/` between folders and none at the beginning. */
  readonly files: readonly string[];
  /** Of each `.gitignore`: its path and text. */
  readonly ignoreFiles?: readonly { readonly path: string; readonly text: string }[];
  /** More patterns, as in a `.gitignore` of the root. */
  readonly ignorePatterns?: readonly string[];
  /** Default true. */
  readonly gitIgnore?: boolean;
}

export function discover(tree: Tree): readonly string[] {
  const rules = rulesOf(tree);
  const known = new Map<string, boolean>();
  return tree.files
    .filter((path) => runbookEndings.some((ending) => path.toLowerCase().endsWith(ending)))
    .filter((path) => !path.split("/").some((part) => never.has(part)))
    .filter((path) => !isIgnored(path, false, rules, known))
    .sort(byFolder);
}

interface Rule {
  /** Empty for the root, else ending in `/`. */
  readonly folder: string;
  readonly patterns: Ignore;
}

function rulesOf(tree: Tree): readonly Rule[] {
  const files = tree.gitIgnore === false ? [] : (tree.ignoreFiles ?? []);
  const rules = files.map(({ path, text }) => ({
    folder: path.slice(0, path.lastIndexOf("/") + 1),
    patterns: ignore().add(text),
  }));
  return [
    ...rules.sort((a, b) => a.folder.length - b.folder.length),
    { folder: "", patterns: ignore().add([...(tree.ignorePatterns ?? [])]) },
  ];
}

/** F2. */
function isIgnored(path: string, isFolder: boolean, rules: readonly Rule[], known: Map<string, boolean>): boolean {
  const before = known.get(path);
  if (before !== undefined) return before;
  const at = path.lastIndexOf("/");
  let result = at > 0 && isIgnored(path.slice(0, at), true, rules, known);
  if (!result) {
    for (const { folder, patterns } of rules) {
      if (!path.startsWith(folder) || path.length === folder.length) continue;
      const test = patterns.test(path.slice(folder.length) + (isFolder ? "/" : ""));
      if (test.ignored) result = true;
      if (test.unignored) result = false;
    }
  }
  known.set(path, result);
  return result;
}

function byFolder(a: string, b: string): number {
  const [left, right] = [a.split("/"), b.split("/")];
  for (let i = 0; ; i++) {
    const [mine, other] = [left[i], right[i]];
    if (mine === undefined || other === undefined) return left.length - right.length;
    if (mine !== other) return mine < other ? -1 : 1;
  }
}
