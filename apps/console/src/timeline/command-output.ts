/**
 * What one command printed: the journal's bytes of its range of offsets.
 *   O1  The range is exact where a piece is as long as in the record; a piece that queries were taken out of is shown whole.
 *   O2  Of much, the last {@link MOST_BYTES}.
 */
import { type Entry, type HostClient, readJournal } from "@holdfast/sdk";
import type { Item } from "./item.ts";
import { gapText } from "./words.ts";

const MOST_BYTES = 1024 * 1024;
/** The mark is recorded right after the output that it came in, which may be cut into a few events. */
const BEFORE = 16;

export interface CommandOutput {
  readonly bytes: Uint8Array;
  readonly isCut: boolean;
  /** What is no longer kept of it, in words; empty: nothing. */
  readonly gap: string;
}

export type OutputPiece = Pick<Extract<Entry, { type: "output" }>, "offset" | "end" | "bytes">;

export async function outputOf(client: HostClient, session: string, item: Item, signal: AbortSignal): Promise<CommandOutput> {
  const { command } = item;
  if (!command) return { bytes: new Uint8Array(), isCut: false, gap: "" };
  const [from, to] = [command.startedOffset, command.endedOffset ?? Number.POSITIVE_INFINITY];
  for (let back = BEFORE; ; back *= 8) {
    const after = Math.max(0, item.seq - back);
    const pieces: OutputPiece[] = [];
    let [held, isCut, gap] = [0, false, ""];
    let first = Number.POSITIVE_INFINITY;
    const until = command.endedSeq === null ? {} : { to: command.endedSeq };
    for await (const entry of readJournal(client, session, { after, ...until, signal })) {
      if (entry.type === "gap") gap = `${gapText(entry)}.`;
      if (entry.type !== "output") continue;
      first = Math.min(first, entry.offset);
      const bytes = clipped(entry, from, to);
      if (bytes.length > 0) held += pieces.push({ ...entry, bytes }) && bytes.length;
      while (held - (pieces[0]?.bytes.length ?? 0) >= MOST_BYTES) {
        held -= pieces.shift()!.bytes.length;
        isCut = true;
      }
    }
    if (first <= from || after === 0 || gap !== "") return { bytes: joined(pieces), isCut, gap };
  }
}

/** O1. */
export function clipped({ offset, end, bytes }: OutputPiece, from: number, to: number): Uint8Array {
  if (end <= from || offset >= to) return new Uint8Array();
  if (bytes.length !== end - offset) return bytes;
  return bytes.subarray(Math.max(0, from - offset), Math.min(end, to) - offset);
}

function joined(pieces: readonly OutputPiece[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let at = 0;
  for (const { bytes } of pieces) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}
