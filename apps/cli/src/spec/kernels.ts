/** Kernels: sessions that run code cell by cell. */
import { command, jsonFlag } from "./command.ts";

const session = { name: "SESSION", brief: "name or id of a kernel session", complete: "session" } as const;

export const kernelCommands = [
  command({
    path: ["kernel", "ls"],
    group: "sessions",
    brief: "list the Jupyter kernels that can be opened on the host",
    description:
      "Kernelspecs are found where Jupyter looks for them: JUPYTER_PATH, your own data folder, the active environment, /usr/local/share and /usr/share. One that can't be used is shown with what is wrong with it. `hold ls` lists the sessions.",
    flags: { json: { kind: "bool", brief: "one JSON object a line" } },
    examples: [
      { line: "hold kernel ls", says: "what can be opened" },
      { line: "hold new data --kernel python3", says: "open one" },
    ],
    see: ["kernels"],
    load: () => import("../commands/kernel-ls.ts"),
  }),
  command({
    path: ["kernel", "show"],
    group: "sessions",
    brief: "show a kernel: its state, what runs and waits and who asked, and its question",
    args: [session],
    flags: { json: { kind: "bool", brief: "one JSON object" } },
    examples: [{ line: "hold kernel show data", says: "its queue, with ids for `hold kernel cancel`" }],
    see: ["kernels"],
    load: () => import("../commands/kernel-show.ts"),
  }),
  command({
    path: ["kernel", "interrupt"],
    group: "sessions",
    brief: "stop what a kernel runs, and keep its variables",
    description:
      "As its kernelspec says, by a signal or by a message. A signal ends some kernels, and everything that they hold with them; to a kernel of which nobody knows that it stays, nothing is sent without --confirm.",
    args: [session],
    flags: {
      confirm: { kind: "bool", brief: "also if it may end the kernel" },
      mode: { kind: "choice", of: ["signal", "message"], brief: "another way than its kernelspec says" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold kernel interrupt data", says: "a KeyboardInterrupt, in Python" },
      { line: "hold kernel interrupt js --confirm", says: "one that may not outlive it" },
    ],
    see: ["kernels"],
    load: () => import("../commands/kernel-interrupt.ts"),
  }),
  command({
    path: ["kernel", "restart"],
    group: "sessions",
    brief: "end a kernel and start it anew, with an empty heap",
    description:
      "The session stays, with its name, its record and who is attached. What waits in the queue was meant for the variables that are gone, and is not run. Also starts a kernel that has died.",
    args: [session],
    flags: { json: jsonFlag },
    examples: [{ line: "hold kernel restart data", says: "resolves when it is ready again" }],
    see: ["kernels"],
    load: () => import("../commands/kernel-restart.ts"),
  }),
  command({
    path: ["kernel", "cancel"],
    group: "sessions",
    brief: "take a run out of a kernel's queue",
    args: [
      session,
      {
        name: "RUN",
        brief: "its id, or the beginning of it, as `hold kernel show` prints them; default: all of yours",
        optional: true,
      },
    ],
    flags: { json: jsonFlag },
    examples: [
      { line: "hold kernel cancel data 6f1c", says: "one that waits" },
      { line: "hold kernel cancel data", says: "all of yours that wait" },
    ],
    see: ["kernels"],
    load: () => import("../commands/kernel-cancel.ts"),
  }),
  command({
    path: ["kernel", "reply"],
    group: "sessions",
    brief: "answer what a kernel asks with input()",
    description:
      "A prompt is the session's: whoever may type answers it, also when who ran the code has gone. One that asks for a password is answered unseen, and its answer is erased from the record once the kernel has it.",
    args: [session, { name: "TEXT", brief: "the answer; default: asked for, or a line of standard input", optional: true }],
    flags: { json: jsonFlag },
    examples: [
      { line: "hold kernel reply data yes", says: "in one go" },
      { line: "hold kernel reply data", says: "shows what it asks, and reads the answer" },
    ],
    see: ["kernels"],
    load: () => import("../commands/kernel-reply.ts"),
  }),
  command({
    path: ["kernel", "serve"],
    group: "sessions",
    brief: "offer the host's kernels to Jupyter's clients: JupyterLab, Notebook, VS Code",
    description:
      "Opens an endpoint on the host's own machine that speaks as a Jupyter server does, and prints its address with a token of yours. Every kernel session of the host is there, and what a client opens there is a session as any other: it outlives the client and the host. The token is for an hour from its last use and for this endpoint alone; whoever has it acts as you. Later lives of the host open it again.",
    flags: {
      listen: { kind: "text", value: "ADDRESS:PORT", brief: "where, on the loopback (default 127.0.0.1:7435)" },
      root: { kind: "text", value: "DIR", brief: "folder that kernels begin in, on the host's machine" },
      off: { kind: "bool", brief: "close it, and void every token" },
      json: { kind: "bool", brief: "one JSON object" },
    },
    examples: [
      { line: "hold kernel serve", says: "the address, a token, and the steps for each client" },
      { line: "hold kernel serve --root ~/work", says: "new kernels begin there" },
      { line: "hold kernel serve --off", says: "nobody is there any more" },
    ],
    see: ["kernels"],
    load: () => import("../commands/kernel-serve.ts"),
  }),
];
