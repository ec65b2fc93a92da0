/** `hold screen`: the screen as text. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { escapeText, type HostClient, readJournal, type Session, SessionKind } from "@holdfast/sdk";
import { usage } from "../app/fail.ts";
import { KernelText } from "../show/kernel-text.ts";

export async function run(
  context: Context,
  flags: { scrollback: number | undefined; vt: boolean; json: boolean },
  args: readonly string[],
): Promise<undefined> {
  const client = await context.client({ record: args[0]! });
  const session = await client.show(args[0]!);
  if (session.kind === SessionKind.KERNEL) return kernelScreen(context, client, session, flags);
  const screen = await client.screen(args[0]!, {
    vt: flags.vt,
    ...(flags.scrollback === undefined ? {} : { scrollback: flags.scrollback }),
  });
  if (flags.json) {
    jsonLine(context.out, {
      lines: screen.lines,
      size: screen.size ? { cols: screen.size.cols, rows: screen.size.rows } : null,
      cursor: { row: screen.cursorRow, col: screen.cursorCol, visible: screen.cursorVisible },
      alternate: screen.alternate,
      title: screen.title,
      seq: Number(screen.seq),
      offset: Number(screen.offset),
      ...context.origin,
      ...(flags.vt ? { vt: Buffer.from(screen.vt).toString("base64") } : {}),
    });
  } else if (flags.vt) context.out.write(screen.vt);
  else {
    let last = screen.lines.length;
    while (last > 0 && screen.lines[last - 1]!.trim() === "") last--;
    for (const l of screen.lines.slice(0, last)) line(context.out, escapeText(l.trimEnd()));
  }
  return;
}

/** Of a kernel session's record so much is read for its last lines. */
const LAST_RECORDS = 4_000;
const ROWS = 40;

async function kernelScreen(
  context: Context,
  client: HostClient,
  session: Session,
  flags: { scrollback: number | undefined; vt: boolean; json: boolean },
): Promise<undefined> {
  if (flags.vt) throw usage(`${session.name || session.id} is a kernel, which has no terminal: leave --vt away`);
  const text = new KernelText();
  const lines: string[] = [];
  const after = Math.max(0, Number(session.seq) - LAST_RECORDS);
  for await (const entry of readJournal(client, session.id, { after, signal: context.cancelled })) {
    lines.push(...text.add(entry));
    lines.splice(0, Math.max(0, lines.length - ROWS - (flags.scrollback ?? 0)));
  }
  const shown = [...lines, ...text.rest()];
  if (flags.json) jsonLine(context.out, { lines: shown, seq: Number(session.seq), ...context.origin });
  else for (const l of shown) line(context.out, l);
  return;
}
