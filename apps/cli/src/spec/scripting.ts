/** Commands for scripts: run, exec, wait. */
import { command, jsonFlag, sessionArgument as session } from "./command.ts";

export const scriptingCommands = [
  command({
    path: ["run"],
    group: "scripting",
    brief: "type a command into a session's shell and wait for its end",
    description:
      "The command is typed at the shell's prompt, seen by everybody attached, and its output printed here. Exits with the command's own code; with 1 and a message when the shell ran nothing (`not_run`: a syntax error, only a comment) or did not tell the code (`code_unknown`), never with a guessed 0. One word after `--` is shell text, several are quoted one by one. Needs shell integration (bash, zsh, fish) and an empty line. When the link or the host ends meanwhile, it goes on by itself once a host is back: the command is typed once, its output whole. It gives up (exit 5, `unreachable`) after 10 minutes without one, or when --timeout has passed; the command runs on. In a kernel session it is code, `-` reads it from standard input: it waits its turn, its text is printed, pictures are drawn or kept in a file, and the exit code is 0, or 1 when it failed.",
    args: [session, { name: "CMD", brief: "words of the command", optional: true, rest: true }],
    flags: {
      timeout: { kind: "duration", brief: "give up waiting after this long (exit 124); the command runs on" },
      take: { kind: "bool", brief: "take the floor first, if it may be taken" },
      maxBytes: { kind: "number", value: "N", brief: "print at most so many bytes of output, head and tail" },
      json: jsonFlag,
    },
    tail: { name: "CMD…", brief: "the command" },
    examples: [
      { line: "hold run build -- make test", says: "words, quoted one by one" },
      { line: "hold run build -- 'cd src && ls | wc -l'", says: "one word: shell text, in the shell's own state" },
      { line: "hold run data -- 'df.describe()'", says: "code, in a kernel session" },
      { line: "hold run build --timeout 30s -- ./check.sh", says: "124 if it takes longer" },
    ],
    see: ["scripting", "kernels", "exit-codes"],
    load: () => import("../commands/run.ts"),
  }),
  command({
    path: ["exec"],
    group: "scripting",
    brief: "run a program beside a session's terminal",
    description:
      "Runs an argv with the directory of the session's shell as it is now and its environment as of the last prompt, with its own stdout and stderr: not one byte of it is on the shared screen. Exits with the program's code. It is a session of its own while it runs (`hold ls --exec` lists it), so it survives the host, and a `hold exec` that is killed; when --timeout has passed, or nobody reads its output any more (`| head`), it is ended. When the link or the host ends meanwhile, this goes on as `hold run` does.",
    args: [session, { name: "CMD", brief: "program and arguments", optional: true, rest: true }],
    flags: {
      stdin: { kind: "bool", short: "i", brief: "pass standard input on" },
      timeout: { kind: "duration", brief: "end it after this long (exit 124)" },
      json: jsonFlag,
    },
    tail: { name: "CMD…", brief: "the program and its arguments" },
    examples: [
      { line: "hold exec build -- git status --short", says: "where the session's shell is" },
      { line: "hold exec build -i -- sort < names", says: "with input from here" },
    ],
    see: ["scripting", "exit-codes"],
    load: () => import("../commands/exec.ts"),
  }),
  command({
    path: ["wait"],
    group: "scripting",
    brief: "wait until something happens in a session",
    description:
      "Waits for the first of the conditions given and says which fired. Waiting never touches the session, and giving up never ends it. Exit 0 when one fired; with --exit or --command the code is in the output, not in the exit code; 1 (`session_ended`) when the session ended and --exit was not asked for; 124 when the time ran out. When the link or the host ends meanwhile, it goes on as `hold run` does, and misses nothing that happened in between.",
    args: [session],
    flags: {
      exit: { kind: "bool", brief: "the session ends" },
      command: { kind: "bool", brief: "the command that runs now, or the next one, ends" },
      match: { kind: "text", value: "RE", brief: "a regular expression matches the output from now on" },
      idle: { kind: "duration", brief: "nothing was printed for this long" },
      inputNeeded: { kind: "bool", brief: "the program waits for input: a prompt, a password, a question" },
      timeout: { kind: "duration", brief: "give up after this long; 0s looks once" },
      fromSeq: { kind: "number", value: "SEQ", brief: "count what happened after this position too" },
      notify: { kind: "bool", brief: "ring the bell and notify the desktop when it fires" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold wait build --command --notify", says: "tells you when the build is done" },
      { line: "hold wait server --match 'listening on' --timeout 30s", says: "until it is up" },
      { line: "hold wait job --exit --json | jq .exit.code", says: "its exit code" },
    ],
    see: ["scripting"],
    load: () => import("../commands/wait.ts"),
  }),
];
