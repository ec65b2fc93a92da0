/**
 * What an AI asks for, as a person has to see it who decides: nothing of it can hide, and nothing can look like something else.
 *   A1  Everything that the AI chose is printable ASCII; what was not is an escape, and blanks in a row are counted (sdk shownExactly).
 *   A2  What is left out is said, with how much it is.
 */
import { type Approval, bytesOf, shownExactly } from "@holdfast/sdk";
import { formatDuration } from "../read/duration.ts";
import { iso } from "./time.ts";

/** Of new content and of an environment: what `show` prints. */
const MOST_CHARS = 100_000;

const exact = (text: string): string => shownExactly(bytesOf(text));

/** Each word by itself: quoted where a blank or a quote would make it read as several. */
export function argvText(argv: readonly string[]): string {
  return argv.map((arg) => (/^[\w./:=@%+,-]+$/.test(arg) ? arg : `"${exact(arg).replaceAll('"', '\\"')}"`)).join(" ");
}

/** In one line: what would be done. */
export function deedText(a: Approval): string {
  if (a.argv.length > 0) return argvText(a.argv);
  if (a.deed === "keys" || a.deed === "signals" || a.deed === "run")
    return a.deed === "run" ? exact(commandIn(a)) : a.data.length > 0 ? shownExactly(a.data) : exact(a.what);
  return exact(a.what);
}

/** The host's words for a command are its text with a few of its own in front; the exact bytes stand beside it. */
function commandIn({ what }: Approval): string {
  return what.slice(what.indexOf(": ") + 2);
}

export function leftText({ leftMs, state }: Approval): string {
  return state === "pending" ? formatDuration(Math.max(1_000, Math.floor(leftMs / 1_000) * 1_000)) : state;
}

/** Everything that it is bound to, in lines. */
export function approvalLines(a: Approval, nameOf: (id: string) => string): readonly (readonly [string, string])[] {
  const who = `${exact(a.actorName)} (AI)${a.onBehalfOf.length > 0 ? `, on behalf of ${a.onBehalfOf.map((id) => exact(nameOf(id))).join(", ")}` : ""}`;
  const isTyped = a.deed === "run" || a.deed === "keys" || a.deed === "signals";
  return [
    ["request", a.id],
    ["asks", who],
    ["for", `${a.deed}: ${isTyped || a.argv.length > 0 ? wordsOf(a) : exact(a.what)}`],
    ["command", a.argv.length > 0 ? argvText(a.argv) : a.deed === "run" ? exact(commandIn(a)) : ""],
    [isTyped ? "exact bytes" : "content", a.data.length > 0 ? cut(shownExactly(a.data), a) : ""],
    ["session", a.session ? `${exact(a.sessionName)} (${a.session}), floor epoch ${a.epoch}` : ""],
    ["directory", exact(a.cwd)],
    [
      "program",
      a.executable ? exact(a.executable) : isTyped && a.deed !== "run" ? "" : "not known: the shell's own, or found by no name",
    ],
    ...a.env.map((kv, i) => [i === 0 ? "environment" : "", exact(kv)] as const),
    ["left", leftText(a)],
    ["until", iso(a.expiresUnixMs) ?? ""],
    ["decided by", a.by ? exact(nameOf(a.by)) : ""],
    ["because", exact(a.reason)],
    ["hash", Buffer.from(a.binding).toString("hex")],
  ];
}

function wordsOf(a: Approval): string {
  switch (a.deed) {
    case "run":
      return "types a command into the session's shell";
    case "keys":
    case "signals":
      return exact(a.what);
    default:
      return exact(a.what);
  }
}

/** A2 */
function cut(text: string, { data, dataBytes }: Approval): string {
  const shown = text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text;
  const rest = dataBytes - data.length;
  return `${shown}${rest > 0 ? ` … and ${rest} bytes more that are not shown here` : ""} (${dataBytes} bytes)`;
}

export function approvalJson(a: Approval, nameOf: (id: string) => string): object {
  return {
    id: a.id,
    state: a.state,
    deed: a.deed,
    what: exact(a.what),
    command: a.argv.length > 0 ? argvText(a.argv) : a.deed === "run" ? exact(commandIn(a)) : null,
    argv: a.argv.length > 0 ? a.argv.map(exact) : null,
    bytes: a.data.length > 0 ? shownExactly(a.data) : null,
    bytesShown: a.data.length,
    bytesInAll: a.dataBytes,
    session: a.session,
    sessionName: a.sessionName || null,
    directory: exact(a.cwd),
    program: a.executable === null ? null : exact(a.executable),
    environment: a.env.length > 0 ? a.env.map(exact) : null,
    actor: a.actor,
    actorName: a.actorName,
    onBehalfOf: a.onBehalfOf.map((id) => ({ id, name: nameOf(id) })),
    epoch: a.epoch,
    askedAt: iso(a.askedUnixMs),
    expiresAt: iso(a.expiresUnixMs),
    leftMs: a.leftMs,
    by: a.by || null,
    reason: a.reason || null,
    mayDecide: a.mayDecide,
    hash: Buffer.from(a.binding).toString("hex"),
  };
}
