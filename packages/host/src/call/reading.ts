/** Calls that read: the screen, the history, what the program waits for; and taking payloads out of it. */
import { stripVTControlCharacters } from "node:util";
import {
  create,
  AuditHeadAnswerSchema,
  EventBody_RedactedSchema,
  HoldError,
  PortListAnswerSchema,
  ProbeAnswerSchema,
  RedactAnswerSchema,
  ScreenAnswerSchema,
  SearchAnswer_HitSchema,
  SearchAnswerSchema,
  type SearchAnswer_Hit,
} from "@holdfast/protocol";
import { portsOf } from "../forward/forwards.ts";
import type { LiveSession } from "../session/session.ts";
import { activityOf } from "../session/activity.ts";
import type { ReadItem } from "../session/book.ts";
import { differences, type MaskedRecord, type MaskedRecords } from "../session/masked-records.ts";
import { OUTPUT_KIND } from "../session/record.ts";
import { KernelText } from "./kernel-text.ts";
import { LineReader, matcher, type Line } from "./matcher.ts";
import type { CallContext, Result, Verb } from "./context.ts";

const KERNEL_SCREEN_BYTES = 512 * 1024;
const NOTHING = new Uint8Array(0);
const SEARCH_READ_BYTES = 1024 * 1024;
/** Masked in one turn of the loop. */
const MASKED_READ_BYTES = 128 * 1024;
const SEARCH_HITS = 1_000;
const LINE_CHARS = 400;
/** Named by one event: at most 8 bytes each. */
const REDACTED_SEQS = 4_000;

export async function screen({ host, operator }: CallContext, call: Verb<"screen">): Promise<Result> {
  const session = host.find(call.session);
  const isAi = operator.kind === "ai";
  const masked = (bytes: Uint8Array, seq: number): Uint8Array => (isAi ? session.maskedScreen(bytes, seq) : bytes);
  const scrollback = Math.min(call.scrollback, 10_000);
  if (session.facts.kind === "pipes")
    return {
      case: "screen",
      value: create(ScreenAnswerSchema, {
        ...lastLines(session, isAi),
        seq: BigInt(session.facts.seq),
        size: session.facts.size,
      }),
    };
  if (call.vt) {
    const { seq, snapshot } = await session.screen.snapshot(scrollback);
    const vt = masked(snapshot.vt, seq);
    return {
      case: "screen",
      value: create(ScreenAnswerSchema, {
        vt,
        maskedBytes: BigInt(differences(snapshot.vt, vt)),
        size: { cols: snapshot.cols, rows: snapshot.rows },
        title: snapshot.title,
        seq: BigInt(seq),
        offset: BigInt(snapshot.offset),
      }),
    };
  }
  const { seq, text } = await session.screen.text(scrollback);
  // As one text, so that what is wrapped over rows is found. No row's end is masked.
  const whole = Buffer.from(text.lines.join("\n"));
  const shown = Buffer.from(masked(whole, seq));
  return {
    case: "screen",
    value: create(ScreenAnswerSchema, {
      lines: shown === whole ? [...text.lines] : shown.toString().split("\n"),
      maskedBytes: BigInt(differences(whole, shown)),
      size: { cols: text.cols, rows: text.rows },
      cursorRow: text.cursor.row,
      cursorCol: text.cursor.col,
      cursorVisible: text.cursor.visible,
      alternate: text.alternate,
      title: text.title,
      seq: BigInt(seq),
      offset: BigInt(text.offset),
    }),
  };
}

function lastLines(session: LiveSession, isAi: boolean): { readonly lines: string[]; readonly maskedBytes: bigint } {
  const parts: Uint8Array[] = [];
  let count = 0;
  // Of a kernel what people read is shown, and not how it came: more bytes for the same text.
  const kernelText = session.kernel ? new KernelText() : null;
  let after = session.seqBefore(kernelText ? KERNEL_SCREEN_BYTES : 64 * 1024);
  const records = isAi ? session.maskedFrom(after + 1) : null;
  const add = (shown: readonly MaskedRecord[]): void => {
    for (const { item, bytes, masked } of shown) {
      if ("gap" in item || item.entry.kind !== OUTPUT_KIND) continue;
      if (!kernelText) parts.push(bytes);
      else if (item.entry.stream === 1) kernelText.push(bytes, (_, text) => void parts.push(text));
      count += masked;
    }
  };
  for (;;) {
    const items = session.read(after, SEARCH_READ_BYTES);
    if (items.length === 0) break;
    for (const item of items) {
      add(shownOf(records, item));
      after = "gap" in item ? item.toSeq : item.entry.seq;
    }
  }
  add(records?.rest() ?? []);
  const lines = Buffer.concat(parts)
    .toString("utf8")
    .split("\n")
    .slice(-session.facts.size.rows - 1)
    .map((l) => stripVTControlCharacters(l.replace(/\r$/, "")));
  return { lines, maskedBytes: BigInt(count) };
}

/** A record as its reader is shown it, or those that are decided by it. */
function shownOf(records: MaskedRecords | null, item: ReadItem): readonly MaskedRecord[] {
  return records ? records.take(item) : [{ item, bytes: "gap" in item ? NOTHING : item.entry.payload, masked: 0 }];
}

