/**
 * One page of a host's record, over all sessions, newest first, out of the journal's files.
 *   P1  Every record is on one page once: the next begins below the last that was looked at, whether it was wanted or not.
 *   P2  A page looks through {@link LOOKED_BYTES} of the ledger at most: one that found nothing there says how far it came.
 *   P3  Records with their payloads fit a frame of a link.
 */
import {
  type AuditReadAnswer,
  AuditReadAnswerSchema,
  type AuditReadCall,
  type AuditRecord,
  AuditRecordSchema,
  create,
  type Init,
} from "@holdfast/protocol";
import { type Disk, type ExportedRecord, recordsBack } from "../journal/index.ts";
import { decodeBody, kinds, wireEvent } from "../session/record.ts";

const USUAL = 200;
const MOST = 1_000;
const MOST_PAYLOAD_BYTES = 256 * 1024;
const PAGE_BYTES = 512 * 1024;
const LOOKED_BYTES = 64 * 1024 * 1024;
/** Nobody's deeds: told where they are asked for. */
const PRINTED: ReadonlySet<string> = new Set(["output", "reply_written"]);

/** As the schema spells them. */
const words = new Map<number, string>(
  Object.entries(kinds).map(([name, number]) => [number, name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)]),
);

export type AuditAsk = Init<AuditReadCall>;

export function readPage(disk: Disk, folder: string, ask: AuditAsk): AuditReadAnswer {
  const { kinds: asked = [], actor = "", ofSession = "", printed = false } = ask;
  const wanted = new Set(asked);
  const isKind = (word: string): boolean => (wanted.size > 0 ? wanted.has(word) : printed || !PRINTED.has(word));
  const [since, until] = [Number(ask.sinceUnixMs ?? 0n), Number(ask.untilUnixMs ?? 0n)];
  const text = (ask.text ?? "").toLowerCase();
  const limit = Math.min(ask.limit || USUAL, MOST);
  const payloadBytes = Math.min(ask.payloadBytes ?? 0, MOST_PAYLOAD_BYTES);
  const records: AuditRecord[] = [];
  let bytes = 0;
  let reached = { lsn: 0, wallMs: 0 };
  const add = (record: AuditRecord, size: number): boolean => {
    records.push(record);
    bytes += size;
    return records.length >= limit || bytes >= PAGE_BYTES;
  };
  const answer = (next: number): AuditReadAnswer =>
    create(AuditReadAnswerSchema, { records, next: BigInt(next), reachedUnixMs: BigInt(Math.trunc(reached.wallMs)) });
  const walk = recordsBack(
    disk,
    folder,
    Number(ask.before || 0n) || Number.MAX_SAFE_INTEGER,
    (r) =>
      isKind(wordOf(r.kind)) &&
      (actor === "" || r.actor === actor) &&
      (ofSession === "" || r.session === ofSession) &&
      (since === 0 || r.wallMs >= since) &&
      (until === 0 || r.wallMs < until),
  );
  for (const found of walk) {
    if ("bytes" in found) {
      reached = found;
      if (found.bytes >= LOOKED_BYTES) return answer(found.lsn > 1 ? found.lsn : 0);
    } else if ("gap" in found) {
      if (text !== "" || !isKind("gap")) continue;
      const { fromLsn, toLsn, reason } = found;
      const gap = create(AuditRecordSchema, { lsn: BigInt(toLsn), gapFromLsn: BigInt(fromLsn), gapReason: reason });
      if (add(gap, 64) && fromLsn > 1) return answer(fromLsn);
    } else {
      const record = shown(found);
      if (text !== "" && !holds(record, text)) continue;
      reached = found;
      if (record.event && record.event.data.length > payloadBytes)
        record.event.data = record.event.data.subarray(0, payloadBytes);
      if (add(record, 256 + found.meta.length + (record.event?.data.length ?? 0)) && found.lsn > 1) return answer(found.lsn);
    }
  }
  return answer(0);
}

const wordOf = (kind: number): string => (kind === OWN ? "journal" : (words.get(kind) ?? "unknown"));
const OWN = 255;

function shown(record: ExportedRecord): AuditRecord {
  const about = { lsn: BigInt(record.lsn), session: record.session, atUnixMs: BigInt(Math.trunc(record.wallMs)) };
  return record.isOwn
    ? create(AuditRecordSchema, { ...about, own: record.meta })
    : create(AuditRecordSchema, { ...about, event: wireEvent(record, decodeBody(record.kind, record.meta), record.payload) });
}

/** In its texts and in what was typed or printed; not in numbers, nor in hashes. */
function holds({ session, event, own }: AuditRecord, text: string): boolean {
  const isIn = (value: unknown): boolean => {
    if (typeof value === "string") return value.toLowerCase().includes(text);
    if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8").toLowerCase().includes(text);
    if (Array.isArray(value)) return value.some(isIn);
    return typeof value === "object" && value !== null && Object.values(value).some(isIn);
  };
  return isIn(session) || isIn(own) || (event !== undefined && [event.actor, event.via, event.data, event.body?.kind].some(isIn));
}
