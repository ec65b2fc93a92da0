/** Jupyter's ids are UUIDs. Ours follow from the session's id, so that they are the same in every life of the host. */
import { createHash } from "node:crypto";

export type Sort = "kernel" | "document";

/** A UUID of version 8 (RFC 9562 §5.8). */
export function uuidOf(sort: Sort, session: string): string {
  const bytes = createHash("sha256").update(`jupyter/${sort}/${session}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
