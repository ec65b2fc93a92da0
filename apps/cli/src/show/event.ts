/** One event of a journal, for programs and for people: what happened, in a line that can't be forged by what was typed or printed. */
import { escapeBytes, escapeText, type Event, inputStatusWord, OperatorKind, stateWord } from "@holdfast/sdk";
import { formatDuration } from "../read/duration.ts";
import { signalName } from "../read/signal.ts";
import { commandText } from "./session.ts";
import { cutTo } from "./width.ts";
import { exitText } from "./words.ts";

function payloadText(e: Event, width: number): string {
  if (e.payload) return `(${e.payloadBytes} bytes, ${escapeText(e.payload)})`;
  return cutTo(escapeBytes(e.data.subarray(0, 2048)), Math.max(20, width));
}

/** Output as a person reads it in a list: without escape sequences, and without the line end that it closes with. */
export function printedText(data: Uint8Array): string {
  const text = new TextDecoder().decode(data.subarray(0, 4096));
  return text
    .replace(sequences, "")
    .replace(/[\r\n\s]+$/, "")
    .replace(/\r+\n/g, "\n");
}
const sequences = /\x1b(?:\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|[\x20-\x2f]*[\x30-\x7e])/g;

/** What happened, in words. `width`: columns for payload text. */
export function eventText(e: Event, width = 120): string {
  const k = e.body?.kind;
  const t = escapeText;
  if (!e.body)
    return `printed${e.stream === 2 ? " (stderr)" : ""} ${e.payload ? payloadText(e, width) : cutTo(escapeText(printedText(e.data)), Math.max(20, width))}`;
  switch (k?.case) {
    case "opened":
      return `opened ${t(k.value.name)} in ${t(k.value.cwd)}: ${k.value.kernel ? `kernel ${t(k.value.kernel)}` : t(k.value.command.length > 0 ? commandText(k.value.command) : k.value.shell || "the shell")}`;
    case "started":
      return `started as pid ${k.value.pid}`;
    case "input":
      if (k.value.message)
        return `said to the kernel: ${e.payloadBytes || e.data.length} bytes (${t(k.value.message.slice(0, 14))})`;
      return `${k.value.interrupt ? "interrupted with" : k.value.eof ? "closed the input" : "typed"} ${k.value.eof ? "" : payloadText(e, width)}${k.value.unit ? " (part of a paste)" : ""}`.trimEnd();
    case "inputSettled": {
      const status = inputStatusWord(k.value.status);
      const what = status === "cut" ? `cut after ${k.value.bytes} bytes` : status;
      return `input ${k.value.inputSeq} ${what}${k.value.secret ? ", secret: not kept" : ""}${k.value.refusal ? `: ${t(k.value.refusal)}` : ""}`;
    }
    case "resizeAsked":
      return `asked for ${k.value.size?.cols ?? "?"}x${k.value.size?.rows ?? "?"}${k.value.pinned ? " (pinned)" : ""}`;
    case "resized":
      return `resized to ${k.value.size?.cols ?? "?"}x${k.value.size?.rows ?? "?"}${k.value.pinned ? " (pinned)" : ""}`;
    case "signalled":
      return `sent ${signalName(k.value.signal)} to ${t(k.value.target)}`;
    case "attached":
      return `${k.value.resumed ? "came back" : "attached"}${k.value.observing ? ", observing" : ""}${k.value.client ? ` with ${t(k.value.client)}` : ""}${k.value.carrier && k.value.carrier !== "unix" ? ` over ${t(k.value.carrier)}` : ""}${k.value.plain ? ", not end to end (e2e=false)" : ""}`;
    case "detached":
      return `detached${k.value.reason ? ` (${t(k.value.reason)})` : ""}`;
    case "floorChanged":
      return k.value.holder
        ? `floor to ${t(k.value.holder)}${k.value.from ? ` from ${t(k.value.from)}` : ""} (${t(k.value.reason)}, epoch ${k.value.epoch})`
        : `floor is free (${t(k.value.reason)})`;
    case "aiPaused":
      return k.value.paused ? "paused AI input" : "let AI input again";
    case "commandStarted":
      return `ran ${t(k.value.text)}`;
    case "commandEnded":
      return k.value.code === undefined ? "command ended, code unknown" : `command ended with ${k.value.code}`;
    case "exited":
      return `program ended: ${t(exitText(k.value.exit))}${k.value.exit ? `, ${formatDuration(Number(k.value.exit.userUs + k.value.exit.systemUs) / 1000)} of CPU` : ""}`;
    case "closed":
      return `stream ${k.value.stream} closed at ${k.value.end}`;
    case "ended":
      return `session ${stateWord(k.value.state)}${k.value.reason ? `: ${t(k.value.reason)}` : ""}`;
    case "renamed":
      return `renamed to ${t(k.value.name)}`;
    case "redacted":
      return `redacted ${k.value.seqs.length} payload${k.value.seqs.length === 1 ? "" : "s"}${k.value.reason ? `: ${t(k.value.reason)}` : ""}`;
    case "gap":
      return `gap: ${k.value.fromSeq} to ${k.value.toSeq} is no longer kept (${t(k.value.reason)})`;
    case "note":
      return t(k.value.text);
    case "operatorChanged":
      return `operator ${t(k.value.operator)} ${t(k.value.change)}${k.value.detail ? `: ${t(k.value.detail)}` : ""}`;
    case "hostStarted":
      return `host ${t(k.value.version)} started as pid ${k.value.pid}`;
    case "replyWritten":
      return "answered a terminal query";
    case "fileUsed":
      return `${k.value.op === "write" ? "wrote" : "read"} the file ${t(k.value.path)} (${k.value.bytes} bytes)`;
    case "approvalAsked":
      if (k.value.deed === "question" || k.value.deed === "secret")
        return `asks people ${k.value.deed === "secret" ? "for a secret " : ""}(${t(k.value.approval)}): "${t(cutTo(k.value.what, Math.max(20, width)))}"`;
      return `asks for approval ${t(k.value.approval)} of ${t(k.value.deed)}: ${t(cutTo(k.value.what, Math.max(20, width)))}${k.value.onBehalfOf.length > 0 ? ` (for ${k.value.onBehalfOf.map(t).join(", ")})` : ""}`;
    case "approvalDecided":
      return `${k.value.allowed ? "allowed" : "denied"} approval ${t(k.value.approval)}${k.value.reason ? `: ${t(k.value.reason)}` : ""}`;
    case "approvalOver":
      return `approval ${t(k.value.approval)} is ${t(k.value.outcome)}${k.value.reason ? `: ${t(k.value.reason)}` : ""}`;
    case "policyLoaded":
      return `${k.value.saved ? "saved and " : ""}loaded the policy ${Buffer.from(k.value.sha256).toString("hex").slice(0, 16)} (${k.value.bytes} bytes)`;
    case "portUsed":
      return k.value.over
        ? `was at port ${k.value.port}: ${k.value.connections} connection${k.value.connections === 1 ? "" : "s"}, ${k.value.toPort} bytes there and ${k.value.fromPort} back`
        : `goes to port ${k.value.port} of ${t(k.value.address)}`;
    case "headContradicted":
      return `the record contradicts a head that ${t(k.value.by)} has kept (${t(k.value.found)}): record ${k.value.lsn}, and it ended at ${k.value.lastLsn} then`;
    case "witnessAccepted":
      return `accepted that the record contradicts heads of before (${k.value.alarms} alarm${k.value.alarms === 1 ? "" : "s"})`;
    case "kernelAsked":
      return `asked as ${t(k.value.name)}${k.value.kind === OperatorKind.AI ? " (ai)" : ""} to run ${payloadText(e, width)} (run ${t(k.value.run.slice(0, 8))})`;
    case "bridgeEnded":
      return "the bridge to the kernel ended by itself, and is started again";
    case "kernelOver":
      return `run ${t(k.value.run.slice(0, 8))} was ${t(k.value.outcome)}${k.value.because ? `: ${t(k.value.because)}` : ""}`;
    case "removed":
      return "removed the session";
    default:
      return "an event that this version does not know; upgrade hold to read it";
  }
}
