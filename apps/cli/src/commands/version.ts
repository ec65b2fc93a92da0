/** `hold version`: ours, and the host's if one runs. */
import { type Context, jsonLine, line } from "../app/context.ts";

export async function run(context: Context, flags: { json: boolean }): Promise<undefined> {
  const host = await context
    .client({ start: false })
    .then((c) => c.status())
    .catch(() => undefined);
  if (flags.json)
    jsonLine(context.out, {
      hold: context.version,
      host: host?.version ?? null,
      protocol: host?.protocol ?? null,
      node: process.versions.node,
    });
  else line(context.out, `hold ${context.version}${host ? `, host ${host.version}` : ""}`);
  return;
}
