/** Commands about what AIs may do: the policy, and what waits for a person's approval. */
import { deeds } from "@holdfast/sdk";
import { command, jsonFlag } from "./command.ts";

const request = { name: "ID", brief: "of the request, as `hold approvals` lists it; its beginning does" } as const;

export const policyCommands = [
  command({
    path: ["policy", "show"],
    group: "operators",
    brief: "what AIs may do: the policy in force",
    description:
      "Prints the text that is in force, and whether the file `policy.toml` in the host's home has changed since it was loaded: a change takes no effect before an admin loads it.",
    flags: { json: jsonFlag },
    examples: [{ line: "hold policy show", says: "the text; who loaded it and when on standard error" }],
    see: ["policy", "ai"],
    load: () => import("../commands/policy-show.ts"),
  }),
  command({
    path: ["policy", "check"],
    group: "operators",
    brief: "say what is wrong with a policy, and change nothing",
    args: [
      { name: "FILE", brief: "a file of this machine; absent: policy.toml of the host's home", optional: true, complete: "file" },
    ],
    flags: { json: jsonFlag },
    examples: [
      { line: "hold policy check policy.toml", says: "exit 1 if something is" },
      { line: "hold --host box policy check", says: "what a reload there would read, for an admin" },
    ],
    see: ["policy"],
    load: () => import("../commands/policy-check.ts"),
  }),
  command({
    path: ["policy", "try"],
    group: "operators",
    brief: "ask what a policy would say to something that an AI does",
    description:
      "Nothing is done, nobody is asked, and nothing is recorded. It is the policy in force, or the text of --file, which need not be. Exit 1 unless it is allowed.",
    args: [
      { name: "DEED", brief: "as the policy spells it", complete: deeds },
      { name: "LINE", brief: "of `run`: one command, as a shell reads it", optional: true },
    ],
    tail: { name: "CMD…", brief: "of `exec`: a program and its arguments" },
    flags: {
      file: { kind: "text", short: "f", value: "FILE", complete: "file", brief: "this text, of this machine" },
      session: {
        kind: "text",
        value: "SESSION",
        complete: "session",
        brief: "there; or a name that a session could have (default: one that no rule of its own is about)",
      },
      group: { kind: "text", value: "NAME", brief: "the group that the session would be of" },
      ai: { kind: "text", value: "OPERATOR", complete: "operator", brief: "by this AI: what its role leaves out is told too" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold policy try run 'git push' --session build", says: "allow, ask or deny, and where that is said" },
      { line: "hold policy try exec -f policy.toml -- rm -rf /srv", says: "of a text that is not in force" },
      { line: "hold policy try keys --ai bot", says: "whether bot may type" },
    ],
    see: ["policy"],
    load: () => import("../commands/policy-try.ts"),
  }),
  command({
    path: ["policy", "reload"],
    group: "operators",
    brief: "put policy.toml of the host's home in force",
    description:
      "An admin's, and never an AI's. From then on it holds for every AI, over restarts of the host too. What waits for approval was asked under other rules and is void.",
    flags: { json: jsonFlag },
    examples: [{ line: "hold policy reload", says: "all of it or, if something is wrong with it, nothing" }],
    see: ["policy"],
    load: () => import("../commands/policy-reload.ts"),
  }),
  command({
    path: ["policy", "edit"],
    group: "operators",
    brief: "write the policy in your editor, and put it in force",
    description:
      "An admin's. You edit a copy on this machine, of this host or of another one. What you leave the editor with is checked; if nothing is wrong with it and neither the file nor what is in force is another by then, it is the host's `policy.toml` and in force at once. Otherwise nothing changes there, you are told what is wrong or who was there first, and your text is kept.",
    flags: { from: { kind: "text", value: "FILE", complete: "file", brief: "begin with this text, and save it as it is too" } },
    examples: [
      { line: "EDITOR=vim hold policy edit", says: "with an example in it if there is none yet" },
      { line: "hold --host box policy edit", says: "of another host" },
      { line: "EDITOR=true hold policy edit --from policy.toml", says: "without an editor, from a script" },
    ],
    see: ["policy"],
    load: () => import("../commands/policy-edit.ts"),
  }),
  command({
    path: ["approvals", "ls"],
    group: "operators",
    brief: "what AIs have asked for and nobody has decided",
    description:
      "People who may approve see all of it, others the questions that they may answer and what they or AIs on their behalf have asked. `hold approvals` alone is the same.",
    flags: { json: jsonFlag },
    examples: [{ line: "hold approvals", says: "one line each, with the time that is left" }],
    see: ["policy"],
    load: () => import("../commands/approvals-ls.ts"),
  }),
  command({
    path: ["approvals", "show"],
    group: "operators",
    brief: "one request in full: exact bytes, directory, program, who, for whom",
    args: [request],
    flags: { json: jsonFlag },
    examples: [{ line: "hold approvals show k3j9", says: "everything outside of plain ASCII as an escape" }],
    see: ["policy"],
    load: () => import("../commands/approvals-show.ts"),
  }),
  command({
    path: ["approvals", "allow"],
    group: "operators",
    brief: "let an AI do, once, what it asks for",
    description:
      "A person's with the role approver or admin, other than the one for whom the AI acts, and with a key that a passphrase, a browser or a device keeps (`hold operator add NAME --role approver --passphrase`).",
    args: [request],
    flags: { json: jsonFlag },
    examples: [{ line: "hold --as ben approvals allow k3j9", says: "asks for the passphrase of ben's key" }],
    see: ["policy", "security"],
    load: () => import("../commands/approvals-allow.ts"),
  }),
  command({
    path: ["approvals", "deny"],
    group: "operators",
    brief: "refuse an AI what it asks for",
    args: [request],
    flags: { reason: { kind: "text", value: "TEXT", brief: "told to the AI, and recorded" }, json: jsonFlag },
    examples: [{ line: "hold --as ben approvals deny k3j9 --reason 'not on a Friday'", says: "nothing is done" }],
    see: ["policy"],
    load: () => import("../commands/approvals-deny.ts"),
  }),
  command({
    path: ["approvals", "answer"],
    group: "operators",
    brief: "answer an AI, or give a program the secret that it waits for",
    description:
      "Of whoever may type in the session, with any credential. TEXT is the answer, or the number of one of the options. A secret is asked for unseen, and typed as you into the program that waits for it: the AI is told that you gave it, and no record has it. `hold approvals deny` declines.",
    args: [request, { name: "TEXT", brief: "the answer, which is recorded; none for a secret", rest: true, optional: true }],
    flags: {
      take: { kind: "bool", brief: "take the floor instead, where the question offers that" },
      secretFd: { kind: "number", value: "N", min: 0, brief: "read a secret from this file descriptor" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold approvals answer k3j9 staging", says: "the AI is told so, and by whom" },
      { line: "hold approvals answer k3j9 2", says: "the second of the options" },
      { line: "hold approvals answer k3j9 --take", says: "you steer from now on" },
    ],
    see: ["policy", "ai"],
    load: () => import("../commands/approvals-answer.ts"),
  }),
  command({
    path: ["approvals", "watch"],
    group: "operators",
    brief: "print requests as they come, until Ctrl-C",
    flags: { json: jsonFlag },
    examples: [{ line: "hold --as ben approvals watch", says: "each in full" }],
    see: ["policy"],
    load: () => import("../commands/approvals-watch.ts"),
  }),
];
