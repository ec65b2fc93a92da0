/**
 * One link to one shim: the host's end of docs/shim-protocol.md over a Unix socket.
 *   N1  Bytes of output are handed on as they arrive, without waiting for the end of their frame; they lie in the socket's one
 *       read buffer, so they are valid only during the call. What came in one read and follows each other in a stream is handed
 *       on as one, up to {@link RUN_BYTES}: under a flood each frame would be a record of its own.
 *   N2  After `end` no handler is called again.
 *   N3  Handlers run in the order of the bytes on the socket.
 *   N4  A command with nothing before it is written to the descriptor itself: a stream's own way to the same call takes longer
 *       than the call, and a key waits for it.
 */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { basename, dirname } from "node:path";
import * as frame from "./frame.ts";
import type { ShimHandlers, ShimLink, Stream } from "./link.ts";

const { Type, HEADER_BYTES, OUTPUT_HEADER_BYTES } = frame;
/** Longest path that fits in sockaddr_un. */
const SUN_PATH_BYTES = 107;
/** One read of the socket. A flooding session sends 64 KiB a frame; more a read than two frames gained nothing. */
const READ_BYTES = 128 * 1024;
/** What the host makes one record of. */
const RUN_BYTES = 64 * 1024;
/** No frame but OUTPUT is longer than this; PROBED, the longest, has 2.4 KiB. */
const MAX_CONTROL_BYTES = 16 * 1024;

export interface ConnectOptions {
  /** What the journal holds already: output before these offsets is forgotten by the shim and not sent. */
  readonly ackedOffsets?: readonly { readonly stream: Stream; readonly offset: bigint }[];
}

/** Reaches a socket at a path of any length: a long one through its folder's descriptor. */
export function dialUnix(path: string, dial: (path: string) => Socket): Socket {
  if (Buffer.byteLength(path) <= SUN_PATH_BYTES || process.platform !== "linux") return dial(path);
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  const socket = dial(`/proc/self/fd/${folder}/${basename(path)}`);
  const done = () => {
    if (!isClosed) closeSync(folder);
    isClosed = true;
  };
  let isClosed = false;
  socket.once("connect", done).once("close", done);
  return socket;
}

/** Starts linking at once; `welcome` or `end` is called later, never before this returns. */
export function connectShim(socketPath: string, options: ConnectOptions, handlers: ShimHandlers): ShimLink {
  return new Link(socketPath, options, handlers);
}

type EndReason = Parameters<ShimHandlers["end"]>[0];

class Link implements ShimLink {
  readonly #socket: Socket;
  readonly #handlers: ShimHandlers;
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  /** An unfinished header or control frame, from the end of the last read. */
  #rest: Buffer | undefined;
  /** The output frame whose body is arriving. */
  #bodyLeft = 0;
  #stream: Stream = 0;
  #offset = 0n;
  #timeNs = 0n;
  /** Output of the read at hand that has not been handed on: where it lies in the read buffer. */
  #run: { stream: Stream; offset: bigint; timeNs: bigint; start: number; end: number } | undefined;
  #isPaused = false;
  #ended = false;
  #parting: { reason: EndReason; detail: string } | undefined;

  constructor(path: string, options: ConnectOptions, handlers: ShimHandlers) {
    this.#handlers = handlers;
    this.#socket = dialUnix(path, (p) =>
      createConnection({ path: p, onread: { buffer: this.#buffer, callback: (n) => this.#onBytes(n) } }),
    );
    this.#socket.on("error", (e) => {
      this.#parting ??= { reason: "gone", detail: e.message };
    });
    this.#socket.on("close", () => this.#end());
    this.#send(frame.encodeHello(options.ackedOffsets ?? []));
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { reason, detail } = this.#parting ?? { reason: "gone", detail: "the shim closed the link" };
    this.#handlers.end(reason, detail);
  }

  #send(bytes: Buffer): void {
    if (this.#ended || this.#parting) return;
    const taken = this.#writeNow(bytes);
    if (taken < bytes.length) this.#socket.write(bytes.subarray(taken));
  }

