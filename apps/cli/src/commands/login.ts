/** `hold login`. */
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { openBrowser } from "./open-browser.ts";

interface LoginFlags {
  readonly name: string | undefined;
  readonly noBrowser: boolean;
  readonly json: boolean;
}

export async function run(context: Context, flags: LoginFlags): Promise<undefined> {
  const loggedIn = await context.logIn({
    name: flags.name,
    show: (url) => {
      line(context.err, "open this in a browser of this machine, and log in there:");
      line(context.err, `  ${escapeText(url)}`);
      if (context.err.isTty && !flags.noBrowser) openBrowser(url);
    },
  });
  if (flags.json) jsonLine(context.out, { ...loggedIn, host: context.host ?? null });
  else {
    line(context.out, loggedIn.operator);
    const way = context.host === undefined ? `--as ${loggedIn.as}` : `--host ${context.host}`;
    if (context.err.isTty)
      line(context.err, `you are ${escapeText(loggedIn.operator)} (${escapeText(loggedIn.role)}); from now on: hold ${way} ls`);
  }
  return;
}
