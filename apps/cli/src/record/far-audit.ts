/** The record of a host whose files are not here: pages of it, and the host's own word on whether it is whole (ADR 172). */
import type { AuditQuery, AuditFound, HostClient } from "@holdfast/sdk";
import type { AuditFilter, AuditFinding, AuditRecord } from "../app/context.ts";
import { oldestFirst } from "./oldest-first.ts";

/** All of each: nothing that was typed or printed at once is more. */
const PAYLOAD_BYTES = 262_144;
const PAGE_RECORDS = 1_000;

export function farRecords(
  { audit }: HostClient,
  { actor, sinceMs, kinds, printed = true }: AuditFilter,
  signal: AbortSignal,
): AsyncIterable<AuditRecord> {
  return oldestFirst(
    pages(audit, {
      ...{ limit: PAGE_RECORDS, payloadBytes: PAYLOAD_BYTES, printed, signal },
      ...(actor === undefined ? {} : { actor }),
      ...(sinceMs === undefined ? {} : { sinceUnixMs: Math.trunc(sinceMs) }),
      ...(kinds === undefined ? {} : { kinds }),
    }),
  );
}

async function* pages(audit: HostClient["audit"], query: AuditQuery): AsyncGenerator<readonly AuditRecord[]> {
  for (let before: number | null = 0; before !== null; ) {
    const { records, next } = await audit.page({ ...query, before });
    yield records;
    before = next;
  }
}

/** What is wrong first; what this user's clients have seen of it counts as what the host finds does. */
export async function* farFindings(
  { audit, witness }: HostClient,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): AsyncGenerator<AuditFinding> {
  const contradicted = await witness.checked();
  if (contradicted) yield { ok: false, file: "", position: 0, problem: `witness: ${contradicted.message}` };
  const { found, wrong } = await audit.verify({ onProgress, signal });
  for (const one of found.slice(0, -1)) yield finding(one);
  const named = found.filter(({ ok }) => !ok).length;
  if (wrong > named) yield note(`${wrong} things are wrong, and the first ${named} are named`);
  yield note("this is the host's own word on its files: hold audit verify on its machine, or over a mirror, believes no host");
  const summary = found.at(-1);
  if (summary) yield finding(summary);
}

const note = (problem: string): AuditFinding => ({ ok: true, file: "", position: 0, problem });

const finding = ({ lsn, session, seq, ...about }: AuditFound): AuditFinding => ({
  ...about,
  ...(lsn === null ? {} : { lsn }),
  ...(session === null ? {} : { session }),
  ...(seq === null ? {} : { seq }),
});
