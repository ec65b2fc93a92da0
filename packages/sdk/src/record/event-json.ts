/** One event of a record for programs: plain JSON, the same from every client. Numbers for big integers, ISO 8601 for times, base64 for bytes, null for a text that nobody gave. */
import { type Event, type Exit, OperatorKind } from "@holdfast/protocol";
import type { AuditRecord } from "../api/index.ts";
import { base64 } from "../base64.ts";

const states: Readonly<Record<number, string>> = { 1: "running", 2: "ended", 3: "lost", 4: "failed" };
const sessionKinds: Readonly<Record<number, string>> = { 1: "pty", 2: "pipes", 3: "kernel" };
const operatorKinds: Readonly<Record<number, string>> = {
  [OperatorKind.HUMAN]: "human",
  [OperatorKind.SERVICE]: "service",
  [OperatorKind.AI]: "ai",
};
const modes: Readonly<Record<number, string>> = { 1: "turn", 2: "open" };
const inputs: Readonly<Record<number, string>> = { 1: "applied", 2: "refused", 3: "void", 4: "cut" };

export const stateWord = (n: number): string => states[n] ?? "unknown";
export const sessionKindWord = (n: number): string => sessionKinds[n] ?? "unknown";
export const floorModeWord = (n: number): string => modes[n] ?? "turn";
export const inputStatusWord = (n: number): string => inputs[n] ?? "unknown";

/** The generated code's `floorChanged` as `floor_changed`. */
export function kindWord(name: string | undefined): string {
  return (name ?? "unknown").replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
}

/** Output has no body on the wire. */
export const eventKind = (e: Event): string => (e.body ? kindWord(e.body.kind?.case) : "output");

export const exitJson = (e: Exit | undefined) =>
  e
    ? {
        code: e.code ?? null,
        signal: e.signal ?? null,
        core: e.core,
        reason: e.reason || null,
        at: iso(e.atUnixMs),
        userUs: Number(e.userUs),
        systemUs: Number(e.systemUs),
        maxRssKib: Number(e.maxRssKib),
      }
    : null;

export function eventJson(e: Event): Record<string, unknown> {
  const text = textIn(e.data);
  return {
    seq: Number(e.seq),
    at: iso(e.atUnixMs),
    actor: e.actor,
    via: e.via || null,
    kind: eventKind(e),
    ...(eventKind(e) === "output" ? { stream: e.stream, offset: Number(e.offset) } : {}),
    ...(e.payloadBytes > 0 || e.data.length > 0 ? { bytes: e.payloadBytes || e.data.length } : {}),
    ...(e.payload ? { payload: e.payload } : text !== null ? { text } : e.data.length > 0 ? { data: base64(e.data) } : {}),
    ...words(e),
  };
}

/** One record of the audit, as a line of `hold audit export`. `name`: of its session, where that is known. */
export function auditJson(
  r: Pick<AuditRecord, "lsn" | "session" | "event" | "own"> & { readonly gap?: Omit<NonNullable<AuditRecord["gap"]>, "reason"> },
  name: string | null,
): Record<string, unknown> {
  if (r.gap) return { kind: "gap", fromLsn: r.gap.fromLsn, toLsn: r.gap.toLsn };
  const about = { session: r.session, name, lsn: r.lsn };
  return r.event ? { ...about, ...eventJson(r.event) } : { ...about, kind: "journal", ...(r.own as object | null) };
}

function words(e: Event): Record<string, unknown> {
  const kind = e.body?.kind;
  const body = (plain(kind?.value) ?? {}) as Record<string, unknown>;
  if (kind?.case === "inputSettled") body["status"] = inputStatusWord(kind.value.status);
  if (kind?.case === "ended") body["state"] = stateWord(kind.value.state);
  if (kind?.case === "exited") body["exit"] = exitJson(kind.value.exit);
  if (kind?.case === "attached") {
    delete body["plain"];
    body["e2e"] = !kind.value.plain;
  }
  if (kind?.case === "kernelAsked") {
    const { options } = kind.value;
    delete body["kind"];
    body["operatorKind"] = operatorKinds[kind.value.kind] ?? "unknown";
    body["options"] = options
      ? { ...(body["options"] as object), metadata: JSON.parse(textIn(options.metadata) ?? "{}") as unknown }
      : null;
  }
  if (kind?.case === "opened") {
    delete body["nonce"];
    body["sessionKind"] = sessionKindWord(kind.value.sessionKind);
    body["floorMode"] = floorModeWord(kind.value.floorMode);
    body["pinnedSize"] = kind.value.pinnedSize.length > 0;
  }
  return body;
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value === "") return null;
  if (value instanceof Uint8Array) return base64(value);
  if (Array.isArray(value)) return value.map((v) => (v === "" ? v : plain(v)));
  if (value === null || typeof value !== "object") return value;
  const kept: Record<string, unknown> = {};
  for (const [key, v] of Object.entries(value)) {
    if (key.startsWith("$") || v === undefined) continue;
    if (key.endsWith("UnixMs")) kept[`${key.slice(0, -6)}At`] = iso(v as bigint);
    else kept[key] = plain(v);
  }
  return kept;
}

function iso(ms: number | bigint): string | null {
  const n = Number(ms);
  return n > 0 ? new Date(n).toISOString() : null;
}

/** Null: it is none, or not exactly. */
function textIn(data: Uint8Array): string | null {
  if (data.length === 0) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return null;
  }
}
