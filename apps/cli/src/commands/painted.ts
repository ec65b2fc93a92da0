/** The paint of standard output, as the settings want it; settings that can't be read stop nobody from reading a table. */
import type { Context } from "../app/context.ts";
import { type Paint, paintFor } from "../show/colour.ts";

export async function painted(context: Context): Promise<Paint> {
  const colour = await context
    .settings()
    .then((s) => s.colour)
    .catch(() => "auto" as const);
  return colour === "auto" ? context.paint : paintFor(context.out.isTty, context.env, colour);
}
