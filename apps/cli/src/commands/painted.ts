/** The paint of standard output, as the settings want it. */
import type { Context } from "../app/context.ts";
import { type Paint, paintFor } from "../show/colour.ts";

export async function painted(context: Context): Promise<Paint> {
  const { colour } = await context.settings();
  return colour === "auto" ? context.paint : paintFor(context.out.isTty, context.env, colour);
}
