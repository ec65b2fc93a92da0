/**
 * Frames of the shim and keeper sockets, both directions, pure (docs/shim-protocol.md §4).
 * Header: u32 body length, u8 type, u8 flags, u16 zero; all numbers little-endian. The C side is `c/link.c`.
 */
import { getSystemErrorName } from "node:util";
import type {
  InterruptKey,
  ShimExit,
  ShimProbe,
  ShimRefusal,
  ShimResult,
  ShimStarted,
  ShimStatus,
  ShimWelcome,
  Stream,
} from "./link.ts";

export const HEADER_BYTES = 8;
export const MAX_INPUT_BYTES = 64 * 1024;
/** Header of OUTPUT: the frame header, then u64 offset and u64 time. */
export const OUTPUT_HEADER_BYTES = HEADER_BYTES + 16;
export const PROTOCOL_MIN = 1;
export const PROTOCOL_MAX = 1;
const HELLO_MAGIC = 0x31464c48;

export const Type = {
  hello: 0x01,
  input: 0x02,
  interrupt: 0x03,
  resize: 0x04,
  signal: 0x05,
  eof: 0x06,
  cancel: 0x07,
  probe: 0x08,
  ack: 0x09,
  endTree: 0x0a,
  release: 0x0b,
  respawn: 0x0c,
  spawn: 0x41,
  status: 0x42,
  welcome: 0x81,
  output: 0x82,
  result: 0x83,
  exited: 0x84,
  closed: 0x85,
  probed: 0x86,
  fenced: 0x87,
  error: 0x88,
  released: 0x89,
  refused: 0x8a,
  started: 0x8b,
  spawned: 0xc1,
  statused: 0xc2,
} as const;

const STATUSES: readonly (ShimStatus | undefined)[] = [undefined, "applied", "refused", "void", "cut"];
const REFUSALS: readonly ShimRefusal[] = [
  "none",
  "queue_full",
  "stale_seq",
  "line_too_long",
  "exited",
  "bad_request",
  "io_error",
];
const PHASES = [undefined, "running", "exited", "failed"] as const;
const KEYS: readonly InterruptKey[] = ["intr", "quit", "susp"];
const TARGETS = ["leader", "foreground", "tree"] as const;

type StreamOffset = { readonly stream: Stream; readonly offset: bigint };

function frame(type: number, bodyBytes: number): Buffer {
  const b = Buffer.allocUnsafe(HEADER_BYTES + bodyBytes);
  b.fill(0, 4);
  b.writeUInt32LE(bodyBytes, 0);
  b[4] = type;
  return b;
}

/* ---- host to shim */

export function encodeHello(acked: readonly StreamOffset[], min = PROTOCOL_MIN, max = PROTOCOL_MAX): Buffer {
  const b = frame(Type.hello, 16 + 16 * acked.length);
  b.writeUInt32LE(HELLO_MAGIC, 8);
  b.writeUInt16LE(min, 12);
  b.writeUInt16LE(max, 14);
  b.writeUInt32LE(acked.length, 20);
  putOffsets(b, 24, acked);
  return b;
}

function putOffsets(b: Buffer, at: number, offsets: readonly StreamOffset[]): void {
  for (const [i, o] of offsets.entries()) {
    b.writeUInt32LE(o.stream, at + 16 * i);
    b.writeBigUInt64LE(o.offset, at + 16 * i + 8);
  }
}

export function encodeInput(seq: bigint, tag: number, bytes: Uint8Array): Buffer {
  if (bytes.length > MAX_INPUT_BYTES)
    throw new RangeError(`[bad_request] an input frame holds at most ${MAX_INPUT_BYTES} bytes, not ${bytes.length}`);
  const b = Buffer.allocUnsafe(HEADER_BYTES + 16 + bytes.length);
  b.writeUInt32LE(16 + bytes.length, 0);
  b.writeUInt32LE(Type.input, 4);
  b.writeBigUInt64LE(seq, 8);
  b.writeUInt32LE(tag, 16);
  b.writeUInt32LE(0, 20);
  b.set(bytes, 24);
  return b;
}

