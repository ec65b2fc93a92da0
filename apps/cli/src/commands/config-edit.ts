/** `hold config edit`. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { escapeText, HoldError } from "@holdfast/sdk";
import { type Context, line } from "../app/context.ts";
import { configFile, known, loadSettings } from "../config/settings.ts";
import { tomlValue } from "../config/toml-edit.ts";
import { writeConfig } from "./config-set.ts";

/** Every setting with its default, commented out. */
export function template(): string {
  const lines = ["# Settings of Holdfast. A line that begins with # is a comment; these are the defaults.", ""];
  let table = "";
  for (const [key, { brief, fallback }] of Object.entries(known)) {
    const [head, name] = key.split(".") as [string, string];
    if (head !== table) lines.push(...(table ? [""] : []), `[${head}]`);
    table = head;
    lines.push(`# ${brief}`, `# ${name} = ${tomlValue(fallback)}`);
  }
  return `${lines.join("\n")}\n`;
}

export async function run(context: Context): Promise<undefined> {
  const folder = await context.configFolder();
  const file = configFile(folder);
  if (!existsSync(file)) writeConfig(file, template());
  await edit(context, file);
  const { problems } = await loadSettings(folder, {});
  for (const problem of problems) line(context.err, context.errPaint.yellow(escapeText(problem)));
  return;
}

/** Resolves when the person's editor has ended. */
export async function edit(context: Context, file: string): Promise<void> {
  const editor = context.env["VISUAL"] || context.env["EDITOR"] || "vi";
  // As git does: the editor is a shell command, the file its argument.
  const child = spawn("/bin/sh", ["-c", `${editor} "$@"`, editor, file], { stdio: "inherit" });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", resolve);
  });
  if (code !== 0)
    throw new HoldError("bad_request", `${editor} ended with ${code ?? "a signal"}; set EDITOR to one that works here`);
}
