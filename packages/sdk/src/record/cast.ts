/** A journal as asciicast, piece by piece: what `hold export` writes, and what a page gives to keep. */
import type { Event, Exit, Session } from "@holdfast/protocol";
import type { Entry } from "../api/index.ts";
import { CastWriter } from "./asciicast.ts";

export interface CastOptions {
  readonly version: 2 | 3;
  readonly session: Pick<Session, "name" | "size" | "createdUnixMs">;
  /** Told in the header; default none. */
  readonly command?: string;
  /** Pauses are no longer than that. */
  readonly idleMs?: number;
  /** What was typed, too; default false. */
  readonly input?: boolean;
  /** The text of the marker where a command starts or the floor changes; default: no markers. */
  readonly marker?: (event: Event) => string;
}

/** One piece for each entry, empty where it has no place in a recording. The first that is not holds the header. */
export async function* castOf(entries: AsyncIterable<Entry>, options: CastOptions): AsyncGenerator<string> {
  let writer: CastWriter | undefined;
  let size = options.session.size ?? { cols: 80, rows: 24 };
  const begin = (atMs: number): string => {
    writer = new CastWriter(options.version, atMs, options.idleMs);
    const { command } = options;
    return writer.header({ ...size, atMs, title: options.session.name, ...(command ? { command } : {}) });
  };
  for await (const entry of entries) {
    if (entry.type === "gap") {
      yield writer && options.marker ? writer.event("m", 0, `gap ${entry.fromSeq}-${entry.toSeq}`) : "";
      continue;
    }
    const opened = entry.type === "event" && entry.event.body?.kind.case === "opened" ? entry.event.body.kind.value : null;
    // The size as of the opening stands in the header, so the opening itself writes nothing.
    if (opened?.size) size = opened.size;
    const head = writer ? "" : begin(entry.atMs);
    yield opened ? head : head + lineOf(writer!, entry, options);
  }
  if (!writer) yield begin(Number(options.session.createdUnixMs));
}

function lineOf(writer: CastWriter, entry: Exclude<Entry, { type: "gap" }>, { input, marker }: CastOptions): string {
  if (entry.type === "output") return writer.event("o", entry.atMs, entry.bytes);
  const { event } = entry;
  const kind = event.body?.kind;
  switch (kind?.case) {
    case "resized":
      return kind.value.size ? writer.event("r", entry.atMs, `${kind.value.size.cols}x${kind.value.size.rows}`) : "";
    case "input":
      return input && !event.payload ? writer.event("i", entry.atMs, event.data) : "";
    case "commandStarted":
    case "floorChanged":
      return marker ? writer.event("m", entry.atMs, marker(event)) : "";
    case "exited":
      return writer.event("x", entry.atMs, String(shellCode(kind.value.exit)));
    default:
      return "";
  }
}

/** As a shell gives it: 128 and the signal for what a signal ended. */
function shellCode(exit: Exit | undefined): number {
  if (exit?.code !== undefined) return exit.code;
  return exit?.signal !== undefined ? 128 + exit.signal : 1;
}
