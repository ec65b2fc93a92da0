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
  command({
    path: ["cp"],
    group: "scripting",
    brief: "copy files from and to a session's machine",
    description:
      "One of FROM and TO is SESSION:PATH, or HOST/SESSION:PATH through a relay, with PATH absolute or from the session's directory of now; the other is of this machine, or `-`. A copy that was cut, or killed, goes on where it was when it is given again. At the end both machines compare the SHA-256 of the whole, and only then is the file put in its place. Modes are kept; links are left out of folders, and told. Who may type in the session may do it, and what was read or written stands in its record.",
    args: [
      { name: "FROM", brief: "the file or folder", complete: "place" },
      { name: "TO", brief: "where to; into a folder that is there", complete: "place" },
    ],
    flags: { recursive: { kind: "bool", short: "r", brief: "folders, with all below them" }, json: jsonFlag },
    examples: [
      { line: "hold cp build:dist/app.tar.gz .", says: "from where the session's shell is" },
      { line: "hold cp -r site box/web:/srv/site", says: "a folder, to a host behind a relay" },
      { line: "tar c src | hold cp - build:src.tar", says: "what comes on standard input" },
    ],
    see: ["forward", "session-files"],
    load: () => import("../commands/cp.ts"),
  }),
];
