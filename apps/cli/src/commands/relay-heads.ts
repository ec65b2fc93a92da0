/** `hold relay heads`: what this relay has kept of a host's chain. */
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { headsOf } from "../show/heads.ts";
import { iso } from "../show/time.ts";
import { asking } from "./relay-asked.ts";

export async function run(
  context: Context,
  flags: { readonly accept: boolean; readonly folder: string | undefined; readonly json: boolean },
  args: readonly string[],
): Promise<number> {
  const ask = await asking(context, flags.folder);
  const kept = await ask("heads", { host: args[0]!, accept: flags.accept });
  const heads = headsOf(kept.host, kept.heads);
  if (flags.json) {
    jsonLine(context.out, {
      host: kept.host,
      heads,
      conflicts: kept.conflicts.map((c) => ({
        found: c.found,
        at: iso(c.atUnixMs),
        hadLsn: c.had?.lsn ?? 0n,
        toldLsn: c.told?.lsn ?? null,
      })),
    });
  } else {
    for (const head of heads) line(context.out, head);
    if (heads.length === 0)
      line(
        context.err,
        "nothing is kept of it; a host tells its head when it dials, and each minute in which something is recorded",
      );
    for (const { found, had, told, atUnixMs } of kept.conflicts)
      line(
        context.err,
        context.errPaint.red(
          `[witness_contradicted] at ${iso(atUnixMs)} the host contradicted record ${had?.lsn ?? 0n} (${escapeText(found)}${told ? `: it told record ${told.lsn}` : ""}); nothing newer is kept of it until: hold relay heads ${escapeText(args[0]!)} --accept`,
        ),
      );
  }
  return kept.conflicts.length > 0 ? 1 : 0;
}
