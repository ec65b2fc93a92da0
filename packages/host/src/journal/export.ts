/** Reads records out of a journal's files for the audit: oldest first, over all sessions and lives, past damage. */
import type { Disk } from "./disk.ts";
import { INLINE, inlinePayload, type LedgerRecord, OWN, saltSeed } from "./format.ts";
import type { Entry, Gap } from "./journal.ts";
import { PayloadStore } from "./payload-store.ts";
import { scanSegment } from "./scan.ts";
import { listSegments } from "./segment-list.ts";
import { readFile } from "./transfer.ts";

export interface ExportFilter {
  readonly actor?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly session?: string;
}
export interface ExportedRecord extends Entry {
  /** Written by the journal about itself; `meta` is JSON. */
  readonly isOwn: boolean;
  readonly file: string;
  readonly position: number;
  readonly chain: Uint8Array;
  readonly commitment: Uint8Array;
}
/** Lsns that are not there any more. */
export type ExportedGap = Gap & { readonly fromLsn: number; readonly toLsn: number };

const NOTHING = new Uint8Array(0);

export function* exportRecords(disk: Disk, folder: string, filter: ExportFilter = {}): Generator<ExportedRecord | ExportedGap> {
  const payloads = new PayloadStore(disk, `${folder}/payload`, 0, () => NOTHING, 0);
  let lsn = 0;
  try {
    for (const s of listSegments(disk, `${folder}/ledger`)) {
      if (s.header === null) continue;
      const seed = saltSeed(s.header.salt);
      const bytes = readFile(disk, `${folder}/ledger/${s.name}`);
      const found: { at: number; r: LedgerRecord }[] = [];
      scanSegment(bytes, seed, {
        record: (at, r) => {
          found.push({ at, r });
        },
        seal() {},
        damage() {},
        torn() {},
      });
      for (const { at, r } of found) {
        if (r.lsn > s.limitLsn || r.lsn <= lsn) continue;
        if (r.lsn > lsn + 1)
          yield { gap: true, fromLsn: lsn + 1, toLsn: r.lsn - 1, fromSeq: 0, toSeq: 0, reason: lsn === 0 ? "pruned" : "damaged" };
        lsn = r.lsn;
        if (!matches(r, filter)) continue;
        const payload =
          r.payloadBytes === 0
            ? null
            : (r.flags & INLINE) !== 0
              ? inlinePayload(bytes, at, r, seed)
              : payloads.read(r.session, r.fileNo, r.filePosition, r.seq, r.payloadBytes, 0);
        yield {
          session: r.session,
          seq: r.seq,
          lsn: r.lsn,
          kind: r.kind,
          actor: r.actor,
          via: r.via,
          stream: r.stream,
          offset: r.offset,
          meta: r.meta,
          payloadBytes: r.payloadBytes,
          payloadState: payload?.state ?? "none",
          payload: payload?.state === "present" ? payload.payload : NOTHING,
          wallMs: r.wallMs,
          monoNs: r.monoNs,
          isOwn: (r.flags & OWN) !== 0,
          file: `ledger/${s.name}`,
          position: at,
          chain: r.chain,
          commitment: r.commitment,
        };
      }
    }
  } finally {
    payloads.close();
  }
}

const matches = (r: LedgerRecord, f: ExportFilter): boolean =>
  (f.actor === undefined || r.actor === f.actor) &&
  (f.session === undefined || r.session === f.session) &&
  (f.sinceMs === undefined || r.wallMs >= f.sinceMs) &&
  (f.untilMs === undefined || r.wallMs < f.untilMs);
