/** `hold host logs`: the file itself, so that it can be read when the host can't be reached. */
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { escapeLines, HoldError } from "@holdfast/sdk";
import { type Context, line } from "../app/context.ts";

export async function run(context: Context, flags: { lines: number | undefined; follow: boolean }): Promise<undefined> {
  const file = join(await context.home(), "host.log");
  if (!existsSync(file))
    throw new HoldError("bad_request", `there is no ${file} yet: no host has run here; \`hold host up\` starts one`);
  const fd = openSync(file, "r");
  try {
    const size = statSync(file).size;
    const tail = Buffer.alloc(Math.min(size, 1024 * 1024));
    readSync(fd, tail, 0, tail.length, size - tail.length);
    for (const l of tail
      .toString()
      .split("\n")
      .filter(Boolean)
      .slice(-(flags.lines ?? 50)))
      line(context.out, escapeLines(l));
    if (!flags.follow) return;
    let at = size;
    const { watchFile, unwatchFile } = await import("node:fs");
    await new Promise<void>((resolve) => {
      const more = () => {
        const now = statSync(file).size;
        if (now < at) at = 0;
        const chunk = Buffer.alloc(Math.max(0, Math.min(now - at, 1024 * 1024)));
        at += readSync(fd, chunk, 0, chunk.length, at);
        context.out.write(escapeLines(chunk.toString()));
      };
      watchFile(file, { interval: 300 }, more);
      context.cancelled.addEventListener("abort", () => {
        unwatchFile(file, more);
        resolve();
      });
    });
  } finally {
    closeSync(fd);
  }
  return;
}
