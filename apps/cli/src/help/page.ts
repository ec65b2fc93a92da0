/** Help pages, made of the command table: the same text for `hold X --help`, `hold help X` and docs/cli.md. */
import { type Paint, paintFor } from "../show/colour.ts";
import { padTo, textWidth } from "../show/width.ts";
import { type AnyCommand, type CommandTable, type FlagSpec, findCommand, type Group } from "../spec/command.ts";

export interface PageOptions {
  readonly columns: number;
  readonly isTty: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The page of a command, of a group of commands, or of all. */
export function helpFor(table: CommandTable, path: readonly string[], options: PageOptions): string {
  const paint = paintFor(options.isTty, options.env);
  const width = Math.min(100, Math.max(40, options.columns));
  const spec = path.length > 0 ? findCommand(table, path) : undefined;
  const lines = spec
    ? commandPage(spec, paint, width)
    : path.length > 0
      ? groupPage(table, path[0]!, paint, width)
      : overview(table, paint, width);
  return `${lines.join("\n")}\n`;
}

export function usageLine(spec: AnyCommand): string {
  const args = (spec.args ?? []).map((a) => (a.optional ? `[${a.name}${a.rest ? "…" : ""}]` : `${a.name}${a.rest ? "…" : ""}`));
  const flags = Object.keys(spec.flags).length > 0 ? ["[options]"] : [];
  const words = spec.path[0] === "pick" ? [] : spec.path;
  // Commands whose words may also stand before `--` show the one form that always works.
  const shown = spec.tail && spec.args?.at(-1)?.name === "CMD" ? args.slice(0, -1) : args;
  const tail = spec.tail ? [spec.args?.at(-1)?.name === "CMD" ? `-- ${spec.tail.name}` : `[-- ${spec.tail.name}]`] : [];
  return ["hold", ...words, ...shown, ...flags, ...tail].join(" ");
}

export function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
}

export function flagValue(flag: FlagSpec): string {
  switch (flag.kind) {
    case "bool":
      return "";
    case "duration":
      return flag.value ?? "TIME";
    case "size":
      return flag.value ?? "COLSxROWS";
    case "choice":
      return flag.of.join("|");
    case "choices":
      return "KIND,…";
    default:
      return flag.value;
  }
}

/** What every command takes, wherever it stands on the line. */
export const globalFlags = [
  { name: "--as", value: "NAME", brief: "as this operator, with the credential of that name" },
  { name: "--host", value: "URL", brief: "the host there, in place of this machine's; behind a relay its name" },
  {
    name: "--relay",
    value: "URL,…",
    brief: "hosts behind that relay; of a host that has joined several, each with a comma before it",
  },
  { name: "--context", value: "NAME", brief: "what `hold context set` has given that name" },
  { name: "--passphrase-fd", value: "N", brief: "read the passphrase of that credential's key from descriptor N" },
] as const;

/** What `hold help` has besides commands (topics.ts), in the order in which the overview names it. */
export const topicNames = [
  "sessions",
  "kernels",
  "floor",
  "attach",
  "keys",
  "recording",
  "files",
  "session-files",
  "scripting",
  "runbooks",
  "operators",
  "identity",
  "remote",
  "relay",
  "mirror",
  "forward",
  "ssh",
  "http",
  "ai",
  "policy",
  "security",
  "journal",
  "environment",
  "exit-codes",
] as const;

/** The flags that are this command's alone. */
export function ownFlagRows(spec: AnyCommand): [string, string][] {
  return Object.entries(spec.flags).map(([name, flag]) => {
    const value = flagValue(flag);
    const many = flag.kind === "choices" ? ` (${flag.of.join(", ")})` : "";
    return [`${flag.short ? `-${flag.short}, ` : "    "}${flagName(name)}${value ? ` ${value}` : ""}`, flag.brief + many];
  });
}

function flagRows(spec: AnyCommand): [string, string][] {
  return [
    ...ownFlagRows(spec),
    ...globalFlags.map(({ name, value, brief }): [string, string] => [`    ${name} ${value}`, brief]),
    ["-h, --help", "this page"],
  ];
}

