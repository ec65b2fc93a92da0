/** `hold config get`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { known } from "../config/settings.ts";
import { didYouMean } from "../read/near.ts";

export function unknownSetting(key: string): ReturnType<typeof usage> {
  return usage(`there is no setting ${JSON.stringify(key)}${didYouMean(key, Object.keys(known))}; \`hold config\` lists them`);
}

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const setting = (await context.settings()).all.find((s) => s.key === args[0]);
  if (!setting) throw unknownSetting(args[0]!);
  if (flags.json) jsonLine(context.out, { key: setting.key, value: setting.value, source: setting.source });
  else line(context.out, String(setting.value));
  return;
}
