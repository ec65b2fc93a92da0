/** Reading: the screen as it is, the journal from a cursor on, and lines that hold a text. */
import { escapeText, type Event, type HostClient, HoldError, readJournal, type Session } from "@holdfast/sdk";
import { cursorAt, parseCursor } from "../text/cursor.ts";
import { Excerpt } from "../text/excerpt.ts";
import type { Call } from "./call.ts";
import { othersTyped, readOutput } from "./read-output.ts";
import { answer, type Facts, fitting, type Json, type Output, type ToolResult } from "./result.ts";
import { activityOf, type State } from "./states.ts";

export async function screen(call: Call, args: { session: string; scrollback: number; max_bytes: number }): Promise<ToolResult> {
  return call.way.read(async (client) => {
    const session = await client.show(args.session);
    const { shown, output } = await screenOf(client, session, args.max_bytes, args.scrollback);
    return answer(
      {
        session: session.id,
        incarnation: session.incarnation,
        state: await activityOf(client, session),
        size: shown.size ? `${shown.size.cols}x${shown.size.rows}` : null,
        cursor_row: shown.cursorRow,
        cursor_col: shown.cursorCol,
        cursor_visible: shown.cursorVisible,
        alternate_screen: shown.alternate,
        title: { untrusted: true, text: shown.title },
        version: Number(shown.seq),
        cursor: cursorAt(Number(shown.seq)),
      },
      [output],
      args.max_bytes,
    );
  });
}

async function screenOf(
  client: HostClient,
  { id }: Session,
  maxBytes: number,
  scrollback = 0,
): Promise<{ readonly shown: Awaited<ReturnType<HostClient["screen"]>>; readonly output: Output }> {
  const shown = await client.screen(id, { scrollback });
  const excerpt = new Excerpt(maxBytes);
  excerpt.masked(Number(shown.maskedBytes));
  const rows = shown.lines.map((l) => l.trimEnd());
  while (rows.length > 0 && rows.at(-1) === "") rows.pop();
  // Rows have no place in the stream: they are counted in bytes of themselves.
  let at = 0;
  for (const row of rows) {
    const text = escapeText(row);
    const end = at + Buffer.byteLength(text) + 1;
    excerpt.push({ text, offset: at, end, isLineEnd: true, after: Number(shown.seq) });
    at = end;
  }
  return { shown, output: { name: "screen", session: id, stream: 0, excerpt } };
}

/** What a full-screen program shows, which is no output: with the answer that tells of it. */
export async function drawnScreen(
  client: HostClient,
  session: Session,
  state: State,
  maxBytes: number,
): Promise<readonly Output[]> {
  if (state !== "interactive_app") return [];
  const { shown, output } = await screenOf(client, session, maxBytes);
  return shown.alternate ? [output] : [];
}

export async function log(
  call: Call,
  args: { session: string; view: "output" | "events"; cursor?: string | undefined; max_bytes: number; limit: number },
): Promise<ToolResult> {
  return call.way.read(async (client) => {
    const session = await client.show(args.session);
    const from = parseCursor(args.cursor ?? "0");
    if (from.after > Number(session.seq))
      throw new HoldError("bad_request", `the journal of this session ends at ${session.seq}: that cursor is of another one`);
    if (args.view === "output") {
      const read = await readOutput(client, session, from, { maxBytes: args.max_bytes, signal: call.signal });
      return answer(
        {
          session: session.id,
          incarnation: session.incarnation,
          cursor: read.cursor,
          ...othersTyped(read),
          at_end: read.cursor === cursorAt(Number(session.seq)),
        },
        read.outputs,
        args.max_bytes,
      );
    }
    const events: Facts[] = [];
    let last = from.after;
    for await (const entry of readJournal(client, session.id, {
      after: from.after,
      to: Number(session.seq),
      signal: call.signal,
    })) {
      if (events.length >= args.limit) break;
      last = entry.type === "gap" ? entry.toSeq : entry.seq;
      if (entry.type === "gap") events.push({ seq: entry.toSeq, kind: "gap", from_seq: entry.fromSeq, reason: entry.reason });
      else if (entry.type === "event") events.push(eventFacts(entry.event));
    }
    return fitting(events, (shown, left) => {
      const end = left === 0 ? last : Number(shown.at(-1)?.["seq"] ?? from.after);
      return {
        session: session.id,
        incarnation: session.incarnation,
        events: shown,
        cursor: cursorAt(end),
        at_end: end >= Number(session.seq),
      };
    });
  });
}

/** Of each kind what may be told. What was typed is never among it: who, and how much. */
const told: Readonly<Record<string, readonly string[]>> = {
  inputSettled: ["inputSeq", "bytes", "refusal", "secret"],
  resized: ["size"],
  signalled: ["target", "signal"],
  attached: ["observing", "resumed", "plain"],
  detached: ["reason"],
  floorChanged: ["holder", "from", "reason", "epoch"],
  aiPaused: ["paused"],
  commandStarted: ["cwd"],
  commandEnded: ["code"],
  exited: ["exit"],
  ended: ["reason"],
  renamed: ["name"],
  redacted: ["reason"],
  fileUsed: ["op", "path", "bytes"],
  approvalAsked: ["approval", "deed"],
  approvalDecided: ["approval", "allowed", "reason"],
  approvalOver: ["approval", "outcome", "reason"],
  operatorChanged: ["operator", "change"],
  note: ["text"],
};
const snake = (word: string): string => word.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

function plain(value: unknown): Json {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return null;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, v]) => !key.startsWith("$") && v !== undefined)
      .map(([key, v]) => [snake(key), plain(v)]),
  );
}

function eventFacts(e: Event): Facts {
  const kind = e.body?.kind;
  const value = (kind?.value ?? {}) as Record<string, unknown>;
  return {
    seq: Number(e.seq),
    at: new Date(Number(e.atUnixMs)).toISOString(),
    kind: snake(kind?.case ?? "unknown"),
    actor: e.actor,
    via: e.via || null,
    ...(kind?.case === "input" ? { bytes: e.payloadBytes || e.data.length, interrupt: kind.value.interrupt } : {}),
    ...Object.fromEntries(
      (told[kind?.case ?? ""] ?? []).flatMap((k) => (value[k] === undefined ? [] : [[snake(k), plain(value[k])]])),
    ),
  };
}

export async function search(
  call: Call,
  args: { session: string; text: string; regex: boolean; before_offset?: number | undefined; limit: number },
): Promise<ToolResult> {
  return call.way.read(async (client) => {
    const session = await client.show(args.session);
    const hits = await client.search(session.id, args.text, {
      regex: args.regex,
      limit: args.limit,
      ...(args.before_offset === undefined ? {} : { beforeOffset: args.before_offset }),
    });
    return fitting(
      hits.map((h) => ({
        seq: Number(h.seq),
        offset: Number(h.offset),
        at: new Date(Number(h.atUnixMs)).toISOString(),
        line: h.line.slice(0, 500),
        line_cut_chars: Math.max(0, h.line.length - 500),
        cursor: cursorAt(Math.max(0, Number(h.seq) - 1)),
      })),
      (shown, left) => ({
        session: session.id,
        untrusted: true,
        hits: shown,
        left_out: left,
        ...(left > 0 || hits.length >= args.limit ? { next_before_offset: shown.at(-1)?.["offset"] } : {}),
      }),
    );
  });
}
