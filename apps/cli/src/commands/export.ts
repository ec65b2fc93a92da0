/** `hold export`: a recording for others. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { Context } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { Cleaner } from "../record/clean.ts";
import { castOf, type Event, escapeText, readJournal, SessionKind } from "@holdfast/sdk";
import { KernelText } from "../show/kernel-text.ts";
import { eventText } from "../show/event.ts";
import { commandText } from "../show/session.ts";

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
  if (session.kind === SessionKind.KERNEL && format !== "text")
    throw usage(`${args[0]} is a kernel, which has no terminal to play: --format text exports who ran what and what it showed`);
  const entries = readJournal(client, session.id, {
    after: Math.max(0, (flags.from ?? 1) - 1),
    noOutput: false,
    signal: context.cancelled,
    ...(flags.to === undefined ? {} : { to: flags.to }),
  });
  const sink = fileOrOut(context, flags.output);
  try {
    if (format === "text") await (session.kind === SessionKind.KERNEL ? kernelText : text)(context, entries, sink.write);
    else
      await cast(
        context,
        sink.write,
        castOf(entries, {
          version: format === "asciicast" ? 2 : 3,
          session,
          ...wanted(flags),
          command: commandText(session.command),
        }),
      );
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

async function kernelText(context: Context, entries: Entries, write: (data: string) => void): Promise<void> {
  const reading = new KernelText();
  for await (const entry of entries) {
    for (const l of reading.add(entry)) write(`${l}\n`);
    await context.out.drained();
  }
  for (const l of reading.rest()) write(`${l}\n`);
}

async function cast(context: Context, write: (data: string) => void, pieces: AsyncIterable<string>): Promise<void> {
  for await (const piece of pieces) {
    if (piece !== "") write(piece);
    await context.out.drained();
  }
}

const wanted = ({ idle, input, markers }: ExportFlags) => ({
  ...(idle === undefined ? {} : { idleMs: idle }),
  input,
  ...(markers ? { marker: (event: Event) => eventText(event) } : {}),
});
