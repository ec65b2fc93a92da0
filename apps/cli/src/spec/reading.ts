/** Commands that read: the screen, the journal, recordings, the audit chain. */
import { kindWords } from "../show/event-kinds.ts";
import { command, fromMirrorFlag, jsonFlag, sessionArgument as session } from "./command.ts";

export const readingCommands = [
  command({
    path: ["screen"],
    group: "reading",
    brief: "print a session's screen as text",
    description: "Of a kernel session: the end of what was run in it and what that showed.",
    args: [session],
    flags: {
      scrollback: { kind: "number", short: "n", value: "LINES", brief: "lines above the screen too" },
      vt: { kind: "bool", brief: "with colours, as escape sequences that draw it" },
      fromMirror: fromMirrorFlag,
      json: jsonFlag,
    },
    examples: [
      { line: "hold screen build", says: "what one would see" },
      { line: "hold screen build -n 200 | grep error", says: "with 200 lines above it" },
    ],
    load: () => import("../commands/screen.ts"),
  }),
  command({
    path: ["log"],
    group: "reading",
    brief: "print a session's journal: who did what, and when",
    description:
      "Of a kernel session: who ran what, and what it showed, as `In [3] ana: code` and its output below; --events gives every event of its journal.",
    args: [session],
    flags: {
      follow: { kind: "bool", short: "f", brief: "go on as it happens" },
      from: { kind: "number", value: "SEQ", brief: "from this position on (default: the first kept)" },
      kind: { kind: "choices", of: kindWords, brief: "only events of these kinds" },
      actor: { kind: "text", value: "OPERATOR", complete: "operator", brief: "only what this operator did" },
      raw: { kind: "bool", brief: "the output bytes themselves, exactly, and nothing else" },
      events: { kind: "bool", brief: "of a kernel session: every event, as of other sessions" },
      stream: { kind: "choice", of: ["stdout", "stderr"], brief: "only this output of a --pipes session" },
      fromMirror: fromMirrorFlag,
      json: jsonFlag,
    },
    examples: [
      { line: "hold log build", says: "the whole story" },
      { line: "hold log build --follow --kind input,floor_changed", says: "who types, as they type" },
      { line: "hold log build --raw > build.out", says: "every byte that it printed" },
      { line: "hold log job --raw --stream stderr", says: "what a --pipes session said on one of its outputs" },
      { line: "hold log build --actor ana --json", says: "for a program" },
    ],
    see: ["journal"],
    load: () => import("../commands/log.ts"),
  }),
  command({
    path: ["export"],
    group: "reading",
    brief: "export a recording: asciicast or text",
    args: [session],
    flags: {
      format: {
        kind: "choice",
        of: ["asciicast", "asciicast-v3", "text"],
        brief: "asciicast (version 2), asciicast-v3, or text (default: asciicast)",
      },
      fromMirror: fromMirrorFlag,
      output: {
        kind: "text",
        short: "o",
        value: "FILE",
        complete: "file",
        brief: "write to FILE, readable by you alone, instead of standard output",
      },
      input: { kind: "bool", brief: "what was typed too, and by whom (secrets are never in it)" },
      markers: { kind: "bool", brief: "a marker at each command and each change of floor" },
      from: { kind: "number", value: "SEQ", brief: "from this position on" },
      to: { kind: "number", value: "SEQ", brief: "up to this position" },
      idle: { kind: "duration", brief: "shorten longer pauses to this" },
    },
    examples: [
      { line: "hold export build -o build.cast", says: "play it with asciinema" },
      { line: "hold export build --format text", says: "what it printed, without escapes" },
    ],
    see: ["recording"],
    load: () => import("../commands/export.ts"),
  }),
  command({
    path: ["redact"],
    group: "reading",
    brief: "take payloads out of a session's record; the chain stays whole",
    description:
      "Erases the bytes of the events named; who, when and how many stay, and so does the audit chain. It can't be undone.",
    args: [session],
    flags: {
      seq: { kind: "list", value: "SEQ", brief: "one event; may be repeated" },
      from: { kind: "number", value: "SEQ", brief: "a range, from here" },
      to: { kind: "number", value: "SEQ", brief: "to here" },
      match: { kind: "text", value: "TEXT", brief: "every output line that holds TEXT" },
      reason: { kind: "text", value: "WHY", brief: "kept in the record" },
      yes: { kind: "bool", short: "y", brief: "do not ask; needed where nobody can be asked" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold redact build --seq 118 --reason 'token pasted'", says: "one event" },
      { line: "hold redact build --match hunter2", says: "wherever it was printed" },
    ],
    see: ["recording", "journal"],
    load: () => import("../commands/redact.ts"),
  }),
  command({
    path: ["audit", "verify"],
    group: "reading",
    brief: "check the audit chain of all sessions",
    description:
      "Reads the journal folder itself, not the host: every record, link, payload and seal. Names the position of any flipped byte and any dropped, doubled or swapped record. What was cut off at the end, or put back to an older copy, is found by who has seen more of it: this user's clients, the relays that the host dials, and what --witness names. Exit 1 if anything is wrong. Of a host elsewhere (--host, a relay, a context) the files are not here: then that host reads its own and says what it found, and that its word is all there is.",
    flags: {
      witness: {
        kind: "list",
        value: "FILE|URL",
        complete: "file",
        brief: "heads that were kept (lines of `hold audit heads`, an export), or a relay that the host has joined",
      },
      fromMirror: fromMirrorFlag,
      json: jsonFlag,
    },
    examples: [
      { line: "hold audit verify", says: "takes about a second a GiB" },
      { line: "hold audit verify --witness heads.txt", says: "with heads that were kept on another machine" },
      { line: "hold audit verify --json", says: "one finding a line" },
    ],
    see: ["journal"],
    load: () => import("../commands/audit-verify.ts"),
  }),
  command({
    path: ["audit", "heads"],
    group: "reading",
    brief: "print the signed head of the host's record, to keep elsewhere",
    description:
      "One line: the host's id, the newest record's number, the time, the chain's value there, and the signature of the host's key. Kept on paper, in git or on another machine, it shows that nothing up to it was changed since: `hold audit verify --witness`. Clients and relays keep heads by themselves. Of a host behind a relay, what the relay has kept is compared too: exit 1 if the host contradicts it.",
    flags: { json: jsonFlag },
    examples: [
      { line: "hold audit heads >> heads.txt", says: "once a day, say" },
      { line: "hold --relay https://relay.example:7444 --host box audit heads", says: "and what the relay has kept of it" },
    ],
    see: ["journal"],
    load: () => import("../commands/audit-heads.ts"),
  }),
  command({
    path: ["audit", "accept"],
    group: "reading",
    brief: "take the host's record as it is, after a copy was put back on purpose",
    description:
      "A host whose home was restored from a copy has forgotten what came after it, and every client that has seen more says so at each command. This forgets what was seen from here and keeps the host's newest head in its place. Where you may administer the host, its own alarms are over too, and that is recorded. Other clients and relays each accept for themselves (`hold relay heads HOST --accept`).",
    flags: { yes: { kind: "bool", brief: "do not ask" }, json: jsonFlag },
    examples: [{ line: "hold audit accept", says: "asks first" }],
    see: ["journal"],
    load: () => import("../commands/audit-accept.ts"),
  }),
  command({
    path: ["audit", "show"],
    group: "reading",
    brief: "who did what, over all sessions",
    description:
      "Reads the journal's files on this machine, and needs no host for that. Of a host elsewhere (--host, a relay, a context) it is what that host sends to an auditor or an admin.",
    flags: {
      actor: { kind: "text", value: "OPERATOR", complete: "operator", brief: "only this operator" },
      since: { kind: "text", value: "WHEN", brief: "a duration back (2h) or a time (2026-01-31, ISO 8601)" },
      kind: { kind: "choices", of: kindWords, brief: "only events of these kinds" },
      fromMirror: fromMirrorFlag,
      json: jsonFlag,
    },
    examples: [
      { line: "hold audit show --actor ana --since 2h", says: "ana's last two hours, in all sessions" },
      { line: "hold --host box audit show --kind policy_loaded", says: "of another host" },
    ],
    see: ["journal"],
    load: () => import("../commands/audit-show.ts"),
  }),
  command({
    path: ["audit", "export"],
    group: "reading",
    brief: "export the audit record of all sessions as JSON lines, with its signed head",
    flags: {
      output: { kind: "text", short: "o", value: "FILE", complete: "file", brief: "write to FILE, readable by you alone" },
      since: { kind: "text", value: "WHEN", brief: "a duration back (30d) or a time (ISO 8601)" },
      fromMirror: fromMirrorFlag,
    },
    examples: [{ line: "hold audit export -o audit.jsonl", says: "the first line is the head: position, chain, signature, key" }],
    see: ["journal"],
    load: () => import("../commands/audit-export.ts"),
  }),
];
