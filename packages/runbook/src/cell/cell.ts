/**
 * A cell: a code block of a runbook that can be run, with what its fence says about it.
 *
 *   C1  `content` is the block as written without fences and containers; `script` is what runs: without label comments and without
 *       the prompts of a shell (`$ ` alone: `$FOO` keeps its dollar).
 *   C2  A block is no cell if it says `ignore=true` or `transform=false`, or is `mermaid` and does not say `transform=true`.
 *   C3  What an annotation cannot mean (a flag that is no boolean) is as if it were not said.
 */
import { parse as parseYaml } from "yaml";
import type { Block, Span } from "../markdown/index.ts";
import { type Info, readInfo } from "./annotation.ts";
import { isShell } from "./language.ts";
import { nameFrom } from "./name.ts";

export interface Cell {
  /** Among the cells of its document, from 0. */
  readonly index: number;
  /** From 1, of the fence or the first line. */
  readonly line: number;
  readonly block: Block;
  readonly info: Info;
  readonly language: string;
  /** C1. Lines joined with `\n`, without one at the end. */
  readonly content: string;
  readonly script: string;
  /** Of lines that begin with `### `. */
  readonly labels: readonly string[];
  /** Once in a document. */
  readonly name: string;
  /** False: the name was made from its first line. */
  readonly isNamed: boolean;
  readonly id: string | null;
  readonly firstCommand: string;
  /** What the paragraph before says. Empty without one. */
  readonly intro: string;
  readonly settings: Settings;
  /** `#| key: value` lines at a block's start, as Quarto has them. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface Settings {
  /** Default true: a terminal. */
  readonly interactive: boolean;
  /** Default false: a session of its own that the next cell does not wait for. */
  readonly background: boolean;
  readonly cwd: string | null;
  readonly interpreter: string | null;
  /** Default auto: asks for what is not known. */
  readonly promptEnv: PromptEnv;
  /** Default false. `eval: false` of a chunk says the same. */
  readonly excludeFromRunAll: boolean;
  readonly tags: readonly string[];
  readonly terminalRows: number | null;
  /** Default true. */
  readonly closeTerminalOnSuccess: boolean;
  readonly mimeType: string | null;
  /** Of ours: where it runs; null as its document and language say. */
  readonly run: RunMode | null;
  /** Of ours: a kernelspec. */
  readonly kernel: string | null;
}

export type PromptEnv = "auto" | "always" | "never";
export type RunMode = "live" | "contained" | "program" | "kernel";

/** A block before it is known whether it is a cell, and which. */
export interface Draft extends Omit<Cell, "index" | "name"> {
  readonly wantedName: string;
  readonly isIgnored: boolean;
}

export function draft(text: string, block: Block, line: number): Draft {
  const info = readInfo(block.fence === null ? "" : text.slice(block.fence.info.start, block.fence.info.end));
  const language = info.language;
  const lines = block.lines.map((at) => text.slice(at.start, at.end));
  const labels = lines.filter((said) => said.startsWith("### ")).map((said) => said.slice(4).trim());
  const script = lines
    .filter((said) => !said.startsWith("### "))
    .map((said) => (isShell(language) ? said.replace(/^\$\s/, "") : said));
  const options = chunkOptions(lines);
  const firstCommand = script.find((said) => said.trim() !== "" && !isComment(said))?.trim() ?? "";
  const given = info.entries["name"] || (typeof options["label"] === "string" ? options["label"] : "");
  return {
    line,
    block,
    info,
    language,
    content: lines.join("\n"),
    script: script.join("\n"),
    labels,
    wantedName: given || nameFrom(firstCommand),
    isNamed: given !== "",
    id: info.entries["id"] || null,
    firstCommand,
    intro: block.intro === null ? "" : introduction(text, block.intro),
    settings: settingsOf(info.entries, options),
    options,
    isIgnored: isIgnored(language, info.entries),
  };
}

const isComment = (line: string): boolean => /^\s*(#|\/\/)/.test(line);

/** C2. */
function isIgnored(language: string, said: Readonly<Record<string, string>>): boolean {
  if (flag(said["ignore"]) === true) return true;
  return flag(said["transform"]) !== true && (flag(said["transform"]) === false || language === "mermaid");
}

function introduction(text: string, at: Span): string {
  const said = text
    .slice(at.start, at.end)
    .split(/\r\n|\n|\r/)
    .map((line, i) => (i === 0 ? line : line.replace(/^[\s>]+/, "")).trim())
    .join(" ");
  return /[a-z0-9!?.]$/i.test(said) ? said : `${said.replace(/[:;,]+$/, "")}.`;
}

/** As Go reads a boolean, which is what Runme's documents are written for; null where it is none. */
function flag(said: string | undefined): boolean | null {
  if (said === undefined) return null;
  if (/^(1|t|T|TRUE|true|True)$/.test(said)) return true;
  return /^(0|f|F|FALSE|false|False)$/.test(said) ? false : null;
}

export const commaList = (said: string | undefined): readonly string[] =>
  (said ?? "")
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");

const modes: readonly string[] = ["live", "contained", "program", "kernel"] satisfies RunMode[];
export const runMode = (said: unknown): RunMode | null =>
  typeof said === "string" && modes.includes(said) ? (said as RunMode) : null;

function settingsOf(said: Readonly<Record<string, string>>, options: Readonly<Record<string, unknown>>): Settings {
  const rows = Number(said["terminalRows"] || Number.NaN);
  return {
    interactive: flag(said["interactive"]) ?? true,
    background: flag(said["background"]) ?? false,
    cwd: said["cwd"] || null,
    interpreter: said["interpreter"] || null,
    promptEnv: promptEnv(said["promptEnv"]),
    excludeFromRunAll: flag(said["excludeFromRunAll"]) ?? options["eval"] === false,
    tags: [...new Set([...commaList(said["tag"]), ...commaList(said["category"])])],
    terminalRows: Number.isInteger(rows) && rows > 0 ? rows : null,
    closeTerminalOnSuccess: flag(said["closeTerminalOnSuccess"]) ?? true,
    mimeType: said["mimeType"] || said["mimetype"] || null,
    run: runMode(said["run"]),
    kernel: said["kernel"] || null,
  };
}

function promptEnv(said: string | undefined): PromptEnv {
  const word = (said ?? "").toLowerCase();
  if (/^(yes|true|1|always)$/.test(word)) return "always";
  return /^(no|false|0|never)$/.test(word) ? "never" : "auto";
}

function chunkOptions(lines: readonly string[]): Readonly<Record<string, unknown>> {
  const said: string[] = [];
  for (const line of lines) {
    const [mark, text] = /^(?:#|\/\/|--|%%|;)\|(?: (.*)|)$/.exec(line) ?? [];
    if (mark === undefined) break;
    said.push(text ?? "");
  }
  if (said.length === 0) return {};
  try {
    const read: unknown = parseYaml(said.join("\n"), { logLevel: "silent" });
    return typeof read === "object" && read !== null && !Array.isArray(read) ? (read as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
