/** `hold policy show`. */
import { escapeText, type PolicyInForce } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { iso } from "../show/time.ts";

export async function run(context: Context, flags: { json: boolean }): Promise<undefined> {
  const policy = await (await context.client()).policy();
  if (flags.json) {
    jsonLine(context.out, policyJson(policy));
    return;
  }
  if (policy.text === "") line(context.err, "no policy was ever loaded: an AI may do what its role lets it");
  else {
    for (const text of policy.text.replace(/\n$/, "").split("\n")) line(context.out, escapeText(text));
    line(context.err, escapeText(`loaded ${iso(policy.loadedUnixMs)} by ${policy.loadedBy}, sha256 ${policy.sha256}`));
  }
  const note = fileText(policy);
  if (note) line(context.err, context.errPaint.yellow(escapeText(note)));
  return;
}

export function policyJson(policy: PolicyInForce): object {
  const isLoaded = policy.text !== "";
  return {
    loaded: isLoaded,
    sha256: policy.sha256 || null,
    loadedAt: iso(policy.loadedUnixMs),
    loadedBy: policy.loadedBy || null,
    path: policy.path,
    file: policy.file,
    text: isLoaded ? policy.text : null,
  };
}

/** How the file stands to what is in force, where that is worth a word. */
export function fileText({ file, path }: PolicyInForce): string | null {
  switch (file) {
    case "changed":
      return `${path} has changed since, which takes no effect before: hold policy reload`;
    case "new":
      return `${path} was never loaded, and takes no effect before: hold policy reload`;
    case "gone":
      return `${path} is gone; what was loaded from it holds on`;
    default:
      return null;
  }
}
