/** {@link Audit} over calls. */
import { type AuditFinding, type AuditRecord as OnWire, HoldError } from "@holdfast/protocol";
import type { Audit, AuditFound, AuditPage, AuditQuery, AuditRecord } from "../api/index.ts";
import type { AskApprovals as Ask } from "./approvals.ts";

const USUAL_PAYLOAD_BYTES = 1_024;

export function auditOf(ask: Ask): Audit {
  const page = async (query: AuditQuery = {}): Promise<AuditPage> => {
    const { before = 0, limit = 0, actor = "", kinds = [], printed = false, session = "", text = "" } = query;
    const { sinceUnixMs = 0, untilUnixMs = 0, payloadBytes = USUAL_PAYLOAD_BYTES, signal } = query;
    const value = {
      ...{ before: BigInt(before), limit, actor, kinds: [...kinds], printed, ofSession: session, text, payloadBytes },
      ...{ sinceUnixMs: BigInt(sinceUnixMs), untilUnixMs: BigInt(untilUnixMs) },
    };
    const { records, next, reachedUnixMs } = (await ask("auditRead", { case: "auditRead", value }, { signal })).value;
    return { records: records.map(shown), next: Number(next) || null, reachedUnixMs: Number(reachedUnixMs) || null };
  };
  return {
    page,
    async *records(query = {}) {
      let before: number | null = query.before ?? 0;
      while (before !== null) {
        const { records, next }: AuditPage = await page({ ...query, before });
        yield* records;
        before = next;
      }
    },
    async verify({ onProgress = () => {}, signal } = {}) {
      const more = (r: { readonly case: string | undefined; readonly value?: unknown }): void => {
        if (r.case !== "auditVerify") return;
        const { doneBytes, totalBytes } = r.value as { doneBytes: bigint; totalBytes: bigint };
        onProgress(Number(doneBytes), Number(totalBytes));
      };
      const { findings, wrong } = (await ask("auditVerify", { case: "auditVerify", value: {} }, { signal, more })).value;
      return { isWhole: wrong === 0n, wrong: Number(wrong), found: findings.map(found) };
    },
  };
}

function shown({ lsn, session, event, own, gapFromLsn, gapReason, atUnixMs }: OnWire): AuditRecord {
  const about = { lsn: Number(lsn), session, atUnixMs: Number(atUnixMs) };
  if (gapFromLsn === 0n) return { ...about, event: event ?? null, own: event ? null : ownIn(own) };
  const reason = gapReason === "damaged" ? "damaged" : "pruned";
  return { ...about, event: null, own: null, gap: { fromLsn: Number(gapFromLsn), toLsn: Number(lsn), reason } };
}

function ownIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new HoldError("internal", "the host told a record of its journal that is no JSON", {}, { cause });
  }
}

const found = ({ ok, file, position, lsn, session, seq, problem }: AuditFinding): AuditFound => ({
  ...{ ok, file, problem, position: Number(position) },
  ...{ lsn: Number(lsn) || null, session: session || null, seq: Number(seq) || null },
});
