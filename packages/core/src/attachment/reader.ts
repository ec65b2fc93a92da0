/**
 * Reader: the host's side of one attachment's cursor. It decides what to do next for a client that reads at its own pace;
 * the host does it.
 *
 *   R1  A reader at cursor c receives c+1, c+2, … or one announced gap, or (mode `snapshot`) a snapshot as of a later seq; never silence.
 *       So the cursor never goes back: a snapshot that is older than what was sent is waited for, not sent.
 *   R2  Unapplied bytes never exceed the window by more than one event or one snapshot.
 *   R3  One more than `behindBytes` behind, in mode `snapshot`, jumps; in mode `replay`, never.
 *   R4  A reader holds no bytes: what it has not sent is in the journal.
 */
import { invariant } from "@holdfast/protocol";
import type { Offset, Seq } from "../id.ts";

export interface Reader {
  readonly mode: "snapshot" | "replay";
  readonly cursor: Seq;
  /** Output offset (all streams together) that the cursor stands at. */
  readonly position: Offset;
  readonly window: number;
  /** Bytes sent and bytes that the client said it has applied, both since it attached. */
  readonly sent: number;
  readonly applied: number;
  readonly phase: "streaming" | "wants_snapshot" | "awaits_snapshot";
  /** Why the snapshot that is wanted or awaited. */
  readonly why: SnapshotReason;
}

export type SnapshotReason = "attach" | "behind" | "interrupt" | "size" | "restart";

export function openReader(from: {
  mode: Reader["mode"];
  cursor: Seq;
  position: Offset;
  window: number;
  snapshot: SnapshotReason | null;
}): Reader {
  return {
    mode: from.mode,
    cursor: from.cursor,
    position: from.position,
    window: from.window,
    sent: 0,
    applied: 0,
    phase: from.snapshot ? "wants_snapshot" : "streaming",
    why: from.snapshot ?? "attach",
  };
}

export type Step =
  | { readonly do: "nothing" }
  /** Events strictly after the cursor, until about this many bytes. */
  | { readonly do: "send"; readonly maxBytes: number }
  | { readonly do: "snapshot"; readonly why: SnapshotReason };

export function next(reader: Reader, head: { readonly seq: Seq; readonly position: Offset }, behindBytes: number): Step {
  if (reader.phase === "awaits_snapshot") return { do: "nothing" };
  const credit = reader.window - (reader.sent - reader.applied);
  if (reader.phase === "wants_snapshot")
    return credit > 0 || reader.why === "attach" ? { do: "snapshot", why: reader.why } : { do: "nothing" };
  if (reader.cursor >= head.seq) return { do: "nothing" };
  if (reader.mode === "snapshot" && head.position - reader.position > behindBytes)
    return credit > 0 ? { do: "snapshot", why: "behind" } : { do: "nothing" };
  return credit > 0 ? { do: "send", maxBytes: credit } : { do: "nothing" };
}

/** Events up to `cursor` have been sent; ones read before a jump must be thrown away instead. */
export function sent(reader: Reader, cursor: Seq, position: Offset, bytes: number): Reader {
  invariant(cursor >= reader.cursor, "R1 events sent twice");
  return { ...reader, cursor, position, sent: reader.sent + bytes };
}

/** `applied`: total since attach, as the client counts it; never goes back, never beyond what was sent. */
export function credited(reader: Reader, applied: number, window: number | null): Reader {
  return { ...reader, applied: Math.min(reader.sent, Math.max(reader.applied, applied)), window: window ?? reader.window };
}

/** Ask for a jump to the present; what is unread is skipped. No effect on a replay, nor while a snapshot is on its way; the first one keeps its reason. */
export function jump(reader: Reader, why: SnapshotReason): Reader {
  if (reader.mode === "replay" || reader.phase === "awaits_snapshot") return reader;
  return {
    ...reader,
    phase: "wants_snapshot",
    why: reader.phase === "wants_snapshot" && reader.why === "attach" ? "attach" : why,
  };
}

/** The caller has asked the model for a snapshot as of the reader's cursor or later, and owes a {@link snapshotSent}: until then nothing is sent. */
export function snapshotAsked(reader: Reader): Reader {
  return { ...reader, phase: "awaits_snapshot" };
}

/** The snapshot as of `cursor` has been sent. */
export function snapshotSent(reader: Reader, cursor: Seq, position: Offset, bytes: number): Reader {
  invariant(cursor >= reader.cursor, "R1 a snapshot older than what was sent");
  return { ...reader, phase: "streaming", cursor, position, sent: reader.sent + bytes };
}
