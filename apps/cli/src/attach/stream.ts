/** `hold attach` where there is no terminal: output as it comes, to standard output, until the session ends or the reader goes. */
import type { Context } from "../app/context.ts";
import { line } from "../app/context.ts";
import { escapeText } from "@holdfast/sdk";
import { exitText } from "../show/words.ts";
import { attachable } from "./interactive.ts";

export async function attachStream(context: Context, options: { readonly session: string }): Promise<number | undefined> {
  const client = await context.client();
  attachable(await client.show(options.session), context);
  const { promise: over, resolve: finish } = Promise.withResolvers<{ code: string; message: string } | undefined>();
  const attachment = await client.attach(
    { session: options.session, observe: true, mode: "snapshot" },
    {
      snapshot: (s) => context.out.write(s.vt),
      output: (o) => {
        (o.stream === 2 ? context.err : context.out).write(o.bytes);
        return o.stream === 2 ? context.err.drained() : context.out.drained();
      },
      event: (e) => {
        if (e.body?.kind.case === "exited" || e.body?.kind.case === "ended") finish(undefined);
      },
      gap: (g) => line(context.err, `(gap: ${g.fromSeq} to ${g.toSeq} is no longer kept: ${escapeText(g.reason)})`),
      detached: (_reason, error) => finish(error),
    },
  );
  context.cancelled.addEventListener("abort", () => void attachment.detach().finally(() => finish(undefined)), { once: true });
  const error = await over;
  if (error) throw Object.assign(new Error(error.message), { name: "HoldError", code: error.code });
  if (context.cancelled.aborted) return;
  await attachment.detach().catch(() => undefined);
  const session = await client.show(attachment.session.id).catch(() => undefined);
  if (session?.exit && context.err.isTty)
    line(context.err, escapeText(`[${session.name || session.id} ended: ${exitText(session.exit)}]`));
  return;
}
