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
  return isQuestion(a) ? `"${exact(a.what)}"` : exact(a.what);
}

function isQuestion({ deed }: Approval): boolean {
  return deed === "question" || deed === "secret";
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
  if (isQuestion(a)) return questionLines(a, nameOf);
  const isTyped = a.deed === "run" || a.deed === "keys" || a.deed === "signals";
  return [
    ["request", a.id],
    ["asks", whoAsks(a, nameOf)],
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

function whoAsks(a: Approval, nameOf: (id: string) => string): string {
  const of = a.onBehalfOf.map((id) => exact(nameOf(id))).join(", ");
  return `${exact(a.actorName)} (AI)${of === "" ? "" : `, on behalf of ${of}`}`;
}

/** The AI's words and what a program printed stand in quotes; nothing else here is theirs. */
function questionLines(a: Approval, nameOf: (id: string) => string): readonly (readonly [string, string])[] {
  const isPending = a.state === "pending";
  const how =
    a.deed === "secret"
      ? `hold approvals answer ${a.id}, which asks for it unseen; or type it at the prompt`
      : `hold approvals answer ${a.id} TEXT${a.handoff ? ", or --take: the AI offers you the floor" : ""}`;
  return [
    ["request", a.id],
    ["asks", whoAsks(a, nameOf)],
    [a.deed === "secret" ? "for a secret" : "its words", `"${exact(a.what)}"`],
    ...a.options.map((option, i) => [i === 0 ? "it offers" : "", `${i + 1}  "${exact(option)}"`] as const),
    ["read by", a.reads === null ? "" : exact(a.reads)],
    ["session", `${exact(a.sessionName)} (${a.session})`],
    ["to answer", isPending ? how : ""],
    ["left", leftText(a)],
    ["until", iso(a.expiresUnixMs) ?? ""],
    ["answered by", a.by ? exact(nameOf(a.by)) : ""],
    ["answer", exact(a.reason)],
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
    options: isQuestion(a) ? a.options.map(exact) : null,
    handoff: isQuestion(a) ? a.handoff : null,
    readBy: a.reads === null ? null : exact(a.reads),
    hash: Buffer.from(a.binding).toString("hex"),
  };
}
