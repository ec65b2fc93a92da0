/** As read-output.ts, of a kernel session: who ran what, and what it showed. A cursor stands between whole records. */
import { type HostClient, KernelReader, KernelTranscript, readJournal, type Session } from "@holdfast/sdk";
import { type Cursor, cursorAt } from "../text/cursor.ts";
import { Excerpt } from "../text/excerpt.ts";
import { limits } from "../text/limits.ts";
import { Plain } from "../text/plain.ts";
import type { Output } from "./result.ts";

export interface Reading {
  readonly outputs: readonly Output[];
  /** What comes after what was read. */
  readonly cursor: string;
  /** Who else typed in between; whoever reads is not among them. */
  readonly others: readonly Typist[];
}

export type Typist = { readonly who: string; readonly inputs: number; readonly bytes: number };

export async function readKernel(
  client: HostClient,
  session: Session,
  from: Cursor,
  {
    to = Number(session.seq),
    maxBytes,
    signal,
  }: { readonly to?: number; readonly maxBytes?: number; readonly signal?: AbortSignal },
): Promise<Reading> {
  const reader = new KernelReader();
  const transcript = new KernelTranscript();
  const plain = new Plain();
  const excerpt = new Excerpt(maxBytes ?? limits.maxTextBytes);
  let at = 0;
  let whole = from.after;
  for await (const entry of readJournal(client, session.id, { after: from.after, to, ...(signal ? { signal } : {}) })) {
    const told =
      entry.type === "output" ? reader.output(entry) : entry.type === "gap" ? reader.gap(entry) : reader.event(entry.event);
    if (entry.type === "output") excerpt.masked(entry.masked);
    for (const what of told) {
      const text =
        what.type === "message"
          ? transcript
              .add(what.said)
              .map((piece) => piece.text)
              .join("")
          : "";
      const bytes = Buffer.from(text);
      for (const piece of plain.feed(at, bytes, whole)) excerpt.push(piece);
      at += bytes.length;
    }
    if (reader.isWhole) whole = entry.type === "gap" ? entry.toSeq : entry.seq;
    if (maxBytes !== undefined && at >= maxBytes && reader.isWhole) break;
  }
  const open = plain.rest();
  if (open) excerpt.push(open);
  return { outputs: [{ name: "output", session: session.id, stream: 0, excerpt }], cursor: cursorAt(whole), others: [] };
}
