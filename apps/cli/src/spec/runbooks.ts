/** `hold runbook`. */
import { command, jsonFlag } from "./command.ts";

const file = {
  name: "FILE",
  brief: "the document, or a folder of documents; left away: all of the git tree, and the first word is a NAME",
  optional: true,
  complete: "runbook",
} as const;
const names = {
  name: "NAME",
  brief: "a cell by its name, FILE/NAME, or with * and ?",
  optional: true,
  rest: true,
  complete: "cell",
} as const;

const which = {
  all: { kind: "bool", short: "a", brief: "every cell that does not say `excludeFromRunAll`" },
  tag: { kind: "list", short: "t", value: "TAG", brief: "cells with that tag; several: with any of them" },
  pattern: { kind: "bool", brief: "tags fit as parts of tags" },
  index: { kind: "number", value: "N", brief: "the cell in that place, from 0, named or not" },
  allowUnnamed: { kind: "bool", brief: "cells without a name of their own, too" },
} as const;
const tree = {
  noGitIgnore: { kind: "bool", brief: "look into what .gitignore files leave out, too" },
  ignorePattern: { kind: "list", value: "PATTERN", brief: "leave out more, as a line of .gitignore would" },
} as const;

export const runbookCommands = [
  command({
    path: ["runbook", "ls"],
    group: "scripting",
    brief: "list the cells of a document, or of the tree",
    description: "A `*` behind a name: --all runs it.",
    args: [file, names],
    flags: { ...which, ...tree, json: jsonFlag },
    local: true,
    examples: [
      { line: "hold runbook ls README.md", says: "its named cells" },
      { line: "hold runbook ls --allow-unnamed --json", says: "all of the tree's, one object a cell" },
    ],
    see: ["runbooks"],
    load: () => import("../commands/runbook-ls.ts"),
  }),
  command({
    path: ["runbook", "run"],
    group: "scripting",
    brief: "run cells of a document in a live session",
    description:
      "Cells run one after the other in a session that is opened for the document and ends with the run, or in a live one (--session) that everybody attached shares. Each is typed as one command when the prompt is free, never into a program; its output is printed here as it comes, progress on standard error. The first cell that fails ends the run, and its code is the exit code; 1 and a message where it is not known. Which cells: NAMEs, --tag, --index, or --all; a document with one cell needs none of them. A name that several files have exits with 3 and lists them.",
    args: [file, names],
    flags: {
      ...which,
      session: {
        kind: "text",
        short: "s",
        value: "SESSION",
        brief: "run in this live session, which stays",
        complete: "session",
      },
      keep: {
        kind: "bool",
        brief: "leave the session that is opened, named after the document; a later run with --keep goes on in it",
      },
      contained: {
        kind: "bool",
        brief: "each cell in a child of the shell's state: `exit`, `set -e` and `exec` end the cell alone",
      },
      parallel: {
        kind: "bool",
        short: "p",
        brief: "all at once, each beside the terminal with no state shared; lines begin with the cell's name",
      },
      background: { kind: "bool", brief: "cells that say `background` become sessions of their own and live on" },
      dryRun: { kind: "bool", brief: "print what would run, where and with what, and open nothing" },
      yes: { kind: "bool", short: "y", brief: "ask for no variable: what the document says stands" },
      skipPrompts: { kind: "bool", brief: "the same as --yes" },
      env: { kind: "list", value: "K=V", brief: "set a variable for all cells" },
      envFile: {
        kind: "list",
        value: "FILE",
        brief: "read variables from here, later files over earlier (default: .env, then .env.local)",
        complete: "file",
      },
      take: { kind: "bool", brief: "take the floor first, if it may be taken" },
      timeout: { kind: "duration", brief: "give up a cell after this long (exit 124); in a session that stays it runs on" },
      junit: { kind: "text", value: "FILE", brief: "write what became of each cell as JUnit's XML", complete: "file" },
      save: { kind: "choice", of: ["md", "ipynb", "html"], brief: "write outputs beside the document, which stays as it is" },
      ...tree,
      json: jsonFlag,
    },
    examples: [
      { line: "hold runbook run README.md setup test", says: "two cells, in one session" },
      { line: "hold runbook run README.md --all --contained", says: "all, as CI would" },
      {
        line: "hold runbook run deploy --session work",
        says: "the tree's cell of that name, in the shell that you are attached to",
      },
      { line: "hold runbook run README.md serve --background", says: "`serve` lives on as a session; `hold ls` lists it" },
    ],
    see: ["runbooks", "exit-codes"],
    load: () => import("../commands/runbook-run.ts"),
  }),
  command({
    path: ["runbook", "print"],
    group: "scripting",
    brief: "print a cell's script",
    args: [file, names],
    flags: {
      ...which,
      raw: { kind: "bool", brief: "as it stands in the document, prompts and labels too" },
      ...tree,
      json: jsonFlag,
    },
    local: true,
    examples: [{ line: "hold runbook print README.md setup | bash", says: "without a session" }],
    see: ["runbooks"],
    load: () => import("../commands/runbook-print.ts"),
  }),
  command({
    path: ["runbook", "fmt"],
    group: "scripting",
    brief: "bring annotations into Runme's form, give cells ids",
    description: "Prints the result, or writes it back with -w. All that is no annotation stays as it is, byte for byte.",
    args: [
      { name: "FILE", brief: "the document; left away: all of the git tree, which needs -w", optional: true, complete: "file" },
    ],
    flags: {
      write: { kind: "bool", short: "w", brief: "write files that change; print their names" },
      identity: { kind: "choice", of: ["doc", "cell", "all"], brief: "give ids to the document, its cells, or both" },
      reset: { kind: "bool", brief: "take ids away again" },
      ...tree,
      json: jsonFlag,
    },
    local: true,
    examples: [
      { line: "hold runbook fmt README.md -w", says: "in place" },
      { line: "hold runbook fmt -w --identity all", says: "each document of the tree and each of its cells gets an id" },
    ],
    see: ["runbooks"],
    load: () => import("../commands/runbook-fmt.ts"),
  }),
  command({
    path: ["runbook", "check"],
    group: "scripting",
    brief: "say what is wrong with documents, before they run",
    description:
      "Front matter that can't be read, names that are there twice, languages that nothing here runs, directories that are not there, variables that would be asked for, and whether the document is written as it was read. Exits with 1 when something is wrong; what is only worth knowing is said and no failure.",
    args: [
      { name: "FILE", brief: "the document, or a folder; left away: all of the git tree", optional: true, complete: "file" },
    ],
    flags: { ...tree, json: jsonFlag },
    local: true,
    examples: [{ line: "hold runbook check", says: "the tree" }],
    see: ["runbooks"],
    load: () => import("../commands/runbook-check.ts"),
  }),
];
