/** `hold config set`: one value, checked before it is written, comments kept. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Context, jsonLine } from "../app/context.ts";
import { checkSetting, configFile, known } from "../config/settings.ts";
import { setInToml } from "../config/toml-edit.ts";
import { unknownSetting } from "./config-get.ts";

/** Written beside and renamed, so that a reader never sees half a file. */
export function writeConfig(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const part = `${file}.${process.pid}.part`;
  writeFileSync(part, text, { mode: 0o600 });
  renameSync(part, file);
}

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const [key, text] = args as [string, string];
  const fallback = known[key]?.fallback;
  if (fallback === undefined) throw unknownSetting(key);
  const value =
    typeof fallback === "number" && /^\d+$/.test(text)
      ? Number(text)
      : typeof fallback === "boolean" && /^(true|false)$/.test(text)
        ? text === "true"
        : text;
  checkSetting(key, value, "this line");
  const file = configFile(await context.configFolder());
  writeConfig(file, setInToml(existsSync(file) ? readFileSync(file, "utf8") : "", key, value));
  if (flags.json) jsonLine(context.out, { key, value, source: "config", file });
  return;
}
