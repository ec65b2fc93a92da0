/**
 * The audit from the journal's files alone, in the caller's own process: it needs no host, believes none, and holds none up.
 * Whoever can read the folder can read this; roles are the host's to check (`auditHead` needs `audit.read`).
 */
import { existsSync, readFileSync } from "node:fs";
import { files, folders } from "@holdfast/carrier";
import { HoldError, type Event } from "@holdfast/protocol";
import { exportRecords } from "./journal/export.ts";
import { NodeDisk } from "./journal/index.ts";
import { decodeOwn } from "./journal/own.ts";
import { parsePayloadName } from "./journal/payload-format.ts";
import { verifySteps } from "./journal/verify.ts";
import { publicKeyFromRaw } from "./operator/key.ts";
import { decodeBody, wireEvent } from "./session/record.ts";

export interface AuditFinding {
  readonly ok: boolean;
  /** Below the journal's folder; "" for a summary. */
  readonly file: string;
  readonly position: number;
  readonly lsn?: number;
  readonly session?: string;
  readonly seq?: number;
  readonly problem: string;
}

/** Where the files are from, if not from a host's own home. */
export interface AuditOrigin {
  /** A head of the ledger that they must hold. */
  readonly witness: { readonly lsn: number; readonly chain: Uint8Array };
  /** Payload files that were never copied, as retention had dropped them. */
  readonly missed: readonly string[];
}

/** Findings first, then notes and one summary, which are `ok`. */
export async function* verifyAudit(
  home: string,
  onProgress: (doneBytes: number, totalBytes: number) => void,
  origin: AuditOrigin | null = null,
): AsyncGenerator<AuditFinding> {
  const folder = folderOf(home);
  const key = publicKeyFromRaw(readFileSync(files.auditPublicKey(home))).export({ format: "der", type: "spki" });
  const missed = new Set((origin?.missed ?? []).map(asFound));
  const steps = verifySteps(new NodeDisk(), folder, key, origin ? [origin.witness] : []);
  for (;;) {
    const step = steps.next();
    if (!step.done) {
      onProgress(step.value.doneBytes, step.value.totalBytes);
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    const report = step.value;
    for (const f of report.findings) {
      yield {
        ok: missed.has(f.file),
        file: f.file,
        position: f.position,
        problem: `${f.kind}: ${f.text}`,
        ...(f.lsn === null ? {} : { lsn: f.lsn }),
        ...(f.session === null ? {} : { session: f.session }),
        ...(f.seq === null ? {} : { seq: f.seq }),
      };
    }
    for (const note of report.notes) yield { ok: true, file: "", position: 0, problem: note };
    const { records, segments, seals, sealedLsn, redacted, pruned } = report;
    yield {
      ok: true,
      file: "",
      position: 0,
      lsn: report.head.lsn,
      problem: `${records} records in ${segments} segments, ${seals} seals good, signed up to record ${sealedLsn}; ${redacted} payloads redacted, ${pruned} pruned`,
    };
    return;
  }
}

/** As verification names a payload file that is not there. */
function asFound(path: string): string {
  const parsed = parsePayloadName(path.replace(/^payload\//, ""));
  return parsed ? `payload/${parsed.session}, file ${parsed.no}` : path;
}

export interface AuditFilter {
  readonly actor?: string;
  readonly sinceMs?: number;
  readonly session?: string;
}

/** What the host's record holds, over all sessions, in its one order; `own`: what the journal says of itself. */
export async function* auditRecords(
  home: string,
  filter: AuditFilter = {},
): AsyncGenerator<{
  readonly session: string;
  readonly event: Event | null;
  readonly own: unknown;
  readonly lsn: number;
  readonly gap?: { readonly fromLsn: number; readonly toLsn: number };
}> {
  for (const record of exportRecords(new NodeDisk(), folderOf(home), filter)) {
    if ("gap" in record) {
      yield { session: "", event: null, own: null, lsn: record.toLsn, gap: { fromLsn: record.fromLsn, toLsn: record.toLsn } };
    } else {
      const body = record.isOwn ? null : decodeBody(record.kind, record.meta);
      yield {
        session: record.session,
        event: record.isOwn ? null : wireEvent(record, body, record.payload),
        own: record.isOwn ? decodeOwn(record.meta) : null,
        lsn: record.lsn,
      };
    }
  }
}

function folderOf(home: string): string {
  const folder = folders.journal(home);
  if (!existsSync(folder)) throw new HoldError("unreachable", `there is no journal in ${folder}; no host has run here yet`);
  return folder;
}
