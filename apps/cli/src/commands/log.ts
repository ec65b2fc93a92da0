/** `hold log`: the journal. */
import {
  type Entry,
  escapeText,
  type Event,
  eventJson,
  eventKind as kindOf,
  HoldError,
  readJournal,
  sessionKindWord,
} from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { didYouMean } from "../read/near.ts";
import { kindsMeant } from "../show/event-kinds.ts";
import { KernelText } from "../show/kernel-text.ts";
import { eventText, printedText } from "../show/event.ts";
import { clock } from "../show/time.ts";
import { cutTo, padTo } from "../show/width.ts";
import { painted } from "./painted.ts";
import { outputEvent } from "./output-event.ts";

interface LogFlags {
  follow: boolean;
  from: number | undefined;
  kind: readonly string[];
  actor: string | undefined;
  raw: boolean;
  events: boolean;
  stream: "stdout" | "stderr" | undefined;
  json: boolean;
}

export async function run(context: Context, flags: LogFlags, args: readonly string[]): Promise<number | undefined> {
  if (flags.raw && (flags.json || flags.events || flags.kind.length > 0 || flags.actor !== undefined))
    throw usage("--raw prints the output bytes and nothing else; leave --json, --events, --kind and --actor away");
  const client = await context.client(flags.follow ? {} : { record: args[0]! });
  const session = await client.show(args[0]!);
  if (flags.stream !== undefined && sessionKindWord(session.kind) === "pty")
    throw usage(`${args[0]} has a terminal, which has one output; --stream is for sessions that were opened with --pipes`);
  if (flags.from !== undefined && flags.from > Number(session.seq) + 1)
    throw usage(`the journal of ${args[0]} ends at ${session.seq}: there is no position ${flags.from}`);
  const isStream = streamOf(flags.stream);
  const wanted = wants(flags.kind, await actorIds(context, flags.actor));
  // Without output there is no telling when the end is reached, so only a reader that follows does without.
  const noOutput =
    flags.follow && !flags.raw && (flags.actor !== undefined || (flags.kind.length > 0 && !flags.kind.includes("output")));
  const isKernel = sessionKindWord(session.kind) === "kernel";
  const isText = isKernel && !flags.raw && !flags.json && !flags.events && flags.kind.length === 0 && flags.actor === undefined;
  const text = isKernel && !flags.raw && !flags.json ? new KernelText() : null;
  const print = flags.raw ? undefined : await printer(context, flags.json);
  for await (const entry of readJournal(client, session.id, {
    after: Math.max(0, (flags.from ?? 1) - 1),
    follow: flags.follow,
    noOutput,
    signal: context.cancelled,
  })) {
    if (!print) {
      if (entry.type === "output" && isStream(entry)) context.out.write(entry.bytes);
      else if (entry.type === "gap")
        line(context.err, `(gap: ${entry.fromSeq} to ${entry.toSeq} is no longer kept: ${escapeText(entry.reason)})`);
    } else if (text && isText) for (const l of text.add(entry)) line(context.out, l);
    else if (wanted(entry) && isStream(entry)) print(text ? inWords(entry, text) : entry);
    await context.out.drained();
  }
  if (text && isText) for (const l of text.rest()) line(context.out, l);
  return;
}

/** Of a kernel session, output is what people read of it. */
function inWords(entry: Entry, text: KernelText): Entry {
  const lines = text.add(entry);
  return entry.type === "output" ? { ...entry, bytes: Buffer.from(lines.join("\n")) } : entry;
}

/** Everything but the other of the two outputs. */
function streamOf(name: "stdout" | "stderr" | undefined): (entry: Entry) => boolean {
  const other = name === undefined ? 0 : name === "stdout" ? 2 : 1;
  return (entry) => entry.type !== "output" || entry.stream !== other || other === 0;
}

