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
import { dialledRelays, gather, type TimedWitness, type WitnessSource } from "./witness/gather.ts";

export type { WitnessSource };

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
  /** Where the ledger ended when they were copied: they must hold that, and what came later they can't. */
  readonly witness: TimedWitness;
  /** Payload files that were never copied, as retention had dropped them. */
  readonly missed: readonly string[];
}

/** Findings first, then notes and one summary, which are `ok`. */
export async function* verifyAudit(
  home: string,
  onProgress: (doneBytes: number, totalBytes: number) => void,
  sources: readonly WitnessSource[] = [],
  origin: AuditOrigin | null = null,
): AsyncGenerator<AuditFinding> {
  const folder = folderOf(home);
  // First: whatever is recorded meanwhile, the ledger that is read then is not behind them.
  const gathered = await gather(home, [...sources, ...newSources(dialledRelays(home), sources)]);
  const { problems, notes } = gathered;
  const later = gathered.witnesses.filter((w) => isAfter(w, origin));
  const witnesses = [...(origin ? [origin.witness] : []), ...gathered.witnesses.filter((w) => !later.includes(w))];
  for (const problem of problems) yield { ok: false, file: "", position: 0, problem: `witness: ${problem}` };
  for (const problem of later.length > 0 ? [...notes, laterText(later)] : notes)
    yield { ok: true, file: "", position: 0, problem };
  const key = publicKeyFromRaw(readFileSync(files.auditPublicKey(home))).export({ format: "der", type: "spki" });
  const missed = new Set((origin?.missed ?? []).map(asFound));
  const steps = verifySteps(new NodeDisk(), folder, key, witnesses);
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
    yield { ok: true, file: "", position: 0, problem: witnessedText(report.agreed as readonly TimedWitness[], witnesses) };
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

/** Of what is named already, nothing twice. */
function newSources(more: readonly WitnessSource[], named: readonly WitnessSource[]): WitnessSource[] {
  return more.filter(({ from }) => !named.some((n) => n.from.split("#", 1)[0] === from.split("#", 1)[0]));
}

/** A host that was put back to an older copy has an older ledger at a later time: that is no copy that lags. */
const isAfter = (w: TimedWitness, origin: AuditOrigin | null): boolean =>
  origin !== null && w.lsn > origin.witness.lsn && w.atUnixMs > origin.witness.atUnixMs;

function laterText(later: readonly TimedWitness[]): string {
  const { lsn, atUnixMs, by } = later.reduce((a, b) => (b.lsn > a.lsn ? b : a));
  return `this copy is older than what ${by} has seen: record ${lsn} at ${new Date(atUnixMs).toISOString()}`;
}

function witnessedText(agreed: readonly TimedWitness[], all: readonly TimedWitness[]): string {
  if (all.length === 0)
    return "no witness: newest records that were cut off together with their seals would not be missed; keep `hold audit heads` elsewhere";
  const last = agreed.at(-1);
  if (!last) return `witnessed by nobody: of ${all.length} heads that were kept, none is of a record that is here as it was`;
  return `witnessed up to record ${last.lsn} at ${new Date(last.atUnixMs).toISOString()} by ${[...new Set(agreed.filter((w) => w.lsn === last.lsn).map((w) => w.by))].join(", ")}`;
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
  // What a client keeps lies in a home too, beside an empty folder.
  if (!existsSync(folder) || !existsSync(files.auditPublicKey(home)))
    throw new HoldError("unreachable", `there is no journal in ${folder}; no host has run here yet`);
  return folder;
}
