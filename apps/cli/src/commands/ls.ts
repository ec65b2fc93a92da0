/** `hold ls`: what lives here. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { sessionJson, sessionRow } from "../show/session.ts";
import { table } from "../show/table.ts";
import { isRunning } from "../show/words.ts";
import { painted } from "./painted.ts";

export async function run(
  context: Context,
  flags: { all: boolean; exec: boolean; group: string | undefined; json: boolean },
): Promise<undefined> {
  const client = await context.client({ record: null });
  // The host lists commands of `hold exec` with all alone, and then both.
  const listed = await client.list({
    all: flags.all || flags.exec,
    ...(flags.group === undefined ? {} : { group: flags.group }),
  });
  const wanted = listed.filter((s) => (flags.exec || s.parent === "") && (flags.all || isRunning(s)));
  const sessions = wanted.sort(
    (a, b) => Number(isRunning(b)) - Number(isRunning(a)) || Number(b.lastActivityUnixMs - a.lastActivityUnixMs),
  );
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
  const paint = await painted(context);
  const rows = sessions.map((s) => sessionRow({ ...s, id: s.id.slice(0, 10) }, context.now(), context.env["HOME"]));
  const text = table(
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
  for (const l of text) line(context.out, l);
  return;
}
