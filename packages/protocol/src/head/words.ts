/** Heads as they are signed, carried and written down. */
import type { Head } from "../wire/witness.ts";
import type { Init } from "../message.ts";
import type { Point } from "./standing.ts";

/** A head with its host's signature, which whoever holds it has checked or is about to. */
export interface SignedHead {
  readonly lsn: number;
  /** 32 bytes. */
  readonly chain: Uint8Array;
  readonly atUnixMs: number;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

const MAX_UNIX_MS = 8.64e15;

/**
 * What a host's key signs: that its chain has this value at that record; of a pruning, that retention has dropped all records up to there.
 * The key is in it, so that a head says whose it is.
 */
export function headWords(
  of: "head" | "pruning",
  hostKey: Uint8Array,
  { lsn, chain, atUnixMs }: Omit<SignedHead, "signature">,
): Uint8Array {
  const text = Uint8Array.from(`holdfast ${of} 1\n${lsn} ${atUnixMs}\n`, (c) => c.charCodeAt(0));
  const out = new Uint8Array(text.length + 64);
  out.set(text);
  out.set(hostKey, text.length);
  out.set(chain, text.length + 32);
  return out;
}

/** Null for what is none: a field is missing, of another length, or beyond what a record can be numbered by. */
export function headFrom(wire: Head | undefined): SignedHead | null {
  if (wire === undefined) return null;
  const lsn = Number(wire.lsn);
  const atUnixMs = Number(wire.atUnixMs);
  const isSound =
    Number.isSafeInteger(lsn) &&
    lsn > 0 &&
    Math.abs(atUnixMs) <= MAX_UNIX_MS &&
    wire.chain.length === 32 &&
    wire.signature.length === 64;
  return isSound ? { lsn, chain: wire.chain, atUnixMs, signature: wire.signature } : null;
}

export function headOnWire({ lsn, chain, atUnixMs, signature }: SignedHead): Init<Head> {
  return { lsn: BigInt(lsn), chain, atUnixMs: BigInt(Math.trunc(atUnixMs)), signature };
}

export function pointOf({ lsn, chain }: Pick<SignedHead, "lsn" | "chain">): Point {
  return { lsn, chain: hexOf(chain) };
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** 128 hex digits and the rest: a line for a file, a mail or a sheet of paper. `host`: its id. */
export function formatHead(host: string, { lsn, atUnixMs, chain, signature }: SignedHead): string {
  return `${host} ${lsn} ${atUnixMs} ${hexOf(chain)} ${hexOf(signature)}`;
}

/** The heads that stand in a text, a line each; other lines are passed over. */
export function parseHeads(text: string): (SignedHead & { readonly host: string })[] {
  return text.split("\n").flatMap((line) => {
    const [, host = "", lsn, at, chain = "", signature = ""] =
      /^\s*([0-9a-f]{32}) (\d{1,16}) (-?\d{1,16}) ([0-9a-f]{64}) ([0-9a-f]{128})\s*$/.exec(line) ?? [];
    const head = { lsn: Number(lsn), atUnixMs: Number(at), chain: bytesFrom(chain), signature: bytesFrom(signature) };
    const isSound = host !== "" && Number.isSafeInteger(head.lsn) && head.lsn > 0 && Math.abs(head.atUnixMs) <= MAX_UNIX_MS;
    return isSound ? [{ host, ...head }] : [];
  });
}

function bytesFrom(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}
