/** `hold show`: everything about one session. */
import { floorModeWord, sessionKindWord } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { formatSize } from "../read/size.ts";
import { commandText, homeShort, sessionJson, stateText, steersText, whoText } from "../show/session.ts";
import { pairs } from "../show/table.ts";
import { ago, bytesText } from "../show/time.ts";
import { isRunning } from "../show/words.ts";
import { painted } from "./painted.ts";

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const client = await context.client({ record: args[0]! });
  const s = await client.show(args[0]!);
  if (flags.json) {
    jsonLine(context.out, { ...sessionJson(s), ...context.origin });
    return;
  }
  const paint = await painted(context);
  const now = context.now();
  const probe = isRunning(s) ? await client.probe(s.id).catch(() => undefined) : undefined;
  const floor = s.floor;
  const lines = pairs(
    [
      ["name", s.name],
      ["id", s.id],
      ["state", `${stateText(s)}${probe ? ` (${probe.state.replaceAll("_", " ")})` : ""}`],
      ["kind", sessionKindWord(s.kind)],
      ["command", commandText(s.command)],
      ["running", s.running],
      ["directory", homeShort(probe?.cwd || s.cwd, context.env["HOME"])],
      ["pid", s.pid ? String(s.pid) : ""],
      ["processes", probe?.processes.join(", ")],
      [
        "size",
        `${formatSize(s.size)}${s.sizePinned ? ` (pinned: \`hold resize ${s.name || s.id} auto\` lets it follow who steers)` : ""}`,
      ],
      ["here", whoText(s.operators)],
      [
        "steers",
        `${steersText(floor)}${floor?.asking.length ? `; asked for by ${floor.asking.join(", ")}` : ""}${floor && floorModeWord(floor.mode) === "open" ? " may type" : ""}`,
      ],
      ["group", s.group],
      ["opened", `${ago(s.createdUnixMs, now)} by ${s.openedBy}`],
      ["active", ago(s.lastActivityUnixMs, now)],
      ["ended", s.exit ? ago(s.exit.atUnixMs, now) : ""],
      ["journal", `${s.seq} events, ${bytesText(s.outputBytes)} of output${s.syncInput ? ", input synced to disk first" : ""}`],
      ["incarnation", s.incarnation > 1 ? String(s.incarnation) : ""],
    ],
    paint.dim,
  );
  for (const l of lines) line(context.out, l);
  return;
}
