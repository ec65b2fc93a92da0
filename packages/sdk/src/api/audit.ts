/** The host's record of who did what, over all sessions, read over a link by an auditor or an admin who is no AI. */
import type { Event } from "@holdfast/protocol";

export interface AuditQuery {
  /** Records below this lsn. Default: from the newest. */
  readonly before?: number;
  /** Records of a page; default 200, 1,000 at most. Fewer come where they are large. */
  readonly limit?: number;
  /** Id of an operator; `system:…` of what nobody did. */
  readonly actor?: string;
  /** As `hold audit show --kind` spells them, and `journal` (what it says of itself) and `gap`. Default: all but output and what terminals answered. */
  readonly kinds?: readonly string[];
  /** Without `kinds`: output and what terminals answered, too. Default false. */
  readonly printed?: boolean;
  /** Id, or the name of a session that there is. */
  readonly session?: string;
  /** In what was typed, printed or said, in any case of letters. */
  readonly text?: string;
  readonly sinceUnixMs?: number;
  readonly untilUnixMs?: number;
  /** Most bytes of each payload; default 1,024, at most 262,144. `event.payloadBytes` says how many there are. */
  readonly payloadBytes?: number;
  readonly signal?: AbortSignal;
}

export interface AuditRecord {
  /** Its number in the host's one record; of a gap, the last that is missing. */
  readonly lsn: number;
  /** Id; empty of a gap. */
  readonly session: string;
  /** 0 of a gap. */
  readonly atUnixMs: number;
  readonly event: Event | null;
  /** What the journal says of itself (docs/journal.md). */
  readonly own: unknown;
  readonly gap?: { readonly fromLsn: number; readonly toLsn: number; readonly reason: "pruned" | "damaged" };
}

export interface AuditPage {
  /** Newest first. */
  readonly records: readonly AuditRecord[];
  /** `before` of the next page; null: there is nothing older. A page may be empty and have a next one: a search goes 64 MiB of the ledger at a time. */
  readonly next: number | null;
  /** As far back as was looked; null: nothing was. */
  readonly reachedUnixMs: number | null;
}

export interface AuditFound {
  /** False: something is wrong. */
  readonly ok: boolean;
  /** Below the journal's folder; empty: of no one file. */
  readonly file: string;
  readonly position: number;
  readonly lsn: number | null;
  readonly session: string | null;
  readonly seq: number | null;
  readonly problem: string;
}

export interface AuditVerdict {
  readonly isWhole: boolean;
  /** How many things are wrong. */
  readonly wrong: number;
  /** What is wrong, in the ledger's order, the first 100; then notes, of which the last is the summary. */
  readonly found: readonly AuditFound[];
}

export interface Audit {
  page(query?: AuditQuery): Promise<AuditPage>;
  /** Page after page, newest first, until there is nothing older. */
  records(query?: AuditQuery): AsyncIterable<AuditRecord>;
  /**
   * Has the host walk its whole record, as it lies in its files: about a second a GiB. One at a time: throws `too_many` while another goes on.
   * It is the host that says so; `hold audit verify` on its machine, or over a mirror, believes no host.
   */
  verify(options?: {
    readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
    readonly signal?: AbortSignal;
  }): Promise<AuditVerdict>;
}