export function encodeInterrupt(seq: bigint, key: InterruptKey, byte: number): Buffer {
  const b = frame(Type.interrupt, 16);
  b.writeBigUInt64LE(seq, 8);
  b[16] = KEYS.indexOf(key);
  b[17] = byte;
  return b;
}

export function encodeResize(seq: bigint, cols: number, rows: number, xpixel: number, ypixel: number): Buffer {
  const b = frame(Type.resize, 16);
  b.writeBigUInt64LE(seq, 8);
  for (const [i, n] of [cols, rows, xpixel, ypixel].entries()) b.writeUInt16LE(n, 16 + 2 * i);
  return b;
}

export function encodeSignal(seq: bigint, target: (typeof TARGETS)[number], signo: number): Buffer {
  const b = frame(Type.signal, 16);
  b.writeBigUInt64LE(seq, 8);
  b[16] = TARGETS.indexOf(target);
  b[17] = signo;
  return b;
}

export function encodeEof(seq: bigint): Buffer {
  const b = frame(Type.eof, 8);
  b.writeBigUInt64LE(seq, 8);
  return b;
}

export function encodeRespawn(seq: bigint, specPath: string): Buffer {
  const path = Buffer.from(specPath, "utf8");
  const b = frame(Type.respawn, 8 + path.length);
  b.writeBigUInt64LE(seq, 8);
  b.set(path, 16);
  return b;
}

function one(type: number, value: number): Buffer {
  const b = frame(type, 4);
  b.writeUInt32LE(value, 8);
  return b;
}
export const encodeCancel = (tag: number): Buffer => one(Type.cancel, tag);
export const encodeProbe = (token: number): Buffer => one(Type.probe, token);
export const encodeEndTree = (graceMs: number): Buffer => one(Type.endTree, graceMs);
export const encodeRelease = (): Buffer => frame(Type.release, 0);

export function encodeAck(a: {
  readonly streams?: readonly StreamOffset[];
  readonly resultSeq?: bigint;
  readonly exit?: boolean;
}): Buffer {
  const streams = a.streams ?? [];
  const b = frame(Type.ack, 16 + 16 * streams.length);
  b.writeUInt32LE((a.resultSeq === undefined ? 0 : 1) | (a.exit ? 2 : 0), 8);
  b.writeUInt32LE(streams.length, 12);
  b.writeBigUInt64LE(a.resultSeq ?? 0n, 16);
  putOffsets(b, 24, streams);
  return b;
}

/* ---- shim to host: bodies without the header */

export function decodeWelcome(b: Buffer): ShimWelcome {
  const streams = [];
  for (let i = 0, n = b.readUInt32LE(64); i < n; i++) {
    const at = 72 + 24 * i;
    streams.push({ stream: b.readUInt32LE(at) as Stream, start: b.readBigUInt64LE(at + 8), end: b.readBigUInt64LE(at + 16) });
  }
  const phase = PHASES[b.readUInt8(3)];
  if (!phase) throw new RangeError("unknown phase");
  return {
    protocol: b.readUInt16LE(0),
    mode: b[2] === 0 ? "pty" : "pipes",
    phase,
    shimPid: b.readUInt32LE(8),
    pid: b.readUInt32LE(12),
    pidStart: b.readBigUInt64LE(16),
    cols: b.readUInt16LE(24),
    rows: b.readUInt16LE(26),
    ...(phase === "failed" ? { failure: { errno: errnoName(b.readUInt32LE(28)), step: text(b, 32, 16) } } : {}),
    receivedSeq: b.readBigUInt64LE(48),
    appliedSeq: b.readBigUInt64LE(56),
    streams,
  };
}

export function decodeResult(b: Buffer, at = 0): ShimResult {
  const status = STATUSES[b.readUInt8(at + 28)];
  const refusal = REFUSALS[b.readUInt8(at + 29)];
  if (!status || !refusal) throw new RangeError("unknown status or refusal");
  return {
    seq: b.readBigUInt64LE(at),
    status,
    refusal,
    bytes: b.readUInt32LE(at + 24),
    secret: b[at + 30] === 1,
    outputOffset: b.readBigUInt64LE(at + 8),
    timeNs: b.readBigUInt64LE(at + 16),
  };
}

