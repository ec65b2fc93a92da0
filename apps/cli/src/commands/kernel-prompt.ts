/** What a kernel asks of a person with `input()` or `getpass()`. */
import { escapeText } from "@holdfast/sdk";
import type { Context } from "../app/context.ts";

/** Their answer, unseen where it is a password; null at the end of input. */
export async function answerTo(
  context: Context,
  { text, password }: { readonly text: string; readonly password: boolean },
): Promise<string | null> {
  if (password && context.input.isTty) return context.secret(escapeText(text), undefined);
  if (context.input.isTty) context.err.write(escapeText(text));
  return context.input.line();
}
