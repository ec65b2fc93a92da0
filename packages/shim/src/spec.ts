/**
 * The spec file: what a new shim starts, in the binary form that `c/spec.c` reads (docs/shim-protocol.md §3).
 * It holds a whole environment, so it is written 0600 and the shim removes it as soon as it has been read.
 */
import { open } from "node:fs/promises";
import type { ShimSpec } from "./link.ts";

const MAGIC = 0x31534648; // "HFS1"
const HEADER_BYTES = 64;
export const DEFAULT_RING_BYTES = 4 * 1024 * 1024;
export const DEFAULT_INPUT_BYTES = 256 * 1024;

/** `bytesOf`: what a text stands for, where it may stand for bytes that are no UTF-8. */
export type BytesOf = (text: string) => Uint8Array;
const utf8: BytesOf = (text) => Buffer.from(text, "utf8");

export function encodeSpec(spec: ShimSpec, bytesOf: BytesOf = utf8): Uint8Array {
  const ringBytes = spec.ringBytes ?? DEFAULT_RING_BYTES;
  const inputBytes = spec.inputBytes ?? DEFAULT_INPUT_BYTES;
  const strings = [spec.cwd, spec.socketPath, ...spec.argv, ...spec.env];
  const fault = specFault(spec, strings, ringBytes, inputBytes);
  if (fault) throw new TypeError(`[bad_spec] ${fault}`);
  const text = Buffer.from(bytesOf(strings.map((s) => `${s}\0`).join("")));
  const out = Buffer.alloc(HEADER_BYTES + text.length);
  out.writeUInt32LE(MAGIC, 0);
  out.writeUInt32LE(spec.mode === "pty" ? 0 : 1, 4);
  out.writeUInt32LE((spec.respawn ? 1 : 0) | (spec.nofile ? 2 : 0), 8);
  out.writeUInt32LE(spec.cols, 12);
  out.writeUInt32LE(spec.rows, 16);
  out.writeUInt32LE(spec.umask, 20);
  out.writeUInt32LE(ringBytes, 24);
  out.writeUInt32LE(inputBytes, 28);
  out.writeBigInt64LE(BigInt(spec.nofile?.soft ?? -1), 32);
  out.writeBigInt64LE(BigInt(spec.nofile?.hard ?? -1), 40);
  out.writeUInt32LE(spec.argv.length, 48);
  out.writeUInt32LE(spec.env.length, 52);
  text.copy(out, HEADER_BYTES);
  return out;
}

function specFault(spec: ShimSpec, strings: readonly string[], ringBytes: number, inputBytes: number): string | undefined {
  if (!spec.argv[0]) return "argv needs at least a program";
  if (strings.some((s) => s.includes("\0"))) return "an argument, a variable or a path holds a NUL byte";
  if (!spec.cwd.startsWith("/") || !spec.socketPath.startsWith("/")) return "cwd and socketPath must be absolute";
  if (!isWithin(spec.cols, 0, 65_535) || !isWithin(spec.rows, 0, 65_535)) return "size must be 0 to 65535";
  if (!isWithin(spec.umask, 0, 0o7777)) return "umask must be 0 to 0o7777";
  if (!isWithin(ringBytes, 64 * 1024, 64 * 1024 * 1024)) return "ringBytes must be 64 KiB to 64 MiB";
  if (!isWithin(inputBytes, 64 * 1024, 16 * 1024 * 1024)) return "inputBytes must be 64 KiB to 16 MiB";
  return undefined;
}

const isWithin = (n: number, low: number, high: number) => Number.isInteger(n) && n >= low && n <= high;

/** Writes the spec to `path` (created 0600, never overwritten). The shim that reads it removes it. */
export async function writeSpec(path: string, spec: ShimSpec, bytesOf?: BytesOf): Promise<void> {
  const bytes = encodeSpec(spec, bytesOf);
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}
