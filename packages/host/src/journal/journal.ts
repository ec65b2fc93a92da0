/**
 * The journal: the ordered, durable record of every session of one host.
 *
 *   J1  Per session, `seq` starts at 1 and is contiguous; what is missing is announced as a gap with its exact range.
 *   J2  An append that returned survives any process kill; one that {@link Journal.durable} covers survives a power cut.
 *   J3  Records (seq, actor, offsets, commitment) of all sessions go in order to one host-wide ledger; payload bytes go to a
 *       file a session. The chain covers records, so a lost, pruned or redacted payload is a gap and never a break.
 *   J4  Each life of the host writes only segments that it created. Damage is never deleted and never "repaired" away.
 *   J5  A failed fsync is never retried: the tail is written again to a new segment, and what was erased in older files is erased again, or the
 *       journal freezes.
 *   J6  A frozen journal refuses appends (`journal_frozen`); it never drops and never runs unlogged.
 * What the entries mean is not known here: `kind` and `meta` are the caller's (core/log). Elsewhere: format.ts (bytes), recover.ts, verify.ts.
 */

/** What the caller wants recorded. `payload` is chained by commitment only, so that it may be erased later. */
export interface EntryDraft {
  readonly session: string;
  /** 0–255, the caller's. */
  readonly kind: number;
  /** Operator id, or `system:…`. At most 128 bytes of UTF-8. */
  readonly actor: string;
  readonly via: string;
  /** Stream and byte offset, for output. */
  readonly stream?: number;
  readonly offset?: number;
  /** Small, chained in full, kept as long as the record; at most 64 KiB. */
  readonly meta: Uint8Array;
  /** Bulk bytes, kept by size; at most 1 MiB. */
  readonly payload?: Uint8Array;
  readonly wallMs: number;
  readonly monoNs: bigint;
}

export type PayloadState = "present" | "none" | "redacted" | "pruned" | "damaged";

export interface Entry {
  readonly session: string;
  readonly seq: number;
  /** Position in the ledger, over all sessions and lives: rising, contiguous. */
  readonly lsn: number;
  readonly kind: number;
  readonly actor: string;
  readonly via: string;
  readonly stream: number;
  readonly offset: number;
  readonly meta: Uint8Array;
  readonly payloadBytes: number;
  readonly payloadState: PayloadState;
  readonly payload: Uint8Array;
  readonly wallMs: number;
  readonly monoNs: bigint;
}

export interface Gap {
  readonly gap: true;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly reason: "pruned" | "damaged" | "lost";
}

export interface SessionTail {
  readonly session: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** End offset of the journalled output of each stream. */
  readonly streams: ReadonlyMap<number, number>;
  readonly payloadBytes: number;
}

export interface Overdue {
  readonly session: string;
  /** Its newest record is due as well, so that nothing of it would be left. */
  readonly isWhole: boolean;
}

export interface JournalFault extends Error {
  readonly code: "journal_frozen" | "journal_unwritable" | "disk_full";
}

export interface JournalOptions {
  readonly folder: string;
  /** Ledger segment size before sealing. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** Payload retention of a session: whole sealed payload files, oldest first. Default 64 MiB. */
  readonly payloadBytes?: number;
  /** How long records are kept. Default 90 days. */
  readonly recordDays?: number;
  /** How much of the ledger is kept, whatever its age: whole sealed segments, oldest first. Default 2 GiB. */
  readonly recordBytes?: number;
  /** Held back for the final records when the disk is full. Default 8 MiB. */
  readonly reserveBytes?: number;
  /** Size at which a session's payload file is followed by a new one. Default 4 MiB. */
  readonly payloadFileBytes?: number;
  /** The machine's boot, at most 36 bytes, for the segment header. */
  readonly bootId?: string;
  readonly now: () => { wallMs: number; monoNs: bigint };
  readonly randomBytes: (n: number) => Uint8Array;
  /** Ed25519 private key (PKCS#8 DER) that signs seals; made by the host, kept beside the journal. */
  readonly auditKey: Uint8Array;
  /** The folder holds some of a ledger's segments, and what the others held is not missed. */
  readonly isExcerpt?: boolean;
}