/** Lines of the whole history that hold the text, newest first. Escape sequences are taken out before comparing. */
export async function search({ host, operator, signal }: CallContext, call: Verb<"search">): Promise<Result> {
  const session = host.find(call.session);
  const matches = matcher(call.text, call.regex);
  const limit = Math.min(call.limit || 100, SEARCH_HITS);
  const before = call.beforeOffset > 0n ? Number(call.beforeOffset) : Infinity;
  const hits: SearchAnswer_Hit[] = [];
  const reader = new LineReader();
  const look = (lines: readonly Line[], seq: number, wallMs: number): void => {
    for (const { text, offset } of matches(lines.filter((l) => l.offset < before)))
      hits.push(
        create(SearchAnswer_HitSchema, {
          seq: BigInt(seq),
          offset: BigInt(offset),
          line: text.slice(0, LINE_CHARS),
          atUnixMs: BigInt(Math.trunc(wallMs)),
        }),
      );
  };
  let last = { seq: 0, wallMs: 0 };
  const lookAt = (shown: readonly MaskedRecord[]): void => {
    for (const { item, bytes } of shown) {
      if ("gap" in item || item.entry.kind !== OUTPUT_KIND || item.entry.stream === 2 || item.entry.offset >= before) continue;
      const { entry } = item;
      last = entry;
      look(reader.push(entry.offset, bytes), entry.seq, entry.wallMs);
      if (hits.length > SEARCH_HITS * 2) hits.splice(0, hits.length - SEARCH_HITS);
    }
  };
  // An AI finds nothing that it would not be shown: else it could ask for a secret letter by letter.
  const records = operator.kind === "ai" ? session.maskedFrom(1) : null;
  for (let after = 0; after < session.facts.seq && !signal.aborted; ) {
    const items = session.read(after, records ? MASKED_READ_BYTES : SEARCH_READ_BYTES);
    if (items.length === 0) break;
    for (const item of items) {
      after = "gap" in item ? item.toSeq : item.entry.seq;
      lookAt(shownOf(records, item));
    }
    // Others have their turn: a history may be long.
    await new Promise((resolve) => host.ports.defer(() => resolve(null)));
  }
  lookAt(records?.rest() ?? []);
  if (reader.open) look([reader.open], last.seq, last.wallMs);
  return { case: "search", value: create(SearchAnswerSchema, { hits: hits.slice(-limit).reverse() }) };
}

export async function probe({ host }: CallContext, call: Verb<"probe">): Promise<Result> {
  const session = host.find(call.session);
  const { state, probe: p } = await activityOf(session, host.ports);
  return {
    case: "probe",
    value: create(ProbeAnswerSchema, {
      state,
      icanon: p?.icanon ?? false,
      echo: p?.echo ?? false,
      foregroundPgrp: p?.foregroundPgrp ?? 0,
      cwd: session.commands.state.cwd ?? session.facts.cwd,
      processes: (p?.processes ?? []).map((x) => `${x.pid} ${x.comm} ${x.state} ${x.wchan}`),
    }),
  };
}

export async function redact({ host, operator, via }: CallContext, call: Verb<"redact">): Promise<Result> {
  const session = host.find(call.session);
  const seqs = new Set(call.seqs.map(Number));
  const [from, to] = [Number(call.fromSeq), Number(call.toSeq)];
  if (from > 0) {
    const last = to > 0 ? Math.min(to, session.facts.seq) : session.facts.seq;
    if (last - from >= 1_000_000) throw new HoldError("bad_request", "at most 1,000,000 records at once");
    for (let seq = from; seq <= last; seq++) seqs.add(seq);
  }
  if (seqs.size === 0) throw new HoldError("bad_request", "which records? give --seq N, or --from N --to N");
  const sorted = [...seqs].sort((a, b) => a - b);
  // What had no payload, or has lost it before, is told as little as it was erased.
  const redacted = session.redact(sorted);
  const reason = call.reason.slice(0, 500);
  for (let at = 0; at < redacted.length; at += REDACTED_SEQS) {
    const told = redacted.slice(at, at + REDACTED_SEQS).map(BigInt);
    session.record(
      { id: operator.id, via },
      { case: "redacted", value: create(EventBody_RedactedSchema, { seqs: told, reason }) },
    );
  }
  const mirrorPending = redacted.length > 0 ? ((await host.mirror?.erased()) ?? "") : "";
  return { case: "redact", value: create(RedactAnswerSchema, { redacted: redacted.length, mirrorPending }) };
}

export async function auditHead({ host }: CallContext, call: Verb<"auditHead">): Promise<Result> {
  if (call.seal) host.ports.journal.seal();
  const head = host.ports.journal.head();
  // It is kept elsewhere: a power cut must not make this host deny it.
  await host.ports.journal.durable(head.lsn);
  return {
    case: "auditHead",
    value: create(AuditHeadAnswerSchema, {
      lsn: BigInt(head.lsn),
      chain: head.chain,
      signature: head.signature,
      publicKey: host.auditPublicKey,
      folder: host.journalFolder,
    }),
  };
}

/** What the session's programs listen on. */
export async function portList({ host }: CallContext, call: Verb<"portList">): Promise<Result> {
  // Its processes were another machine's.
  if (host.recordOf)
    throw new HoldError("unsupported", "this is the record of a host, from its mirror: what listened then is not known");
  const ports = await portsOf(host, host.find(call.session));
  return { case: "portList", value: create(PortListAnswerSchema, { ports: [...ports], reachable: host.forwarding === "on" }) };
}
