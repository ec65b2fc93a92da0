/** What one event says in a timeline. Whatever a program or an operator wrote is shown exactly: no line can pass for another. */
import { type Event, type Exit, SessionState, shownExactly } from "@holdfast/sdk";
import type { Item } from "./item.ts";

export type Told = Pick<Item, "kind" | "text" | "tone" | "to">;

/** Null: nothing that a person would ask for (F4). */
export function textOf(event: Event): Told | null {
  const k = event.body?.kind;
  switch (k?.case) {
    case "opened":
      return { kind: "life", text: `Opened ${shown(k.value.name)} in ${shown(k.value.cwd)}` };
    case "started":
      return { kind: "life", text: `Started as pid ${k.value.pid}` };
    case "exited":
      return { kind: "life", text: exitText(k.value.exit), tone: k.value.exit?.code === 0 ? "good" : "bad" };
    case "ended":
      return k.value.state === SessionState.ENDED
        ? { kind: "life", text: `The session ended${because(k.value.reason)}` }
        : { kind: "life", text: `The session ${endWord(k.value.state)}${because(k.value.reason)}`, tone: "bad" };
    case "hostStarted":
      return { kind: "life", text: `The host started again, version ${shown(k.value.version)}` };
    case "renamed":
      return { kind: "life", text: `Renamed to ${shown(k.value.name)}` };
    case "removed":
      return { kind: "life", text: "Removed the record" };
    case "signalled":
      return { kind: "life", text: `Sent signal ${k.value.signal} to ${shown(k.value.target)}`, tone: "warn" };
    case "resized":
      return { kind: "size", text: `Resized to ${sizeText(k.value.size)}${k.value.pinned ? ", pinned" : ""}` };
    case "attached":
      return { kind: "people", text: attachedText(k.value), ...(k.value.plain ? { tone: "warn" } : {}) };
    case "detached":
      return { kind: "people", text: `Left${because(k.value.reason === "left" ? "" : k.value.reason)}` };
    case "floorChanged":
      return { kind: "floor", ...floorText(event.actor, k.value) };
    case "aiPaused":
      return { kind: "floor", text: k.value.paused ? "Paused what AIs type" : "Lets AIs type again" };
    case "approvalAsked":
      return { kind: "approval", text: `Asks: ${shown(k.value.what)}`, tone: "warn" };
    case "approvalDecided":
      return {
        ...{ kind: "approval", text: `${k.value.allowed ? "Allowed" : "Denied"} it${because(k.value.reason)}` },
        tone: k.value.allowed ? "good" : "bad",
      };
    case "approvalOver":
      return { kind: "approval", text: OUTCOMES[k.value.outcome] ?? `The request is ${shown(k.value.outcome)}` };
    case "fileUsed":
      return {
        kind: "file",
        text: `${k.value.op === "write" ? "Wrote" : "Read"} ${shown(k.value.path)}, ${k.value.bytes} bytes`,
      };
    case "portUsed":
      return {
        kind: "other",
        text: k.value.over ? `Left port ${k.value.port}` : `Went to port ${k.value.port} of ${shown(k.value.address)}`,
      };
    case "redacted":
      return {
        kind: "gap",
        text: `Redacted ${k.value.seqs.length === 1 ? "an entry" : `${k.value.seqs.length} entries`}${because(k.value.reason)}`,
        tone: "warn",
      };
    case "gap":
      return {
        kind: "gap",
        text: gapText(k.value),
        tone: "warn",
      };
    case "note":
      return { kind: "other", text: shown(k.value.text) };
    case "operatorChanged":
      return { kind: "other", text: `Operator ${shown(k.value.operator)} ${shown(k.value.change)}` };
    case "policyLoaded":
      return { kind: "other", text: k.value.saved ? "Saved another policy, which is in force" : "Loaded another policy" };
    case "headContradicted":
      return { kind: "other", text: `The record contradicts a head that ${shown(k.value.by)} has kept`, tone: "bad" };
    case "witnessAccepted":
      return { kind: "other", text: "Accepted that the record contradicts heads of before", tone: "warn" };
    default:
      return null;
  }
}

const shown = (text: string): string => shownExactly(new TextEncoder().encode(text));

const because = (reason: string): string => (reason ? ` (${shown(reason)})` : "");

const OUTCOMES: Readonly<Record<string, string>> = {
  used: "What was allowed was done",
  expired: "Nobody decided in time",
  answered: "Answered",
  handed: "Took the floor instead of an answer",
  denied: "Declined to answer",
};
const TOOK: Readonly<Record<string, string>> = {
  typed: "Took the floor by typing",
  taken: "Took the floor",
  moved: "Steers from another terminal now",
};
const FREED: Readonly<Record<string, string>> = {
  left: "who steered left",
  revoked: "who steered was revoked",
  ai_paused: "AIs are paused",
};

/** Whose doing it was is said beside it: a holder is named where that was another's. */
function floorText(actor: string, { holder, reason }: { holder: string; reason: string }): Pick<Told, "text" | "to"> {
  if (holder === "")
    return { text: reason === "released" ? "Released the floor" : `The floor is free${because(FREED[reason] ?? reason)}` };
  if (holder === actor) return { text: TOOK[reason] ?? `Took the floor${because(reason)}` };
  return { text: reason === "passed" ? "Passed the floor to" : `The floor${because(reason)} is with`, to: holder };
}

/** A range of the record that is not there. */
export function gapText({
  fromSeq,
  toSeq,
  reason,
}: {
  fromSeq: bigint | number;
  toSeq: bigint | number;
  reason: string;
}): string {
  const what = String(fromSeq) === String(toSeq) ? `Entry ${fromSeq} is` : `Entries ${fromSeq} to ${toSeq} are`;
  return `${what} not kept any more${because(reason)}`;
}

export const sizeText = (size: { readonly cols: number; readonly rows: number } | undefined): string =>
  size ? `${size.cols}×${size.rows}` : "a size that is not told";

const endWord = (state: SessionState): string => (state === SessionState.LOST ? "was lost" : "could not be started");

function exitText(exit: Exit | undefined): string {
  if (exit?.signal !== undefined) return `The program was ended by signal ${exit.signal}`;
  return exit?.code === undefined ? "The program ended, nobody saw how" : `The program ended with code ${exit.code}`;
}

function attachedText(a: { resumed: boolean; observing: boolean; client: string; carrier: string; plain: boolean }): string {
  const how = [a.observing ? "observing" : "", a.client ? `with ${shown(a.client)}` : "", a.plain ? "not end to end" : ""];
  return `${a.resumed ? "Came back" : "Attached"}${how
    .filter((word) => word !== "")
    .map((word) => `, ${word}`)
    .join("")}`;
}
