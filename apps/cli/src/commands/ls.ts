/** `hold ls`: what lives here. */
import type { Session } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { sessionJson, sessionRow } from "../show/session.ts";
import { table } from "../show/table.ts";
import { isRunning } from "../show/words.ts";
import { painted } from "./painted.ts";

const HOME_AND_CLEAR = "\x1b[H\x1b[2J";

export async function run(
  context: Context,
  flags: { all: boolean; exec: boolean; group: string | undefined; watch: boolean; json: boolean },
): Promise<undefined> {
  if (flags.watch) return watch(context, flags);
  const client = await context.client({ record: null });
  // The host lists commands of `hold exec` with all alone, and then both.
  const listed = await client.list({
    all: flags.all || flags.exec,
    ...(flags.group === undefined ? {} : { group: flags.group }),
  });
  const sessions = wanted(listed, flags);
  if (flags.json) {
    for (const s of sessions) jsonLine(context.out, { ...sessionJson(s), ...context.origin });
    return;
  }
  if (sessions.length === 0) {
    line(
      context.err,
      flags.all
        ? "no sessions yet; `hold new` opens one"
        : "no live sessions; `hold new` opens one, `hold ls -a` lists ended ones",
    );
    return;
  }
  for (const l of await lines(context, sessions)) line(context.out, l);
  return;
}

type Wanted = { readonly all: boolean; readonly exec: boolean };

function wanted(listed: readonly Session[], flags: Wanted): Session[] {
  return listed
    .filter((s) => isWanted(s, flags))
    .sort((a, b) => Number(isRunning(b)) - Number(isRunning(a)) || Number(b.lastActivityUnixMs - a.lastActivityUnixMs));
}

function isWanted(s: Session, flags: Wanted): boolean {
  return (flags.exec || s.parent === "") && (flags.all || isRunning(s));
}

/** On a terminal the list, drawn anew; elsewhere the lines of what has changed. */
async function watch(context: Context, flags: Wanted & { group: string | undefined; json: boolean }): Promise<undefined> {
  const client = await context.client();
  const { group } = flags;
  const shown = new Set<string>();
  await client.watchSessions(
    async (list) => {
      const changed = new Set(list.changed);
      const now = wanted(list.sessions, flags);
      const here = new Set(now.map((s) => s.id));
      const gone = [...shown].filter((id) => !here.has(id));
      shown.clear();
      for (const id of here) shown.add(id);
      if (flags.json) {
        for (const s of now.filter(({ id }) => changed.has(id)))
          jsonLine(context.out, { ...sessionJson(s), activity: s.activity || null, foreground: s.foreground || null });
        for (const id of gone) jsonLine(context.out, { id, gone: true });
        return;
      }
      const all = context.out.isTty;
      const rows = all ? now : now.filter(({ id }) => changed.has(id));
      if (all) context.out.write(HOME_AND_CLEAR);
      if (rows.length > 0 || all) for (const l of await lines(context, rows)) line(context.out, l);
      if (!all) for (const id of gone) line(context.out, `${id.slice(0, 10)} is gone`);
    },
    { all: flags.all || flags.exec, signal: context.cancelled, ...(group === undefined ? {} : { group }) },
  );
  return;
}

async function lines(context: Context, sessions: readonly Session[]): Promise<string[]> {
  const paint = await painted(context);
  const rows = sessions.map((s) => sessionRow({ ...s, id: s.id.slice(0, 10) }, context.now(), context.env["HOME"]));
  return table(
    [
      { title: "NAME", least: 8, give: 1, paint: (t, row) => (isRunning(sessions[row]!) ? paint.bold(t) : paint.dim(t)) },
      { title: "ID", give: 3.5, paint: paint.dim },
      {
        title: "STATE",
        least: 7,
        give: 2,
        paint: (t, row) => (isRunning(sessions[row]!) ? paint.green(t) : /^exit 0\b/.test(t) ? paint.dim(t) : paint.red(t)),
      },
      { title: "HERE", least: 6, give: 4 },
      { title: "STEERS", least: 6, give: 3 },
      { title: "SIZE", give: 5.5, paint: paint.dim },
      { title: "ACTIVE", give: 4.5 },
      { title: "DIRECTORY", least: 8, give: 5 },
      { title: "COMMAND", least: 8, give: 6 },
    ],
    rows,
    context.out.isTty ? context.out.columns : Number.POSITIVE_INFINITY,
    { head: paint.dim },
  );
}
