/** `hold attach` to a kernel session: a console at a terminal, else what it shows as text. */
import { escapeText, readJournal, type Session } from "@holdfast/sdk";
import { type Context, line } from "../app/context.ts";
import { remoteText } from "../read/remote.ts";
import { commandText } from "../show/session.ts";
import { KernelText } from "../show/kernel-text.ts";
import { attachable } from "../attach/interactive.ts";
import { KernelConsole } from "./console.ts";

const ENTER = "\x1b[?2004h";
const LEAVE = "\x1b[0m\x1b[?2004l";

export async function attachKernel(context: Context, found: Session, observe: boolean): Promise<number> {
  const session = attachable(found, context);
  const [client, settings, outer] = await Promise.all([context.client(), context.settings(), context.outer()]);
  const shown = new KernelConsole(context, { client, outer, session, observe, prefix: settings.prefix });
  const entering = outer.enter(
    (bytes) => shown.keys(bytes),
    () => shown.resized(),
  );
  outer.undoWith(() => LEAVE);
  outer.write(ENTER);
  outer.onGone(() => shown.gone());
  const tellAlarms = context.holdAlarms();
  const ending = await shown.run().finally(async () => {
    await entering;
    await outer.drained();
    outer.restore();
    tellAlarms();
  });
  const own = escapeText(session.name || session.id);
  const name = context.remote ? remoteText(context.remote, own) : own;
  if (ending.kind === "failed")
    throw Object.assign(new Error(`${ending.message}; the session ${name} runs on`), { name: "HoldError", code: ending.code });
  const words = [
    "hold",
    ...(context.host === undefined ? [] : ["--host", context.host]),
    ...(context.as === undefined ? [] : ["--as", context.as]),
    "attach",
  ];
  line(
    context.err,
    ending.kind === "left"
      ? `[detached from ${name}]  come back with: ${commandText(words)} ${name}`
      : `[${name} ended]  what was run: hold log ${name}`,
  );
  return 0;
}

/** Where there is no terminal: what is run from now on and what it shows, until the session ends or the reader goes. */
export async function readKernel(context: Context, session: Session): Promise<number | undefined> {
  const client = await context.client();
  const text = new KernelText();
  const after = Number(attachable(session, context).seq);
  for await (const entry of readJournal(client, session.id, { after, follow: true, signal: context.cancelled })) {
    for (const l of text.add(entry)) line(context.out, l);
    await context.out.drained();
  }
  for (const l of text.rest()) line(context.out, l);
  return;
}