function commandPage(spec: AnyCommand, paint: Paint, width: number): string[] {
  const arguments_ = [
    ...(spec.args ?? []).map((a): [string, string] => [a.name, a.brief]),
    ...(spec.tail ? [[spec.tail.name, spec.tail.brief] as [string, string]] : []),
  ];
  return [
    `${paint.bold(`hold ${spec.path[0] === "pick" ? "" : spec.path.join(" ")}`.trimEnd())}: ${spec.brief}`,
    "",
    ...section(paint, "Usage", [`  ${usageLine(spec)}`]),
    ...(spec.description ? [...wrap(spec.description, width).map((l) => l), ""] : []),
    ...(arguments_.length > 0 ? section(paint, "Arguments", two(arguments_, width)) : []),
    ...section(paint, "Options", two(flagRows(spec), width)),
    ...section(
      paint,
      "Examples",
      spec.examples.flatMap((e) => [`  ${paint.cyan(e.line)}`, `      ${e.says}`]),
    ),
    ...(spec.see ? [`See also: ${spec.see.map((t) => `hold help ${t}`).join(", ")}`] : []),
  ];
}

function section(paint: Paint, title: string, lines: readonly string[]): string[] {
  return [paint.bold(title), ...lines, ""];
}

function groupPage({ commands, groupBriefs }: CommandTable, group: string, paint: Paint, width: number): string[] {
  const rows = commands
    .filter((c) => c.path[0] === group && c.path.length > 1 && !c.hidden)
    .map((c): [string, string] => [`hold ${c.path.join(" ")}`, c.brief]);
  return [
    `${paint.bold(`hold ${group}`)}: ${groupBriefs[group] ?? ""}`,
    "",
    ...two(rows, width),
    "",
    `\`hold help ${group} COMMAND\` says more of each.`,
  ];
}

function overview({ commands, groupTitles }: CommandTable, paint: Paint, width: number): string[] {
  const lines = [
    `${paint.bold("hold")} keeps terminal sessions and jobs alive, and lets people, programs and AI agents share them.`,
    "",
    `  ${paint.cyan("hold new work")}      open a session and attach        ${paint.cyan("hold")}  pick one`,
    `  ${paint.cyan("hold attach work")}   come back to it                 ${paint.cyan("hold ls")}  list them`,
    "",
  ];
  for (const [group, title] of Object.entries(groupTitles) as [Group, string][]) {
    const rows = commands.filter((c) => c.group === group && !c.hidden).map((c): [string, string] => [c.path.join(" "), c.brief]);
    lines.push(paint.bold(title), ...two(rows, width, 16), "");
  }
  return [
    ...lines,
    ...wrap(
      `\`hold help COMMAND\` and \`hold help TOPIC\` say more. Topics: ${topicNames.join(", ")}. ${globalFlags.map(({ name, value }) => `\`${name} ${value}\``).join(", ")} and \`--json\` may stand anywhere on the line.`,
      width,
    ),
  ];
}

/** Two columns, the second wrapped. */
export function two(rows: readonly (readonly [string, string])[], width: number, least = 0): string[] {
  const left = Math.min(36, Math.max(least, ...rows.map(([a]) => textWidth(a))));
  return rows.flatMap(([a, b]) => {
    const right = wrap(b, Math.max(20, width - left - 4));
    const first = textWidth(a) <= left ? `  ${padTo(a, left)}  ${right[0] ?? ""}` : `  ${a}`;
    const rest = (textWidth(a) <= left ? right.slice(1) : right).map((l) => `  ${" ".repeat(left)}  ${l}`);
    return [first.trimEnd(), ...rest];
  });
}

export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of text.split(/\s+/)) {
    if (current !== "" && textWidth(current) + 1 + textWidth(word) > width) {
      lines.push(current);
      current = word;
    } else current = current === "" ? word : `${current} ${word}`;
  }
  if (current !== "") lines.push(current);
  return lines;
}
