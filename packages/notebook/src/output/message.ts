/** A kernel's message as it came: parsed, and otherwise not to be trusted. Read it with `parseJson`, so that numbers stay. */
import { isObject, type Json, type JsonObject } from "../json/index.ts";

/** From IOPub, or the reply from shell. Other keys of a message don't matter here. */
export interface KernelMessage {
  /** `msg_type` and `date` (ISO 8601) count. */
  readonly header: JsonObject;
  /** `msg_id` tells whose run this belongs to. */
  readonly parent_header: JsonObject;
  readonly content: JsonObject;
}

export function textOf(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

export function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** Where a display can be found again, in the session and never in a file. */
export function displayIdOf(content: JsonObject): string | null {
  return textOf(objectOf(content["transient"])["display_id"]) || null;
}

export function countOf(value: Json | undefined): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** When a message was made, as nbclient writes it: UTC to the microsecond, `2026-11-28T13:12:38.123456Z`. Null if it doesn't say. */
export function timeOf(message: KernelMessage): string | null {
  const date = textOf(message.header["date"]);
  const parts = date && /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):?(\d\d))?$/.exec(date);
  if (!parts) return null;
  const [, day, clock, fraction = "", sign, hours, minutes] = parts;
  const away = (sign === "-" ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0));
  const atMs = Date.parse(`${day}T${clock}Z`) - away * 60_000;
  if (Number.isNaN(atMs)) return null;
  return `${new Date(atMs).toISOString().slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, "0")}Z`;
}
