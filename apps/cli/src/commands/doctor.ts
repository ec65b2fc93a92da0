/** `hold doctor`: what is wrong here, and what to do about it. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { escapeText } from "@holdfast/sdk";

export async function run(context: Context, flags: { resetTerminal: boolean; json: boolean }): Promise<number> {
  if (flags.resetTerminal) {
    const { resetTerminal } = await import("../terminal/reset.ts");
    return resetTerminal(context);
  }
  const { checks } = await import("../doctor/checks.ts");
  let worst = 0;
  const { paint } = context;
  for await (const c of checks(context)) {
    if (c.state === "wrong") worst = 1;
    if (flags.json) jsonLine(context.out, c);
    else {
      const mark = c.state === "ok" ? paint.green("ok   ") : c.state === "note" ? paint.yellow("note ") : paint.red("WRONG");
      line(context.out, `${mark}  ${c.what.padEnd(12)}  ${escapeText(c.found)}`);
      if (c.next) line(context.out, `                     ${paint.bold(escapeText(c.next))}`);
    }
  }
  return worst;
}
