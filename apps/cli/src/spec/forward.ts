/** Commands that reach what a session serves, and bring files to and fro. */
import { command, jsonFlag, sessionArgument as session } from "./command.ts";

export const forwardCommands = [
  command({
    path: ["forward"],
    group: "scripting",
    brief: "make ports of a session ports of this machine",
    description:
      "Listens on 127.0.0.1 and leads each connection to the port of the session, over whatever leads to its host, until Ctrl-C. LOCAL is the port here; without it the same number is taken, or any that is free where that is taken. When the link is cut the connections that are open end, and the next ones find it again. Only what a program of the session listens on is led to, by who may type in it, and an admin of the host has to have allowed it once (`host.forward`).",
    args: [session, { name: "PORT[:LOCAL]", brief: "of the session, and of this machine", rest: true, optional: true }],
    flags: { list: { kind: "bool", short: "l", brief: "only tell what the session listens on" }, json: jsonFlag },
    examples: [
      { line: "hold forward web 3000", says: "http://127.0.0.1:3000 here is port 3000 there" },
      { line: "hold forward box/web 3000:8080 5432", says: "two ports, one of them by another number, through a relay" },
      { line: "hold forward web --list --json", says: "what there is, one object a line" },
    ],
    see: ["forward"],
    load: () => import("../commands/forward.ts"),
  }),
  command({
    path: ["preview"],
    group: "scripting",
    brief: "open a port of a session in a browser, for one person",
    description:
      "Serves the port on this machine's loopback until Ctrl-C and prints a link. Who opens it first is let in, by a cookie; nobody else on the machine is, and no page of another origin. WebSockets come through. `hold forward` does the same without asking who comes, for every protocol.",
    args: [session, { name: "PORT", brief: "of the session; it speaks HTTP" }],
    flags: {
      local: { kind: "number", value: "PORT", brief: "port of this machine (default: any that is free)" },
      json: jsonFlag,
    },
    examples: [{ line: "hold preview web 5173", says: "prints http://preview-….localhost:…" }],
    see: ["forward"],
    load: () => import("../commands/preview.ts"),
  }),
];
