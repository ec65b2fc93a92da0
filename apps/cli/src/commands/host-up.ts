/** `hold host up`. */
import { type Context, jsonLine, line } from "../app/context.ts";

export async function run(context: Context, flags: { json: boolean }): Promise<undefined> {
  const status = await (await context.client()).status();
  if (flags.json) jsonLine(context.out, { pid: status.pid, version: status.version, home: status.home });
  else if (context.err.isTty) line(context.err, `host ${status.version} serves as pid ${status.pid}`);
  return;
}
