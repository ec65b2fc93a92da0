/**
 * The head of a mirror: which objects make up which files as of one moment, and the facts of sessions; signed by the host, and replaced whole.
 *
 *   H1  It is signed by the host's key, whose hash is the host's id. The audit key, which signs the ledger's seals, stands in it.
 *   H2  `serial` rises with each head, `epoch` with each host that takes over: who has seen one takes none before it.
 *   H3  Who writes one has read the one before (store.ts, by its revision); `mark` says whose it was.
 */
import { createHash, type KeyObject, sign, verify } from "node:crypto";
import { HoldError } from "@holdfast/protocol";
import { publicKeyFromRaw } from "../operator/key.ts";
import type { Copied } from "./pieces.ts";
import { tampered } from "./sealed.ts";

const SIGNED = "holdfast.mirror.1\n";

export interface SessionLine {
  readonly id: string;
  /** The ledger's segments that hold its records (pieces.ts, `writeRuns`). */
  readonly segments: string;
  /** A `Session` of the wire, base64; empty: a command of `hold exec` whose facts the host holds no more. */
  readonly facts: string;
}

export interface Head {
  readonly version: 1;
  readonly hostId: string;
  /** Raw public keys, base64. */
  readonly hostKey: string;
  readonly auditKey: string;
  readonly hostVersion: string;
  readonly epoch: number;
  readonly serial: number;
  /** H3: chance, of the host that wrote it. */
  readonly mark: string;
  readonly asOfUnixMs: number;
  /** The ledger's, signed by the audit key; all base64. */
  readonly ledger: { readonly lsn: number; readonly chain: string; readonly signature: string };
  /** A file's pieces have so many bytes, its last one what is left. */
  readonly pieceBytes: number;
  readonly files: readonly Copied[];
  /** Payload files that retention dropped before they could be copied. */
  readonly missed: readonly string[];
  readonly sessions: readonly SessionLine[];
}

/** Where a reader was before (H2). */
export interface Seen {
  readonly epoch: number;
  readonly serial: number;
}

type Row = readonly [string, number, number, ...string[]];

export function encodeHead(head: Head, hostKey: KeyObject): Uint8Array {
  const files: Row[] = head.files.map((f) => [f.path, f.bytes, f.modifiedMs, ...f.pieces.map(shortName)]);
  const text = JSON.stringify({ ...head, files });
  const signature = sign(null, Buffer.from(SIGNED + text), hostKey).toString("base64");
  return Buffer.from(JSON.stringify({ signature, head: text }));
}

/** A piece's name without what all of them begin with. */
const shortName = (name: string): string => name.slice(name.lastIndexOf("/") + 1);

/** H1, H2. Throws `mirror_tampered`. */
export function decodeHead(bytes: Uint8Array, hostId: string, seen: Seen | null): Head {
  const { signature, text } = envelope(bytes);
  const read = JSON.parse(text) as Omit<Head, "files"> & { readonly files: readonly Row[] };
  const key = Buffer.from(read.hostKey, "base64");
  const id = createHash("sha256").update(key).digest("hex").slice(0, 32);
  if (id !== hostId || read.hostId !== hostId) throw tampered(`its head is of the host ${id}, and ${hostId} was meant`);
  if (!verify(null, Buffer.from(SIGNED + text), publicKeyFromRaw(key), Buffer.from(signature, "base64")))
    throw tampered(`its head is not signed by the host ${hostId}`);
  if (read.version !== 1)
    throw new HoldError(
      "version_mismatch",
      `the mirror is of a newer version (${String(read.version)}) than this program reads; use a newer hold`,
    );
  if (seen && (read.epoch < seen.epoch || (read.epoch === seen.epoch && read.serial < seen.serial)))
    throw tampered(
      `its head was rolled back: it is number ${read.serial} (epoch ${read.epoch}), and number ${seen.serial} (epoch ${seen.epoch}) was read before`,
    );
  const files = read.files.map(([path, size, modifiedMs, ...pieces]) => ({
    path,
    bytes: size,
    modifiedMs,
    pieces: pieces.map((name) => `${hostId}/${read.epoch}/${name}`),
  }));
  return { ...read, files };
}

function envelope(bytes: Uint8Array): { readonly signature: string; readonly text: string } {
  try {
    const { signature, head } = JSON.parse(Buffer.from(bytes).toString("utf8")) as Record<string, unknown>;
    if (typeof signature === "string" && typeof head === "string") return { signature, text: head };
  } catch {
    // As what is none.
  }
  throw tampered("its head is none of ours");
}