/** The ids that an operator's name stands for. What is no known name is an id, the host's and the policies' own `system:…` too. */
export async function actorIds(context: Context, actor: string | undefined): Promise<ReadonlySet<string> | undefined> {
  if (actor === undefined) return undefined;
  const known = await (await context.client()).operatorList().catch(() => []);
  if (known.length > 0 && !actor.includes(":") && !known.some((o) => o.name === actor || o.id === actor))
    throw new HoldError(
      "no_such_operator",
      `no operator ${JSON.stringify(actor)}${didYouMean(
        actor,
        known.map((o) => o.name),
      )}; \`hold operator ls\` shows who there is`,
    );
  return new Set([actor, ...known.filter((o) => o.name === actor).map((o) => o.id)]);
}

export function wants(kinds: readonly string[], actors: ReadonlySet<string> | undefined): (entry: Entry) => boolean {
  const wanted = kindsMeant(kinds);
  return (entry) => {
    if (entry.type === "gap") return true;
    const kind = entry.type === "output" ? "output" : kindOf(entry.event);
    if (wanted.length > 0 && !wanted.includes(kind)) return false;
    return actors === undefined || (entry.type === "event" && actors.has(entry.event.actor));
  };
}

/** Those that the host tells of; none where it does not, or does not run and need not (`start` false). */
async function operatorsOf(
  context: Context,
  start: boolean,
): Promise<readonly { readonly id: string; readonly name: string; readonly onBehalfOf: string }[]> {
  try {
    return await (await context.client({ start })).operatorList();
  } catch {
    return [];
  }
}

/** Prints entries: JSON lines, or a line each with time, who and what. Names stand for ids where they are known. */
export async function printer(
  context: Context,
  json: boolean,
  options: { readonly client: boolean } = { client: true },
): Promise<(entry: Entry, prefix?: string) => void> {
  if (json) {
    // For whom an AI acts is a fact of the operator, the same for all that it ever did.
    const people = new Map((await operatorsOf(context, options.client)).map((o) => [o.id, o.onBehalfOf]));
    const told = (event: Event): object => {
      const onBehalfOf = people.get(event.actor);
      return { ...eventJson(event), ...(onBehalfOf ? { onBehalfOf } : {}), ...context.origin };
    };
    return (entry) =>
      jsonLine(
        context.out,
        entry.type === "gap"
          ? { kind: "gap", fromSeq: entry.fromSeq, toSeq: entry.toSeq, reason: entry.reason, ...context.origin }
          : entry.type === "output"
            ? { ...eventJson(outputEvent(entry)), ...context.origin }
            : told(entry.event),
      );
  }
  const paint = await painted(context);
  const operators = new Map((await operatorsOf(context, options.client)).map((o) => [o.id, o.name]));
  const width = context.out.isTty ? context.out.columns : 160;
  return (entry, prefix = "") => {
    if (entry.type === "gap") {
      line(context.out, paint.yellow(`gap: ${entry.fromSeq} to ${entry.toSeq} is no longer kept (${escapeText(entry.reason)})`));
      return;
    }
    // Colours, marks and movements alone are nothing to read; --json and --raw have them.
    if (entry.type === "output" && printedText(entry.bytes) === "") return;
    const event = entry.type === "output" ? outputEvent(entry) : entry.event;
    const actor = entry.type === "output" ? "" : escapeText(operators.get(event.actor) ?? event.actor);
    const via = event.via && event.via !== "cli" ? `/${escapeText(event.via)}` : "";
    const head = `${String(event.seq).padStart(6)}  ${clock(event.atUnixMs, context.now())}  `;
    const who = padTo(cutTo(actor + via, 18), 14);
    const kind = kindOf(event);
    const text = eventText(event, width - head.length - 30);
    const shown =
      kind === "output"
        ? paint.dim(text)
        : kind === "input"
          ? paint.bold(text)
          : kind === "floor_changed" || kind === "ai_paused"
            ? paint.yellow(text)
            : text;
    line(context.out, `${prefix}${paint.dim(head)}${paint.cyan(who)} ${shown}`.trimEnd());
  };
}
