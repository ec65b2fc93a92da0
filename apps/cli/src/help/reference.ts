/**
 * The part of docs/cli.md that is made of the command table. The test beside it compares; this writes it anew:
 *   UPDATE_DOCS=1 npx vitest run apps/cli/src/help
 */
import type { CommandTable, Group } from "../spec/command.ts";
import { known } from "../config/settings.ts";
import { globalFlags, ownFlagRows, usageLine } from "./page.ts";

export const begins = "<!-- made of the command table: begin -->";
export const ends = "<!-- made of the command table: end -->";

const cell = (text: string): string => text.trim().replaceAll("|", "\\|");

export function reference({ commands, groupTitles }: CommandTable): string {
  const everywhere = globalFlags.map(({ name, value, brief }) => `| \`${name} ${value}\` | ${cell(brief)} |`);
  const out: string[] = [
    begins,
    "",
    "Every command takes these as well, wherever on the line:",
    "",
    "| | |",
    "|---|---|",
    ...everywhere,
    "",
  ];
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
        ...ownFlagRows(spec),
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
  const settings = Object.entries(known).map(
    ([key, { fallback, brief }]) => `| \`${key}\` | ${fallback === "" ? "" : `\`${fallback}\``} | ${cell(brief)} |`,
  );
  out.push("## Settings of config.toml", "", "| key | default | means |", "|---|---|---|", ...settings, "");
  return [...out, ends].join("\n");
}
