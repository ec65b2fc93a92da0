/** The topics of `hold help`, each one page of text in a small markup: `# head`, indented lines as they are, the rest wrapped. */
import { paintFor } from "../show/colour.ts";
import type { Topic } from "./topic.ts";
import { type PageOptions, wrap } from "./page.ts";
import { running } from "./topics/running.ts";
import { using } from "./topics/using.ts";
import { trusting } from "./topics/trusting.ts";

export const topics: Readonly<Record<string, Topic>> = { ...using, ...running, ...trusting };

export function topicText(topic: Topic, options: PageOptions): string {
  const paint = paintFor(options.isTty, options.env);
  const width = Math.min(100, Math.max(40, options.columns));
  // Not `trim`: the first line may be one of those that are indented.
  const blocks = topic.text
    .replace(/^\n+/, "")
    .trimEnd()
    .split(/\n{2,}/);
  const lines = blocks.flatMap((block) => {
    if (block.startsWith("# ")) return [paint.bold(block.slice(2)), ""];
    if (block.startsWith("  ")) return [...block.split("\n"), ""];
    return [...wrap(block, width), ""];
  });
  return `${paint.bold(topic.brief)}\n\n${lines.join("\n").trimEnd()}\n`;
}
