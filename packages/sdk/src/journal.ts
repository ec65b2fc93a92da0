/**
 * A session's journal as a stream: what `log`, `export`, copy mode and an AI's tools read. It is an attachment that nobody sees, reading at
 * its own pace and never skipping.
 *   J1  Entries come in order, each once; what is no longer kept comes as a gap.
 *   J2  Output is not asked for faster than it is used: memory is one window, however long the journal.
 */
import { HoldError, isCode, SessionKind } from "@holdfast/protocol";
import type { Attachment, Entry, HostClient, ReadOptions } from "./api/index.ts";

/** A terminal has one stream of output; pipes have two. */
const terminalStreams = 1;

export async function* readJournal(client: HostClient, session: string, options: ReadOptions = {}): AsyncGenerator<Entry> {
  const after = Number(options.after ?? 0);
  const queue: { entry: Entry; used?: () => void }[] = [];
  let wake: (() => void) | undefined;
  let closed = false;
  /** Of the entry that the reader has: a reader that stops there does not come back for it. */
  let inUse: (() => void) | undefined;
  let over: { readonly error?: { readonly code: string; readonly message: string } } | undefined;
  // Exited, and every stream at its end: nothing comes any more.
  let open = terminalStreams;
  let exited = false;
  const isOver = (entry: Entry): boolean => {
    const kind = entry.type === "event" ? entry.event.body?.kind.case : undefined;
    if (kind === "closed") open--;
    exited ||= kind === "exited";
    return kind === "ended" || (exited && open <= 0);
  };
  const push = (entry: Entry, used?: () => void) => {
    if (closed) return used?.();
    queue.push(used ? { entry, used } : { entry });
    wake?.();
  };
  const stop = () => {
    over ??= {};
    wake?.();
  };
  if (options.signal?.aborted) stop();
  options.signal?.addEventListener("abort", stop, { once: true });
  const attachment: Attachment = await client.attach(
    {
      session,
      observe: true,
      quiet: true,
      mode: "replay",
      after,
      ...(options.noOutput ? { noOutput: true } : {}),
    },
    {
      output: (o) =>
        new Promise<void>((used) =>
          push(
            {
              ...{ type: "output", seq: o.seq, stream: o.stream, offset: o.offset, end: o.end },
              ...{ bytes: o.bytes, masked: o.masked, atMs: o.atUnixMs },
            },
            used,
          ),
        ),
      event: (event) => push({ type: "event", seq: Number(event.seq), event, atMs: Number(event.atUnixMs) }),
      gap: (g) => push({ type: "gap", ...g }),
      detached: (_reason, error) => {
        over = error ? { error } : {};
        wake?.();
      },
    },
  );
  if (attachment.session.kind !== SessionKind.PTY) open = 2;
  const end = options.follow ? Number.POSITIVE_INFINITY : Number(options.to ?? attachment.session.seq);
  try {
    if (after >= end) return;
    while (true) {
      const next = queue.shift();
      if (next) {
        inUse = next.used;
        const seq = next.entry.type === "gap" ? next.entry.toSeq : next.entry.seq;
        if (next.entry.type === "gap" ? next.entry.fromSeq <= end : seq <= end) yield next.entry;
        inUse?.();
        if (seq >= end || (options.follow && isOver(next.entry))) return;
      } else if (over) {
        if (over.error) throw new HoldError(isCode(over.error.code) ? over.error.code : "internal", over.error.message);
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
    }
  } finally {
    options.signal?.removeEventListener("abort", stop);
    // What is still to come is let go at once: an unused chunk would hold up the detaching.
    closed = true;
    inUse?.();
    for (const { used } of queue) used?.();
    await attachment.detach().catch(() => undefined);
  }
}
