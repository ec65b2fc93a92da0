/** `hold whoami`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { operatorJson } from "../show/session.ts";
import { pairs } from "../show/table.ts";
import { iso } from "../show/time.ts";
import { operatorKindWord } from "../show/words.ts";

export async function run(context: Context, flags: { json: boolean }): Promise<undefined> {
  const me = await (await context.client()).whoami();
  const o = me.operator;
  if (flags.json)
    jsonLine(context.out, {
      ...(o ? operatorJson(o) : {}),
      via: me.via,
      hostId: me.hostId,
      link: me.link,
      session: context.env["HOLDFAST_SESSION"] ?? null,
    });
  else {
    const entries = [
      ["name", o?.name],
      ["id", o?.id],
      ["kind", o ? operatorKindWord(o.kind) : ""],
      ["role", o?.role],
      ["may", o?.capabilities.join(", ")],
      ["for", o?.onBehalfOf],
      ["guest of", o?.session],
      ["until", iso(o?.untilUnixMs ?? 0) ?? ""],
      ["via", me.via],
      ["host", me.hostId],
      ["inside", context.env["HOLDFAST_SESSION"]],
    ] as const;
    for (const l of pairs(entries, context.paint.dim)) line(context.out, l);
  }
  return;
}