export function decodeExited(b: Buffer): ShimExit {
  const code = b.readInt32LE(0);
  const signal = b.readInt32LE(4);
  return {
    code: code < 0 ? null : code,
    signal: signal === 0 ? null : signal,
    core: b.readUInt32LE(8) === 1,
    userUs: b.readBigUInt64LE(16),
    systemUs: b.readBigUInt64LE(24),
    maxRssKib: b.readBigUInt64LE(32),
    timeNs: b.readBigUInt64LE(40),
    wallMs: b.readBigUInt64LE(48),
  };
}

export function decodeProbed(b: Buffer): ShimProbe {
  const flags = b.readUInt32LE(4);
  const processes = [];
  for (let i = 0, n = b.readUInt32LE(24); i < n; i++) {
    const at = 32 + 72 * i;
    const syscall = b.readInt32LE(at + 4);
    processes.push({
      pid: b.readUInt32LE(at),
      comm: text(b, at + 24, 16),
      state: String.fromCharCode(b.readUInt8(at + 16)),
      wchan: text(b, at + 40, 32),
      syscall,
      syscallArg0: syscall < 0 ? -1 : Number(b.readBigUInt64LE(at + 8)),
    });
  }
  return {
    token: b.readUInt32LE(0),
    icanon: (flags & 1) !== 0,
    echo: (flags & 2) !== 0,
    isig: (flags & 4) !== 0,
    foregroundPgrp: b.readUInt32LE(8),
    leaderPid: b.readUInt32LE(12),
    kernelInputBytes: b.readUInt32LE(16),
    queuedInputBytes: b.readUInt32LE(20),
    processes,
  };
}

export function decodeStarted(b: Buffer): ShimStarted {
  const errno = b.readUInt32LE(4);
  return {
    pid: b.readUInt32LE(0),
    pidStart: b.readBigUInt64LE(8),
    ...(errno ? { failure: { errno: errnoName(errno), step: text(b, 16, 16) } } : {}),
  };
}

export const decodeError = (b: Buffer): { code: number; text: string } => ({
  code: b.readUInt16LE(0),
  text: b.toString("utf8", 4),
});

/* ---- keeper */

export function encodeSpawn(specPath: string): Buffer {
  const path = Buffer.from(specPath, "utf8");
  const b = frame(Type.spawn, path.length);
  b.set(path, HEADER_BYTES);
  return b;
}
export const encodeStatus = (): Buffer => frame(Type.status, 0);

export interface KeeperStatus {
  readonly protocol: number;
  readonly keeperPid: number;
  /** 0 while the host is down and waiting to be started again. */
  readonly hostPid: number;
  /** How often a host was started; 1 for a host that never died. */
  readonly hostStarts: number;
  readonly hostAgeMs: number;
  /** Until the next start, while the host is down. */
  readonly restartInMs: number;
}

export const decodeSpawned = (b: Buffer): { pid: number; errno: number; step: string } => ({
  pid: b.readUInt32LE(0),
  errno: b.readUInt32LE(4),
  step: text(b, 8, 16),
});

export function decodeStatused(b: Buffer): KeeperStatus {
  return {
    protocol: b.readUInt32LE(0),
    keeperPid: b.readUInt32LE(4),
    hostPid: b.readUInt32LE(8),
    hostStarts: b.readUInt32LE(12),
    hostAgeMs: Number(b.readBigUInt64LE(16)),
    restartInMs: Number(b.readBigUInt64LE(24)),
  };
}

/* ---- shared */

export function errnoName(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `E${errno}`;
  }
}

function text(b: Buffer, at: number, bytes: number): string {
  const nul = b.indexOf(0, at);
  return b.toString("utf8", at, nul < 0 || nul > at + bytes ? at + bytes : nul);
}
