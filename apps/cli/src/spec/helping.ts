/** Help, completion, version. */
import { command, jsonFlag } from "./command.ts";

export const helpCommands = [
  command({
    path: ["help"],
    group: "help",
    brief: "help on a command or a topic",
    args: [
      { name: "TOPIC", brief: "a command, or a topic; without it: all of them", optional: true, rest: true, complete: "topic" },
    ],
    flags: {},
    examples: [
      { line: "hold help attach", says: "the command, then the topic of that name" },
      { line: "hold help floor", says: "who steers, and how that changes" },
    ],
    load: () => import("../commands/help.ts"),
  }),
  command({
    path: ["completion"],
    group: "help",
    brief: "print the completion script for a shell",
    args: [{ name: "SHELL", brief: "bash, zsh or fish", complete: ["bash", "zsh", "fish"] }],
    flags: {},
    examples: [
      { line: "source <(hold completion bash)", says: "in ~/.bashrc" },
      { line: "hold completion zsh > ~/.zfunc/_hold", says: "with ~/.zfunc in $fpath" },
      { line: "hold completion fish > ~/.config/fish/completions/hold.fish", says: "once" },
    ],
    load: () => import("../commands/completion.ts"),
  }),
  command({
    path: ["version"],
    group: "help",
    brief: "versions of the command and of the host",
    flags: { json: jsonFlag },
    examples: [
      { line: "hold version --json", says: "both, as an object" },
      { line: "hold --version", says: "the command's alone" },
    ],
    load: () => import("../commands/version.ts"),
  }),
  command({
    path: ["complete-words"],
    group: "help",
    hidden: true,
    brief: "what may stand at the cursor (for completion scripts)",
    flags: {},
    tail: { name: "WORDS…", brief: "the words of the line up to the cursor" },
    examples: [{ line: "hold complete-words -- attach b", says: "one candidate a line" }],
    load: () => import("../commands/complete-words.ts"),
  }),
];
