/** Commands about a session's files. */
import { command, jsonFlag, sessionArgument as session } from "./command.ts";

const there = "absolute, or from the session's directory of now";

export const fileCommands = [
  command({
    path: ["files", "ls"],
    group: "scripting",
    brief: "list a folder of the session's machine",
    args: [session, { name: "PATH", brief: `the folder; ${there} (default: that directory)`, optional: true }],
    flags: { json: jsonFlag },
    examples: [
      { line: "hold files ls build", says: "where the session's shell is" },
      { line: "hold files ls build /etc --json", says: "one object an entry" },
    ],
    see: ["session-files"],
    load: () => import("../commands/files-ls.ts"),
  }),
  command({
    path: ["files", "get"],
    group: "scripting",
    brief: "read a file of the session's machine",
    description:
      "Writes the file to LOCAL, or to standard output. A local file is replaced whole once all of it is here, or not at all.",
    args: [
      session,
      { name: "PATH", brief: `the file; ${there}` },
      { name: "LOCAL", brief: "where to put it (default: standard output)", optional: true, complete: "file" },
    ],
    flags: { json: jsonFlag },
    examples: [
      { line: "hold files get build config.toml", says: "prints it" },
      { line: "hold files get build target/app.tar.gz app.tar.gz", says: "keeps it" },
    ],
    see: ["session-files"],
    load: () => import("../commands/files-get.ts"),
  }),
  command({
    path: ["files", "put"],
    group: "scripting",
    brief: "write a file of the session's machine",
    description:
      "Replaces PATH whole by LOCAL, or by standard input where LOCAL is `-`, or not at all: who reads meanwhile sees the old file or the new one. With --if-hash it is only replaced if it is still what you have seen, with --new only if there is none yet; otherwise exit 1 and `file_changed`.",
    args: [
      session,
      { name: "LOCAL", brief: "the file to send; `-` for standard input", complete: "file" },
      { name: "PATH", brief: `where to; ${there}` },
    ],
    flags: {
      ifHash: { kind: "text", value: "SHA256", brief: "only if this is what the file has now (hex, from `files get --json`)" },
      new: { kind: "bool", brief: "only if there is no such file" },
      mode: { kind: "text", value: "OCTAL", brief: "permissions of a new file (default: 644)" },
      folders: { kind: "bool", short: "p", brief: "make the folders above it" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold files put build local.toml config.toml", says: "replaces config.toml" },
      { line: "echo hello | hold files put build - notes/today.txt --folders --new", says: "a new file in a new folder" },
    ],
    see: ["session-files"],
    load: () => import("../commands/files-put.ts"),
  }),
  command({
    path: ["files", "watch"],
    group: "scripting",
    brief: "print what changes in a folder of the session's machine",
    args: [session, { name: "PATH", brief: `a folder or a file; ${there} (default: that directory)`, optional: true }],
    flags: { json: jsonFlag },
    examples: [{ line: "hold files watch build src", says: "one line a change, until Ctrl-C" }],
    see: ["session-files"],
    load: () => import("../commands/files-watch.ts"),
  }),
];