/** How far the ledger goes, for who copies its files. */
export interface JournalMark {
  /** The newest segment, and how many of its bytes. */
  readonly segment: number;
  readonly bytes: number;
  readonly lsn: number;
  /** Erasures, removals and prunings of records that are recorded, and those of them that are done: what they change lies before `bytes`. */
  readonly told: number;
  readonly done: number;
}

export interface Journal {
  /** What recovery found: torn tails cut (with sizes), damage quarantined, lives seen. Also appended as records of session `host`. */
  readonly recovery: readonly string[];
  readonly frozen: JournalFault | null;
  tails(): SessionTail[];
  tail(session: string): SessionTail | null;
  /** Whether it had records and was removed, as far as the ledger goes back. */
  isRemoved(session: string): boolean;
  /** Appends, in the page cache when it returns. Throws {@link JournalFault} when it could not be written whole. */
  append(draft: EntryDraft): Entry;
  /** Everything up to this lsn is on the device. */
  readonly durableLsn: number;
  /** Bytes appended and not yet durable. */
  readonly unsyncedBytes: number;
  /** Starts a group sync if none runs, or queues one; resolves when `lsn` is durable; rejects when the journal froze. */
  durable(lsn: number): Promise<void>;
  /** Entries strictly after `afterSeq`, in order, at least one if there is one, until about `maxBytes` of payload; gaps in place. */
  read(session: string, afterSeq: number, maxBytes: number): (Entry | Gap)[];
  /** The seq of the last entry of this stream whose offset is ≤ `offset` (for reading from an output offset). */
  seqAtOffset(session: string, stream: number, offset: number): number | null;
  /** Erases payload and salt in place (secrets, `hold redact`); record and chain stay. Returns those that were present. */
  erase(session: string, seqs: readonly number[]): readonly number[];
  /**
   * Drops what retention allows. `keepFromSeq` protects what no checkpoint has passed yet and nobody has read; of records only what
   * `recordsFromSeq` (the same, if not told) protects, as their bound must hold whoever reads. Returns gaps made; the files go off the loop.
   */
  prune(session: string, keepFromSeq: number, recordsFromSeq?: number): Gap[];
  /**
   * Drops the records that age and bytes give up, and names the sessions that hold back the rest: their newest record, one that
   * `prune` was told to keep, or, while it was told nothing in this life, any record of theirs is due. It goes when each has a newer record and is pruned past it, or has expired.
   */
  pruneRecords(): Overdue[];
  /** The end of a session's retention: forgets it with its payload files, off the loop. Its small payloads go with the segments that are due. */
  expire(session: string): void;
  /** Removes a session's payload files and forgets it (`hold rm`); its records stay for the audit. */
  remove(session: string): void;
  /** The caller's fold of a session as of `seq`, so that a restart needs not read from 1. A cache, until records before it are pruned. False: it could not be saved. */
  saveFold(session: string, seq: number, blob: Uint8Array): boolean;
  loadFold(session: string): { seq: number; blob: Uint8Array } | null;
  mark(): JournalMark;
  /** Ids of those it holds, as {@link tails}. */
  sessions(): string[];
  /** The ledger's segments that hold records of this session. */
  segmentsOf(session: string): number[];
  /** Head of the ledger chain. Not one for witnesses: a power cut may take it back until it is durable. */
  head(): { lsn: number; chain: Uint8Array; signature: Uint8Array };
  /** The newest point of the chain that is durable, to be witnessed by others; null until the first sync of this life. */
  readonly durableHead: { lsn: number; chain: Uint8Array } | null;
  /** Of the newest record. */
  readonly lastLsn: number;
  /** The chain's value at a record; null where none can be read. Reads a segment. */
  chainAt(lsn: number): Uint8Array | null;
  /** Up to where retention has dropped records, and the chain there. */
  readonly pruned: { lsn: number; chain: Uint8Array } | null;
  /** Seals the current segment (signed) and opens a new one. Also at size, every 60 s while active, and at close. */
  seal(): void;
  /** When {@link tick} wants to be called (monotonic, as `now`), to sign what is not yet under a seal; null if nothing is. */
  readonly nextWakeNs: bigint | null;
  tick(): void;
  /** Probes whether a frozen journal can go on (disk full); true if so. A closed one can't. */
  thaw(): boolean;
  /** Done or refused: what is asked meanwhile stands under the last seal, or is refused as by a frozen journal. */
  close(): Promise<void>;
}
