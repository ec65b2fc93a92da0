/** The record as a file, as `hold audit export` writes it: JSON lines, the signed head first, then the oldest record. */
import { type AuditQuery, auditJson, type HostClient } from "@holdfast/sdk";

/** A page holds all of it until it is saved. */
const MOST_BYTES = 128 * 1024 * 1024;
const PAYLOAD_BYTES = 256 * 1024;

export interface Exported {
  readonly lines: Blob;
  readonly records: number;
  /** Not all: the newest, as far as a page can hold. */
  readonly isCut: boolean;
}

export async function exportLines(
  client: HostClient,
  query: AuditQuery & { readonly signal: AbortSignal },
  told: (records: number) => void,
): Promise<Exported> {
  const head = await client.auditHead(true);
  const names = new Map((await client.list({ all: true })).map(({ id, name }) => [id, name]));
  const first = {
    ...{ kind: "head", lsn: head.lsn, chain: hex(head.chain), signature: hex(head.signature), publicKey: hex(head.publicKey) },
    at: new Date().toISOString(),
  };
  const pages: string[] = [];
  let [bytes, records, before]: [number, number, number | null] = [0, 0, head.lsn + 1];
  while (before !== null && bytes < MOST_BYTES) {
    const page = await client.audit.page({ ...query, before, limit: 1_000, payloadBytes: PAYLOAD_BYTES });
    const text = page.records
      .toReversed()
      .map((record) => `${JSON.stringify(auditJson(record, names.get(record.session) ?? null))}\n`)
      .join("");
    pages.push(text);
    bytes += text.length;
    records += page.records.length;
    before = page.next;
    told(records);
  }
  const lines = new Blob([`${JSON.stringify(first)}\n`, ...pages.toReversed()], { type: "application/x-ndjson" });
  return { lines, records, isCut: before !== null };
}

export function save(lines: Blob, name: string): void {
  const url = URL.createObjectURL(lines);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
