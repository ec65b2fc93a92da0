/** `hold export`: a recording for others. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { Context } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { CastWriter } from "../record/asciicast.ts";
import { Cleaner } from "../record/clean.ts";
import { escapeText, readJournal } from "@holdfast/sdk";
import { eventText } from "../show/event.ts";
import { commandText } from "../show/session.ts";
import { shellCode } from "../show/words.ts";

interface ExportFlags {
  format: "asciicast" | "asciicast-v3" | "text" | undefined;
  output: string | undefined;
  input: boolean;
  markers: boolean;
  from: number | undefined;
  to: number | undefined;
  idle: number | undefined;
}

export async function run(context: Context, flags: ExportFlags, args: readonly string[]): Promise<undefined> {
  const format = flags.format ?? "asciicast";
  if (format === "text" && (flags.input || flags.markers || flags.idle !== undefined))
    throw usage("--input, --markers and --idle belong to asciicast");
  if (context.out.isTty && flags.output === undefined && format !== "text")
    throw usage("a recording is no text for a terminal: give -o FILE, or redirect the output");
  const client = await context.client({ record: args[0]! });
  const session = await client.show(args[0]!);
  const entries = readJournal(client, session.id, {
    after: Math.max(0, (flags.from ?? 1) - 1),
    noOutput: false,
    signal: context.cancelled,
    ...(flags.to === undefined ? {} : { to: flags.to }),
  });
  const sink = fileOrOut(context, flags.output);
  try {
    if (format === "text") await text(context, entries, sink.write);
    else
      await cast(entries, sink.write, {
        version: format === "asciicast" ? 2 : 3,
        flags,
        session,
        drained: () => context.out.drained(),
      });
  } finally {
    sink.close();
  }
  return;
}

/** A recording may hold what was typed: the file is for its owner alone. */
export function fileOrOut(context: Context, path: string | undefined): { write: (data: string) => void; close: () => void } {
  if (path === undefined || path === "-") return { write: (data) => context.out.write(data), close: () => undefined };
  const fd = openSync(path, "w", 0o600);
  return { write: (data) => writeSync(fd, data), close: () => closeSync(fd) };
}

type Entries = ReturnType<typeof readJournal>;

async function text(context: Context, entries: Entries, write: (data: string) => void): Promise<void> {
  const cleaner = new Cleaner();
  for await (const entry of entries) {
    if (entry.type === "gap") write(`[gap: ${entry.fromSeq} to ${entry.toSeq} is no longer kept: ${escapeText(entry.reason)}]\n`);
    if (entry.type === "output") for (const l of cleaner.feed(entry.bytes)) write(`${escapeText(l.text)}\n`);
    await context.out.drained();
  }
  const rest = cleaner.rest();
  if (rest) write(`${escapeText(rest.text)}\n`);
}

interface CastOptions {
  readonly version: 2 | 3;
  readonly flags: ExportFlags;
  readonly session: Awaited<ReturnType<Awaited<ReturnType<Context["client"]>>["show"]>>;
  readonly drained: () => Promise<void>;
}

async function cast(
  entries: Entries,
  write: (data: string) => void,
  { version, flags, session, drained }: CastOptions,
): Promise<void> {
  let writer: CastWriter | undefined;
  let size = session.size ?? { cols: 80, rows: 24 };
  const begin = (atMs: number): CastWriter => {
    writer = new CastWriter(version, atMs, flags.idle);
    write(writer.header({ cols: size.cols, rows: size.rows, atMs, title: session.name, command: commandText(session.command) }));
    return writer;
  };
  for await (const entry of entries) {
    if (entry.type === "gap") {
      if (writer && flags.markers) write(writer.event("m", 0, `gap ${entry.fromSeq}-${entry.toSeq}`));
      continue;
    }
    const kind = entry.type === "event" ? entry.event.body?.kind : undefined;
    // The size as of the opening stands in the header, so the opening itself writes nothing.
    if (kind?.case === "opened") {
      if (kind.value.size) size = kind.value.size;
      begin(entry.atMs);
      continue;
    }
    const w = writer ?? begin(entry.atMs);
    if (entry.type === "output") write(w.event("o", entry.atMs, entry.bytes));
    else if (kind?.case === "resized" && kind.value.size)
      write(w.event("r", entry.atMs, `${kind.value.size.cols}x${kind.value.size.rows}`));
    else if (kind?.case === "input" && flags.input && !entry.event.payload) write(w.event("i", entry.atMs, entry.event.data));
    else if ((kind?.case === "commandStarted" || kind?.case === "floorChanged") && flags.markers)
      write(w.event("m", entry.atMs, eventText(entry.event)));
    else if (kind?.case === "exited") write(w.event("x", entry.atMs, String(shellCode(kind.value.exit))));
    await drained();
  }
  if (!writer) begin(Number(session.createdUnixMs));
}
