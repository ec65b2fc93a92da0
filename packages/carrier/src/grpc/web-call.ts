/**
 * A call to a relay over a WebSocket, for pages and for networks that break gRPC: each message is what a message of the gRPC call would be. Both ends,
 * a relay's and a native client's, are this one.
 *
 *   W1  Who writes is held back by the socket, and whoever sends to one that does not read, by TCP.
 *   W2  An orderly end comes after all that was written; another end says why, and what is under way is lost with it.
 *   W3  An end from which not a byte comes, though it is pinged, is gone after three beats. One that is held back is not looked at.
 */
import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { HoldError, isCode, limits } from "@holdfast/protocol";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { REACH_SUBPROTOCOL } from "../websocket/address.ts";
import { MESSAGE_BYTES } from "./service.ts";

/** A knock, and a piece of what passes, with room: more is never kept of a message, before somebody is known or after. */
const MAX_BYTES = limits.preAuthBytes;
/** Messages that wait at either side, beside what the socket holds. */
const WAITING = 8;
const BEAT_MS = 5_000;
const SILENT_BEATS = 3;
/** How long the other end may take to read what was sent before an orderly end. */
const CLOSE_MS = 15_000;
const FAULT_MS = 1_000;
/** RFC 6455 §7.4: nothing wrong, who was there has left, no code; and one of our own, with the reason as its text. */
const ORDERLY: ReadonlySet<number> = new Set([1000, 1001, 1005]);
const REFUSED = 4000;
const REASON_BYTES = 120;

const bounds = { perMessageDeflate: false, maxPayload: MAX_BYTES, maxFragments: 64, closeTimeout: CLOSE_MS } as const;

export class WebCall extends Duplex {
  readonly #socket: WebSocket;
  readonly #beat: NodeJS.Timeout;
  #why: HoldError | null = null;

  constructor(socket: WebSocket, below: Duplex, beatMs = BEAT_MS) {
    super({ objectMode: true, highWaterMark: WAITING, allowHalfOpen: false });
    this.#socket = socket;
    socket.on("message", (data: RawData, isBinary: boolean) => {
      if (this.destroyed) return;
      if (!isBinary) return this.fail(new HoldError("bad_request", "a text message; pieces are binary"));
      if (!this.push(data)) socket.pause();
    });
    socket.on("error", (cause) => this.destroy(new HoldError("bad_request", cause.message, {}, { cause })));
    socket.on("close", (code, reason) => {
      if (this.#why) this.destroy(this.#why);
      else if (ORDERLY.has(code)) this.push(null);
      else this.destroy(endOf(code, reason.toString()));
    });
    this.#beat = beating(socket, below, beatMs, () => this.destroy(new HoldError("unreachable", "no word for three beats")));
  }

  /** Ends it with why, after what was written. */
  fail(why: HoldError): void {
    if (this.#why || this.destroyed) return;
    this.#why = why;
    this.end();
  }

  giveUp(): void {
    this.destroy();
  }

  /** Resolves when the other end answers a ping. */
  here(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once("pong", () => resolve());
      if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(bytes: Uint8Array, _encoding: string, taken: (fault?: Error | null) => void): void {
    this.#socket.send(bytes, taken);
  }

  override _final(done: () => void): void {
    if (!this.#why) this.#socket.close(1000);
    else {
      // Who is told why need not be waited for long, and may not be reading.
      this.#socket.close(REFUSED, reasonOf(this.#why));
      this.#socket.resume();
      setTimeout(() => this.#socket.terminate(), FAULT_MS).unref();
    }
    done();
  }

  override _destroy(fault: Error | null, done: (fault: Error | null) => void): void {
    clearInterval(this.#beat);
    this.#socket.terminate();
    done(fault);
  }
}

/** W3. */
function beating(socket: WebSocket, below: Duplex, beatMs: number, silent: () => void): NodeJS.Timeout {
  let read = 0;
  let beats = 0;
  const timer = setInterval(() => {
    const { bytesRead } = below as Duplex & { readonly bytesRead: number };
    beats = bytesRead === read && !socket.isPaused ? beats + 1 : 0;
    read = bytesRead;
    if (beats > SILENT_BEATS) return silent();
    if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, beatMs);
  return timer;
}

/** As a gRPC status of ours says it, cut to what a close frame holds. */
function reasonOf({ code, message }: HoldError): string {
  const text = Buffer.from(`[${code}] ${message}`);
  return text
    .subarray(0, REASON_BYTES)
    .toString()
    .replace(/\uFFFD$/, "");
}

function endOf(code: number, reason: string): HoldError {
  const [, said = "", message = ""] = /^\[(\w+)\] (.*)$/s.exec(reason) ?? [];
  return code === REFUSED && isCode(said)
    ? new HoldError(said, message)
    : new HoldError("unreachable", `the WebSocket ended (${code}${reason && `: ${reason}`})`);
}

export interface WebCallEnd {
  /** Takes an upgrade over; whose Host, Origin and path are good is the caller's to know. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer, met: (call: WebCall) => void): void;
}

export function webCallEnd({ beatMs }: { readonly beatMs?: number } = {}): WebCallEnd {
  const server = new WebSocketServer({
    ...bounds,
    noServer: true,
    clientTracking: false,
    handleProtocols: () => REACH_SUBPROTOCOL,
  });
  return {
    take: (request, below, head, met) =>
      server.handleUpgrade(request, below, head, (socket) => met(new WebCall(socket, below, beatMs))),
  };
}

export interface WebDial {
  /** PEM, in place of the system's authorities. */
  readonly ca?: string | Buffer | undefined;
  readonly timeoutMs: number;
  /** Throws for a relay that is not the one that is meant, before anything is said to it; then its certificate's authority is not asked. */
  readonly checkKey?: ((spki: Uint8Array) => void) | undefined;
}

/** Rejects with `unreachable`, or with what `checkKey` throws. */
export function dialWeb(url: string, { ca, timeoutMs, checkKey }: WebDial): Promise<WebCall> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, REACH_SUBPROTOCOL, {
      ...bounds,
      // A list of hosts is longer than a piece.
      maxPayload: MESSAGE_BYTES,
      handshakeTimeout: timeoutMs,
      ...(ca === undefined ? {} : { ca }),
      ...(checkKey ? { rejectUnauthorized: false } : {}),
    });
    let below: Duplex | null = null;
    socket.once("upgrade", (response) => {
      below = response.socket;
    });
    socket.once("error", (cause: Error) =>
      reject(new HoldError("unreachable", `no relay answers at ${new URL(url).origin} (${cause.message})`, {}, { cause })),
    );
    socket.once("open", () => {
      try {
        checkKey?.(keyOf(below!));
        socket.removeAllListeners("error");
        resolve(new WebCall(socket, below!));
      } catch (fault) {
        socket.terminate();
        reject(fault);
      }
    });
  });
}

function keyOf(below: Duplex): Uint8Array {
  const certificate = (below as Partial<import("node:tls").TLSSocket>).getPeerX509Certificate?.();
  return certificate?.publicKey.export({ format: "der", type: "spki" }) ?? new Uint8Array(0);
}
