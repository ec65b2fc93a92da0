/** Lifecycle identity as Runme keeps it: ULIDs in the front matter and in the fences. What makes ULIDs is the caller's. */
import { canonicalInfo } from "../cell/index.ts";
import { parse, type Runbook, withValue } from "../document/index.ts";
import { annotationEdit, applied, type Edit } from "./edit.ts";

export type Identity = "doc" | "cell" | "all";

/** What Runme writes beside an id, for its own readers. */
const VERSION = "v3";

/** Gives ids to what has none. Indented blocks can't carry one. A front matter that cannot be read is left as it is. */
export function withIdentity(runbook: Runbook, identity: Identity, ulid: () => string): Runbook {
  const edits: Edit[] = [];
  if (identity !== "cell" && runbook.settings.id === null) {
    edits.push(
      ...frontMatterEdits(runbook, [
        [["runme", "id"], ulid()],
        [["runme", "version"], VERSION],
      ]),
    );
  }
  if (identity !== "doc") {
    for (const cell of runbook.cells)
      if (cell.id === null && cell.block.fence !== null) edits.push(...(annotationEdit(runbook, cell, { id: ulid() }) ?? []));
  }
  return edits.length === 0 ? runbook : parse(applied(runbook.text, edits));
}

/** Takes them away again, and a front matter that said nothing else. */
export function withoutIdentity(runbook: Runbook): Runbook {
  const edits: Edit[] = [
    ...frontMatterEdits(runbook, [
      [["runme", "id"], undefined],
      [["runme", "version"], undefined],
    ]),
  ];
  for (const cell of runbook.cells) edits.push(...(annotationEdit(runbook, cell, { id: undefined }) ?? []));
  return edits.length === 0 ? runbook : parse(applied(runbook.text, edits));
}

/** Values of a front matter: into the one that is there, or a new one in YAML. Without a value, a key is taken away. */
export function frontMatterEdits(
  runbook: Runbook,
  changes: readonly (readonly [path: readonly string[], value: string | undefined])[],
): readonly Edit[] {
  const { frontMatter, text } = runbook;
  // YAML and TOML know no lone carriage return.
  const eol = runbook.lineEnding === "\r" ? "\n" : runbook.lineEnding;
  if (frontMatter !== null && frontMatter.problem !== null) return [];
  const body = frontMatter === null ? "" : text.slice(frontMatter.body.start, frontMatter.body.end);
  const form = frontMatter?.form ?? "yaml";
  const wanted = changes.reduce((left, [path, value]) => withValue(left, form, path, value, eol), body);
  if (wanted === body) return [];
  if (frontMatter === null) {
    const at = runbook.hasByteOrderMark ? 1 : 0;
    return [{ start: at, end: at, text: `---${eol}${wanted}---${eol}${eol}` }];
  }
  const isEmpty = wanted.trim() === "" || (form === "json" && /^\{\s*\}$/.test(wanted));
  if (!isEmpty) return [{ start: frontMatter.body.start, end: frontMatter.body.end, text: wanted }];
  const blank = /^(\r\n|\n|\r)?/.exec(text.slice(frontMatter.span.end))?.[0].length ?? 0;
  return [{ start: frontMatter.span.start, end: frontMatter.span.end + blank, text: "" }];
}

/** What `fmt` writes: each fence's annotations in the form that Runme gives them. All else is as it was. */
export function formatted(runbook: Runbook): Runbook {
  const edits = runbook.cells.flatMap(({ block: { fence } }): Edit[] => {
    if (fence === null) return [];
    const info = runbook.text.slice(fence.info.start, fence.info.end);
    const wanted = canonicalInfo(info);
    // Braces alone stand at the fence.
    const start = wanted.startsWith("{") ? fence.opening.start + fence.length : fence.info.start;
    return runbook.text.slice(start, fence.info.end) === wanted ? [] : [{ start, end: fence.info.end, text: wanted }];
  });
  return edits.length === 0 ? runbook : parse(applied(runbook.text, edits));
}
