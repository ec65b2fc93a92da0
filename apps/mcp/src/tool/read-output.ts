/** Output of a session between two places of its journal, as excerpts of its streams; and where to read on. */
import { type Event, type HostClient, readJournal, type Session, SessionKind, SessionState } from "@holdfast/sdk";
import { type Cursor, cursorAt, cursorIn } from "../text/cursor.ts";
import { Excerpt } from "../text/excerpt.ts";
import { limits } from "../text/limits.ts";
import { Plain } from "../text/plain.ts";
import { type Reading, readKernel, type Typist } from "./read-kernel.ts";
import type { Facts } from "./result.ts";

/** Cells of a piece that fits several times into what is asked for, with four bytes a cell. */
const pieceOf = (maxBytes: number | undefined): number | undefined => maxBytes && Math.max(16, Math.floor(maxBytes / 16));

/**
 * Reads to `to` (default: the journal's end now). With `maxBytes` it stops before more text than that; without, a long reading keeps its
 * head and tail.
 */
export async function readOutput(
  client: HostClient,
  session: Session,
  from: Cursor,
  options: { readonly to?: number; readonly maxBytes?: number; readonly signal?: AbortSignal } = {},
): Promise<Reading> {
  if (session.kind === SessionKind.KERNEL) return readKernel(client, session, from, options);
  const isPipes = session.kind === SessionKind.PIPES;
  const names = isPipes ? ({ 1: "stdout", 2: "stderr" } as const) : ({ 0: "output" } as const);
  const streams = new Map(
    Object.entries(names).map(([n, name]) => [
      Number(n),
      { name, plain: new Plain(pieceOf(options.maxBytes)), excerpt: new Excerpt(options.maxBytes ?? limits.maxTextBytes) },
    ]),
  );
  let last = from.after;
  let used = 0;
  let stop: string | null = null;
  let stoppedIn: number | null = null;
  const to = options.to ?? Number(session.seq);
  const others = new Map<string, Typist>();
  reading: for await (const entry of readJournal(client, session.id, {
    after: from.after,
    to,
    ...(options.signal ? { signal: options.signal } : {}),
  })) {
    const before = last;
    last = entry.type === "gap" ? entry.toSeq : entry.seq;
    if (entry.type === "gap") {
      if (entry.lost) streams.get(entry.lost.stream)?.excerpt.lost(entry.lost.end - entry.lost.offset);
      continue;
    }
    if (entry.type === "event") countTyping(others, entry.event, client.operator.operator?.id);
    const stream = entry.type === "output" ? streams.get(entry.stream) : undefined;
    if (entry.type !== "output" || !stream) continue;
    stream.excerpt.masked(entry.masked);
    const skip = from.stream === entry.stream ? Math.max(0, from.offset - entry.offset) : 0;
    if (skip > 0 && from.offset >= entry.end) continue;
    for (const piece of stream.plain.feed(entry.offset + skip, entry.bytes.subarray(skip), before, entry.end)) {
      const cost = Buffer.byteLength(piece.text) + 1;
      if (options.maxBytes !== undefined && used > 0 && used + cost > options.maxBytes) {
        stop = cursorIn(piece.after, entry.stream, piece.offset);
        stoppedIn = entry.stream;
        break reading;
      }
      used += cost;
      stream.excerpt.push(piece);
    }
  }
  for (const [n, { plain, excerpt }] of streams) {
    const open = plain.rest();
    if (!open || n === stoppedIn) continue;
    // Half a sequence is waited for once, and where something may still come.
    const isWaitedFor =
      plain.isPending &&
      !isPipes &&
      session.state === SessionState.RUNNING &&
      !(from.stream === n && from.offset === open.offset);
    if (stop === null && isWaitedFor) stop = cursorIn(open.after, n, open.offset);
    else excerpt.push(open);
  }
  return {
    others: [...others.values()],
    outputs: [...streams].map(([n, { name, plain, excerpt }]) => ({
      ...{ name, session: session.id, stream: n, excerpt },
      drawnBytes: plain.drawnBytes,
    })),
    cursor: stop ?? cursorAt(Math.max(last, Math.min(to, Number.MAX_SAFE_INTEGER))),
  };
}

/** Told where there is anybody. */
export function othersTyped({ others }: Reading): Facts {
  return others.length === 0 ? {} : { others_typed: others };
}

/** What the terminal answers by itself is nobody's typing. */
function countTyping(others: Map<string, Typist>, event: Event, me: string | undefined): void {
  const { actor, body, payloadBytes, data } = event;
  if (body?.kind.case !== "input" || actor === me || actor.startsWith("system:")) return;
  const { inputs = 0, bytes = 0 } = others.get(actor) ?? {};
  others.set(actor, { who: actor, inputs: inputs + 1, bytes: bytes + (payloadBytes || data.length) });
}
