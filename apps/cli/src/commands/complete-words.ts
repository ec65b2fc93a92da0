/** `hold complete-words -- WORDS…`: candidates, one a line, with a tab and what they mean; `:files` and `:folders` ask the shell for its own. */
import { type Context, line } from "../app/context.ts";
import { complete } from "../complete/complete.ts";
import { known } from "../config/settings.ts";
import { escapeText } from "@holdfast/sdk";
import { stateText } from "../show/session.ts";

export async function run(context: Context): Promise<number> {
  const quietly = async <T>(ask: () => Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await ask();
    } catch {
      return [];
    }
  };
  const answer = await complete(context.table, context.tail ?? [], {
    sessions: () =>
      quietly(async () =>
        (await (await context.client({ start: false })).list({ all: true })).map((s) => ({
          word: s.name || s.id,
          says: stateText(s),
        })),
      ),
    operators: () =>
      quietly(async () =>
        (await (await context.client({ start: false })).operatorList())
          .filter((o) => !o.revoked)
          .map((o) => ({ word: o.name, says: o.role })),
      ),
    topics: async () => {
      const { topics } = await import("../help/topics.ts");
      return [
        ...context.table.commands.filter((c) => !c.hidden).map((c) => ({ word: c.path[0]!, says: c.brief })),
        ...Object.entries(topics).map(([word, t]) => ({ word, says: t.brief })),
      ];
    },
    cells: (file) =>
      quietly(async () => {
        const { documentsOf, listedOf } = await import("../runbook/chosen.ts");
        const which = { all: false, tag: [], pattern: false, index: undefined, allowUnnamed: true };
        const documents = await documentsOf(context.cwd, file === undefined ? [] : [file], {
          noGitIgnore: false,
          ignorePattern: [],
        });
        return (await listedOf({ ...documents, names: [] }, which)).map(({ cell }) => ({
          word: cell.name,
          says: cell.firstCommand,
        }));
      }),
    inFolder: (session, folder) =>
      quietly(async () => {
        const { entries } = await (await context.client({ start: false })).files(session).list(folder);
        return entries.map(({ name, kind }) => ({ word: kind === "folder" ? `${name}/` : name, says: kind }));
      }),
    settings: async () => Object.entries(known).map(([word, s]) => ({ word, says: s.brief })),
  });
  // A name that would need escaping is left out: what a shell inserts must be what it was.
  for (const c of answer.candidates)
    if (escapeText(c.word) === c.word) line(context.out, c.says ? `${c.word}\t${escapeText(c.says)}` : c.word);
  if (answer.files) line(context.out, `:${answer.files}`);
  return 0;
}