  /** N4. How many bytes the kernel took; what it did not take goes through the stream, which also finds and tells what is the matter. */
  #writeNow(bytes: Buffer): number {
    const socket = this.#socket;
    const { fd } = (socket as { _handle?: { fd?: number } | null })._handle ?? {};
    if (fd === undefined || fd < 0 || socket.connecting || socket.writableLength > 0) return 0;
    try {
      return writeSync(fd, bytes);
    } catch {
      return 0;
    }
  }

  #onBytes(n: number): boolean {
    if (this.#ended || this.#parting) return false;
    try {
      this.#parse(this.#buffer.subarray(0, n));
    } catch (e) {
      if (!(e instanceof RangeError)) {
        this.#socket.destroy();
        throw e;
      }
      this.#part("protocol", e.message);
    }
    return !this.#isPaused && !this.#ended;
  }

  #parse(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#ended) {
      if (this.#bodyLeft > 0) {
        const n = Math.min(this.#bodyLeft, chunk.length - at);
        this.#gather(chunk, at, n);
        at += n;
        continue;
      }
      const have = this.#rest ? this.#rest.length + chunk.length - at : chunk.length - at;
      const need = this.#need(chunk, at);
      if (have < need) {
        // keep the piece; it is short, because bodies of output are never kept
        this.#rest = this.#rest ? Buffer.concat([this.#rest, chunk.subarray(at)]) : Buffer.from(chunk.subarray(at));
        break;
      }
      if (this.#rest && this.#rest.length < HEADER_BYTES && need === HEADER_BYTES) {
        // a header cut in two: complete it, look again
        const n = HEADER_BYTES - this.#rest.length;
        this.#rest = Buffer.concat([this.#rest, chunk.subarray(at, at + n)]);
        at += n;
        if (this.#need(chunk, at) === HEADER_BYTES) this.#take(this.#claim(chunk, at, HEADER_BYTES).head, chunk);
        continue;
      }
      const { head, next } = this.#claim(chunk, at, need);
      at = next;
      this.#take(head, chunk);
    }
    if (!this.#ended) this.#deliver(chunk);
  }

  /** Bytes of the frame at hand that must be together before it can be acted on. Less than a header: the header. */
  #need(chunk: Buffer, at: number): number {
    const b = this.#rest ?? chunk;
    const from = this.#rest ? 0 : at;
    if (b.length - from < HEADER_BYTES) return HEADER_BYTES;
    if (b[from + 4] === Type.output) return OUTPUT_HEADER_BYTES;
    const body = b.readUInt32LE(from);
    if (body > MAX_CONTROL_BYTES) throw new RangeError(`a frame of type ${b[from + 4]} claims ${body} bytes`);
    return HEADER_BYTES + body;
  }

  #claim(chunk: Buffer, at: number, need: number): { head: Buffer; next: number } {
    if (!this.#rest) return { head: chunk.subarray(at, at + need), next: at + need };
    const more = need - this.#rest.length;
    const head = more > 0 ? Buffer.concat([this.#rest, chunk.subarray(at, at + more)]) : this.#rest;
    this.#rest = undefined;
    return { head, next: at + Math.max(more, 0) };
  }

  /** `n` bytes of the output frame at hand lie at `at`: they join those before them, or are handed on after them. */
  #gather(chunk: Buffer, at: number, n: number): void {
    const offset = this.#offset;
    this.#offset += BigInt(n);
    this.#bodyLeft -= n;
    const run = this.#run;
    if (
      run &&
      run.stream === this.#stream &&
      run.end - run.start + n <= RUN_BYTES &&
      run.offset + BigInt(run.end - run.start) === offset
    ) {
      chunk.copyWithin(run.end, at, at + n);
      run.end += n;
      return;
    }
    this.#deliver(chunk);
    this.#run = { stream: this.#stream, offset, timeNs: this.#timeNs, start: at, end: at + n };
  }

  #deliver(chunk: Buffer): void {
    const run = this.#run;
    if (!run) return;
    this.#run = undefined;
    this.#handlers.output(run.stream, run.offset, run.timeNs, chunk.subarray(run.start, run.end));
  }

  /** One whole control frame, or the head of an output frame. */
  #take(b: Buffer, chunk: Buffer): void {
    const h = this.#handlers;
    if (b[4] !== Type.output) this.#deliver(chunk);
    if (this.#ended) return;
    switch (b[4]) {
      case Type.output:
        if (b.readUInt32LE(0) < 16 || b[5]! > 2) throw new RangeError("a malformed output frame");
        this.#bodyLeft = b.readUInt32LE(0) - 16;
        this.#stream = b[5] as Stream;
        this.#offset = b.readBigUInt64LE(8);
        this.#timeNs = b.readBigUInt64LE(16);
        return;
      case Type.result:
        return h.result(frame.decodeResult(b, HEADER_BYTES));
      case Type.welcome:
        return h.welcome(frame.decodeWelcome(b.subarray(HEADER_BYTES)));
      case Type.exited:
        return h.exited(frame.decodeExited(b.subarray(HEADER_BYTES)));
      case Type.closed:
        return h.closed(b[5] as Stream, b.readBigUInt64LE(HEADER_BYTES));
      case Type.probed:
        return h.probe(frame.decodeProbed(b.subarray(HEADER_BYTES)));
      case Type.started:
        return h.started?.(frame.decodeStarted(b.subarray(HEADER_BYTES)));
      case Type.refused:
        return h.releaseRefused?.(b.readUInt32LE(HEADER_BYTES));
      case Type.fenced:
        return this.#part("fenced", "a newer host has taken the shim");
      case Type.released:
        return this.#part("closed", "released");
      case Type.error:
        return this.#part("protocol", frame.decodeError(b.subarray(HEADER_BYTES)).text);
      default:
        throw new RangeError(`unknown frame type ${b[4]}`);
    }
  }

  #part(reason: EndReason, detail: string): void {
    this.#parting ??= { reason, detail };
    this.#socket.destroy();
    this.#end();
  }

  input(seq: bigint, tag: number, bytes: Uint8Array): void {
    this.#send(frame.encodeInput(seq, tag, bytes));
  }
  interrupt(...a: Parameters<ShimLink["interrupt"]>): void {
    this.#send(frame.encodeInterrupt(...a));
  }
  resize(...a: Parameters<ShimLink["resize"]>): void {
    this.#send(frame.encodeResize(...a));
  }
  signal(...a: Parameters<ShimLink["signal"]>): void {
    this.#send(frame.encodeSignal(...a));
  }
  cancel(tag: number): void {
    this.#send(frame.encodeCancel(tag));
  }
  eof(seq: bigint): void {
    this.#send(frame.encodeEof(seq));
  }
  probe(token: number): void {
    this.#send(frame.encodeProbe(token));
  }
  ack(a: Parameters<ShimLink["ack"]>[0]): void {
    this.#send(frame.encodeAck(a));
  }
  endTree(graceMs: number): void {
    this.#send(frame.encodeEndTree(graceMs));
  }
  release(): void {
    this.#send(frame.encodeRelease());
  }
  respawn(seq: bigint, specPath: string): void {
    this.#send(frame.encodeRespawn(seq, specPath));
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }
  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }
  /** What was sent before is still delivered. */
  close(): void {
    if (this.#ended) return;
    this.#parting ??= { reason: "closed", detail: "closed by this host" };
    this.#socket.destroySoon();
  }
}
