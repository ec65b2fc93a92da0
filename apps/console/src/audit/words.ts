/** What one record of a host says, in a line. Whatever a program or an operator wrote is shown exactly. */
import { type AuditRecord, type Event, eventKind, inputStatusWord, shownExactly } from "@holdfast/sdk";
import { sizeText, textOf } from "../timeline/words.ts";

export interface Said {
  readonly text: string;
  readonly tone?: "good" | "warn" | "bad";
  /** Operator id: whom the text leads to, said after it. */
  readonly to?: string;
}

export const groups = {
  deeds: { name: "All but what was printed", kinds: [] },
  commands: { name: "Commands", kinds: ["command_started", "command_ended"] },
  typed: { name: "Typed", kinds: ["input"] },
  people: { name: "Who came and left", kinds: ["attached", "detached"] },
  floor: { name: "Floor", kinds: ["floor_changed", "ai_paused"] },
  approvals: { name: "Approvals", kinds: ["approval_asked", "approval_decided", "approval_over"] },
  rights: { name: "Operators and policy", kinds: ["operator_changed", "policy_loaded"] },
  files: { name: "Files and ports", kinds: ["file_used", "port_used"] },
  life: {
    name: "Begin and end",
    kinds: ["opened", "started", "signalled", "exited", "closed", "ended", "renamed", "removed", "host_started"],
  },
  record: {
    name: "The record itself",
    kinds: ["journal", "gap", "redacted", "note", "head_contradicted", "witness_accepted"],
  },
  printed: { name: "Printed", kinds: ["output", "reply_written"] },
} as const satisfies Record<string, { readonly name: string; readonly kinds: readonly string[] }>;
export type Group = keyof typeof groups;

export function saidBy({ event, own, gap }: AuditRecord): Said {
  if (gap) {
    const range = gap.fromLsn === gap.toLsn ? `Record ${gap.toLsn} is` : `Records ${gap.fromLsn} to ${gap.toLsn} are`;
    return gap.reason === "pruned"
      ? { text: `${range} no longer kept` }
      : { text: `${range} damaged or missing: verify says where`, tone: "bad" };
  }
  return event ? eventText(event) : ownText(own);
}

function eventText(event: Event): Said {
  const k = event.body?.kind;
  const payload = event.payload === "" ? shownExactly(event.data) : `${event.payloadBytes} bytes, ${event.payload}`;
  const more = event.payload === "" && event.payloadBytes > event.data.length ? ` … of ${event.payloadBytes} bytes` : "";
  if (!event.body) return { text: `Printed ${payload}${more}` };
  switch (k?.case) {
    case "input":
      return { text: k.value.eof ? "Closed the input" : `${k.value.interrupt ? "Interrupted with" : "Typed"} ${payload}${more}` };
    case "inputSettled": {
      const status = inputStatusWord(k.value.status);
      return status === "applied"
        ? { text: "What was typed has arrived" }
        : {
            text: status === "cut" ? `What was typed was cut after ${k.value.bytes} bytes` : `What was typed is ${status}`,
            tone: "warn",
          };
    }
    case "resizeAsked":
      return { text: `Asked for ${sizeText(k.value.size)}${k.value.pinned ? ", pinned" : ""}` };
    case "closed":
      return { text: "Its output ended" };
    case "replyWritten":
      return { text: `The terminal answered ${payload}` };
    case "commandStarted":
      return { text: `Ran ${shown(k.value.text)}` };
    case "commandEnded":
      return k.value.code === undefined
        ? { text: "The command ended, its exit is not known" }
        : { text: `The command ended with ${k.value.code}`, tone: k.value.code === 0 ? "good" : "bad" };
    default: {
      const told = textOf(event);
      if (!told) return { text: eventKind(event).replaceAll("_", " ") };
      const { text, tone, to } = told;
      return { text, ...(tone ? { tone } : {}), ...(to ? { to } : {}) };
    }
  }
}

/** What the journal says of itself (docs/journal.md). */
function ownText(own: unknown): Said {
  const o = own as Readonly<Record<string, unknown>> | null;
  const t = (key: string): string => shown(String(o?.[key] ?? "?"));
  switch (o?.["type"]) {
    case "opened":
      return { text: `The journal was opened, by life ${t("life")} of the host` };
    case "recovered":
      return {
        text: `${t("droppedBytes")} bytes at the end of ${t("file")} were not whole, and are kept as ${t("keptAs")}`,
        tone: "warn",
      };
    case "damaged":
      return { text: `The journal is damaged before record ${t("beforeLsn")}: verify says where`, tone: "bad" };
    case "quarantined":
      return { text: `${t("file")} was put aside: ${t("why")}`, tone: "warn" };
    case "erased":
      return { text: `Payloads were erased: ${shown(JSON.stringify(o["seqs"] ?? []))} of ${t("session")}`, tone: "warn" };
    case "pruned-payload":
      return { text: `Output ${t("fromSeq")} to ${t("toSeq")} of ${t("session")} is no longer kept` };
    case "pruned-records":
      return { text: `Records up to ${t("throughLsn")} are no longer kept` };
    case "removed":
      return { text: `What was kept of ${t("session")} was removed`, tone: "warn" };
    case "rewritten":
      return { text: `Records ${t("fromLsn")} to ${t("toLsn")} were written anew: ${t("why")}`, tone: "warn" };
    case "frozen":
      return { text: `The journal could not be written: ${t("why")}`, tone: "bad" };
    case "thawed":
      return { text: "The journal is written again" };
    default:
      return { text: shown(JSON.stringify(own)) };
  }
}

const shown = (text: string): string => shownExactly(new TextEncoder().encode(text));
