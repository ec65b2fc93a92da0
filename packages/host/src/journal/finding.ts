/** What verification reports. A finding is a failure; a note is not (what was redacted, pruned, or torn by a crash as expected). */
export type FindingKind =
  | "damaged"
  | "chain"
  | "missing"
  | "doubled"
  | "out-of-order"
  | "seal"
  | "missing-seal"
  | "segment"
  | "payload"
  | "unexplained-erasure"
  | "truncated"
  | "marker";

/** A head that somebody has kept. */
export interface Witness {
  readonly lsn: number;
  readonly chain: Uint8Array;
  /** Who has kept it, in words. */
  readonly by?: string;
}

export interface Finding {
  readonly kind: FindingKind;
  /** Below the journal's folder. */
  readonly file: string;
  readonly position: number;
  lsn: number | null;
  session: string | null;
  seq: number | null;
  readonly text: string;
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
  readonly segments: number;
  readonly lives: number;
  readonly records: number;
  readonly seals: number;
  /** The last lsn under a good signature. */
  readonly sealedLsn: number;
  readonly head: { readonly lsn: number; readonly chain: Uint8Array };
  readonly redacted: number;
  readonly pruned: number;
  /** Witnesses whose head is on the chain, by rising lsn. */
  readonly agreed: readonly Witness[];
}

export const describeFinding = (f: Finding): string =>
  `${f.file} byte ${f.position}: ${f.kind}${f.lsn === null ? "" : `, record ${f.lsn}`}${f.session === null ? "" : `, session ${f.session}`}${f.seq === null ? "" : ` seq ${f.seq}`}: ${f.text}`;
