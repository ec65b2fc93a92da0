/** `hold screen`: the screen as text. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { escapeText } from "@holdfast/sdk";

export async function run(
  context: Context,
  flags: { scrollback: number | undefined; vt: boolean; json: boolean },
  args: readonly string[],
): Promise<undefined> {
  const client = await context.client({ record: args[0]! });
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
