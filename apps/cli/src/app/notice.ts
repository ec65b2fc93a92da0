/** What a person must know before the first session: that it is recorded, where, and for how long. Said once a home, on stderr. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Output } from "./context.ts";

export const noticeText = (home: string, configFolder: string): string =>
  [
    "Holdfast records sessions: what they print, what is typed and by whom. Kept,",
    `readable by you alone, in ${home}:`,
    "the newest 64 MiB of output a session, and who did what for 90 days.",
    "Passwords typed with echo off are not kept; other secrets are. `hold redact`",
    `takes text out again, \`hold help recording\` says more. Settings:`,
    `${join(configFolder, "config.toml")}.`,
    "",
  ].join("\n");

export async function firstUse(home: string, output: Output, configFolder: string): Promise<void> {
  const mark = join(home, "notice-shown");
  if (existsSync(mark)) return;
  output.write(`${noticeText(home, configFolder)}\n`);
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    writeFileSync(mark, "", { mode: 0o600 });
  } catch {
    // A home that can't be written is the host's error to tell; the notice is then shown again.
  }
}
