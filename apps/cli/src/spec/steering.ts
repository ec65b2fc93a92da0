/** Commands that steer: the floor, and input without an attachment. */
import { command, jsonFlag, sessionArgument as session } from "./command.ts";

const floorVerb = (verb: "take" | "release", brief: string, example: string) =>
  command({
    path: [verb],
    group: "steering",
    brief,
    args: [session],
    flags: { json: jsonFlag },
    examples: [{ line: `hold ${verb} build`, says: example }],
    see: ["floor"],
    load: () => import("../commands/floor.ts").then((m) => m.verb(verb)),
  });
const aiVerb = (verb: "pause" | "resume", brief: string, example: string) =>
  command({
    path: ["ai", verb],
    group: "steering",
    brief,
    args: [session],
    flags: { json: jsonFlag },
    examples: [{ line: `hold ai ${verb} build`, says: example }],
    see: ["floor"],
    load: () => import("../commands/floor.ts").then((m) => m.verb(verb === "pause" ? "ai_pause" : "ai_resume")),
  });

export const steeringCommands = [
  floorVerb(
    "take",
    "take the floor: steer from now on",
    "a person takes it from an AI or a service at once; between equals it is asked for",
  ),
  floorVerb("release", "give the floor back", "anybody may take it now"),
  command({
    path: ["pass"],
    group: "steering",
    brief: "pass the floor to another operator",
    args: [session, { name: "OPERATOR", brief: "name or id", complete: "operator" }],
    flags: { json: jsonFlag },
    examples: [{ line: "hold pass build ana", says: "ana steers now" }],
    see: ["floor"],
    load: () => import("../commands/floor.ts").then((m) => m.verb("pass")),
  }),
  aiVerb(
    "pause",
    "refuse all input of AI operators",
    "whatever carrier it comes over; what of theirs waits is dropped and reported",
  ),
  aiVerb("resume", "let AI operators type again", "they may take a free floor again"),
  command({
    path: ["send"],
    group: "steering",
    brief: "send one input to a session",
    description:
      "Sends text, keys or standard input as one atomic frame: nobody else's input comes in between. Text is sent as it is; --enter adds Enter (a line feed, where the session has no terminal), --key adds keys by name, in this order: text, keys, Enter.",
    args: [session, { name: "TEXT", brief: "text to send", optional: true, rest: true }],
    flags: {
      enter: { kind: "bool", short: "e", brief: "press Enter at the end" },
      key: {
        kind: "list",
        short: "k",
        value: "KEY",
        complete: "key",
        brief: "a key by name: C-c, Enter, Up, F5, M-x; may be repeated",
      },
      stdin: { kind: "bool", brief: "send what comes on standard input" },
      paste: { kind: "bool", brief: "as a paste: bracketed where the program asked for it, control characters taken out" },
      eof: { kind: "bool", brief: "close the standard input of a --pipes session" },
      take: { kind: "bool", brief: "take the floor first, if it may be taken" },
      durable: { kind: "bool", brief: "return when the input is on the disk" },
      json: jsonFlag,
    },
    tail: { name: "TEXT…", brief: "text that begins with a dash" },
    examples: [
      { line: "hold send build 'make test' --enter", says: "types a line" },
      { line: "hold send build --key C-c", says: "interrupts, ahead of what is queued" },
      { line: "hold send repl --stdin --paste < snippet.py", says: "pastes a file" },
    ],
    see: ["scripting", "floor"],
    load: () => import("../commands/send.ts"),
  }),
];
