/**
 * The part of docs/cli.md that is made of the command table. The test beside it compares; this writes it anew:
 *   UPDATE_DOCS=1 npx vitest run apps/cli/src/help
 */
import type { CommandTable, Group } from "../spec/command.ts";
import { flagRows, usageLine } from "./page.ts";

export const begins = "<!-- made of the command table: begin -->";
export const ends = "<!-- made of the command table: end -->";

const cell = (text: string): string => text.trim().replaceAll("|", "\\|");

export function reference({ commands, groupTitles }: CommandTable): string {
  const out: string[] = [begins, ""];
  for (const [group, title] of Object.entries(groupTitles) as [Group, string][]) {
    out.push(`## ${title}`, "");
    for (const spec of commands.filter((c) => c.group === group && (!c.hidden || c.path[0] === "pick"))) {
      out.push(
        `### \`hold${spec.path[0] === "pick" ? "" : ` ${spec.path.join(" ")}`}\``,
        "",
        `${spec.brief[0]!.toUpperCase()}${spec.brief.slice(1)}.`,
        "",
        "```text",
        usageLine(spec),
        "```",
        "",
      );
      if (spec.description) out.push(spec.description, "");
      const rows = [
        ...(spec.args ?? []).map((a) => [a.name, a.brief] as const),
        ...(spec.tail ? [[`-- ${spec.tail.name}`, spec.tail.brief] as const] : []),
        ...flagRows(spec).slice(0, -3),
      ];
      if (rows.length > 0) out.push("| | |", "|---|---|", ...rows.map(([a, b]) => `| \`${cell(a)}\` | ${cell(b)} |`), "");
      out.push(
        "```text",
        ...spec.examples.map((e) => `${e.line}${" ".repeat(Math.max(1, 44 - e.line.length))}# ${e.says}`),
        "```",
        "",
      );
    }
  }
  return [...out, ends].join("\n");
}
