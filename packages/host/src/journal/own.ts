/** What the journal records about itself, in session `host`: JSON in `meta`, flag OWN, kind 255. Readers ignore types they don't know. */
export const OWN_SESSION = "host";
export const OWN_KIND = 255;
export const OWN_ACTOR = "system:journal";
export const OWN_VIA = "journal";

/** How many seqs one `erased` names, of 17 bytes each at most: within the 64 KiB of a record's `meta`. */
export const ERASED_SEQS = 3_500;
/** The same of the regions of one `damaged`, of 150 bytes each at most. */
export const DAMAGED_REGIONS = 400;

export interface DamagedRegion {
  readonly file: string;
  readonly fromByte: number;
  readonly toByte: number;
  readonly fromLsn: number;
  readonly toLsn: number;
}

export type OwnEvent =
  | { readonly type: "opened"; readonly life: number; readonly bootId: string; readonly version: number }
  | {
      readonly type: "recovered";
      readonly file: string;
      readonly fromByte: number;
      readonly droppedBytes: number;
      readonly sha256: string;
      readonly keptAs: string;
    }
  | { readonly type: "damaged"; readonly regions: readonly DamagedRegion[]; readonly skip: number; readonly beforeLsn: number }
  | { readonly type: "quarantined"; readonly file: string; readonly why: string }
  | { readonly type: "erased"; readonly session: string; readonly seqs: readonly number[] }
  | {
      readonly type: "pruned-payload";
      readonly session: string;
      readonly throughFile: number;
      readonly fromSeq: number;
      readonly toSeq: number;
    }
  | { readonly type: "pruned-records"; readonly throughIndex: number; readonly throughLsn: number; readonly head: string }
  | { readonly type: "removed"; readonly session: string; readonly throughFile: number; readonly nextSeq: number }
  | { readonly type: "rewritten"; readonly index: number; readonly fromLsn: number; readonly toLsn: number; readonly why: string }
  | { readonly type: "frozen"; readonly code: string; readonly why: string }
  | { readonly type: "thawed" };

export const encodeOwn = (event: OwnEvent): Buffer => Buffer.from(JSON.stringify(event));

export function decodeOwn(meta: Uint8Array): OwnEvent | null {
  try {
    return JSON.parse(Buffer.from(meta.buffer, meta.byteOffset, meta.byteLength).toString()) as OwnEvent;
  } catch {
    return null;
  }
}
