/**
 * A connection to a port of a session, over a channel of a link.
 *
 *   K1  What comes is read at the pace of the loop: the host is told what was used, and no more than a window is under way.
 *   K2  A write resolves when the host's window has taken it.
 *   K3  It ends with its link, clearly: what is read and what is written then fails with why.
 */
import { HoldError, type HostFrame } from "@holdfast/protocol";
import type { PortStream } from "../api/index.ts";
import type { Connection } from "./connection.ts";
import { errorFrom } from "./handshake.ts";

/** Under way to here: with 50 ms between, 20 MB/s. */
const WINDOW_BYTES = 1024 * 1024;
const TELL_BYTES = WINDOW_BYTES / 8;
/** Of one frame, so that other channels of the link have their turn. */
const PIECE_BYTES = 32 * 1024;

type Wake = (() => void) | null;

class Port implements PortStream {
  readonly #connection: Connection;
  readonly #channel: number;
  readonly #stopWatching: () => void;
  readonly #connected: Promise<void>;
  #settle!: { resolve(): void; reject(fault: unknown): void };
  #window = 0;
  #written = 0;
  #writtenUsed = 0;
  #turn: Promise<void> = Promise.resolve();
  #onRoom: Wake = null;
  #parts: Uint8Array[] = [];
  #used = 0;
  #usedTold = 0;
  #isEnded = false;
  #isEnding = false;
  #onPart: Wake = null;
  /** Null while it is there; `error` null: it ended by itself, or was closed here. */
  #over: { readonly error: HoldError | null } | null = null;

  constructor(connection: Connection, session: string, port: number) {
    this.#connection = connection;
    this.#connected = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#channel = connection.openChannel((body) => this.#hear(body));
    this.#stopWatching = connection.onEnd((error) => this.#end(error));
    connection.send(this.#channel, { case: "connect", value: { session, port, window: WINDOW_BYTES } });
  }

  /** Rejects with why it is not. */
  get connected(): Promise<void> {
    return this.#connected;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const part = this.#parts.shift();
      if (part) {
        yield part;
        this.#took(part.length);
      } else if (this.#isEnded) return;
      else if (this.#over) {
        if (this.#over.error) throw this.#over.error;
        return;
      } else
        await new Promise<void>((wake) => {
          this.#onPart = wake;
        });
    }
  }

  /** K2. */
  write(bytes: Uint8Array): Promise<void> {
    const written = this.#turn.then(async () => {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) await this.#piece(bytes.subarray(at, at + PIECE_BYTES));
    });
    this.#turn = written.catch(() => {});
    return written;
  }

  async end(): Promise<void> {
    await this.#turn;
    this.#isEnding = true;
    if (!this.#over) this.#connection.send(this.#channel, { case: "tcp", value: { end: true } });
  }

  close(): void {
    if (this.#over) return;
    // What is both ways at its end ends by itself, once the program has read all of it.
    if (!this.#isEnded || !this.#isEnding) this.#connection.send(this.#channel, { case: "detach", value: {} });
    this.#end(null);
  }

  async #piece(data: Uint8Array): Promise<void> {
    while (!this.#over && this.#written - this.#writtenUsed + data.length > this.#window)
      await new Promise<void>((wake) => {
        this.#onRoom = wake;
      });
    if (this.#over) throw this.#over.error ?? new HoldError("port_failed", "the connection to the port is closed");
    this.#written += data.length;
    this.#connection.send(this.#channel, { case: "tcp", value: { data } });
  }

  /** K1. */
  #took(bytes: number): void {
    this.#used += bytes;
    if (this.#over || this.#used - this.#usedTold < TELL_BYTES) return;
    this.#usedTold = this.#used;
    this.#connection.send(this.#channel, { case: "tcp", value: { used: BigInt(this.#used) } });
  }

  #hear(body: HostFrame["body"]): void {
    switch (body.case) {
      case "connected":
        this.#window = body.value.window;
        return this.#settle.resolve();
      case "tcp": {
        const { data, end, used } = body.value;
        if (data.length > 0) this.#parts.push(data);
        this.#isEnded ||= end;
        this.#writtenUsed = Math.max(this.#writtenUsed, Number(used));
        return this.#wake();
      }
      case "detached":
        return this.#end(body.value.error ? errorFrom(body.value.error) : null);
      default:
    }
  }

  #end(error: HoldError | null): void {
    if (this.#over) return;
    this.#over = { error };
    this.#stopWatching();
    this.#connection.closeChannel(this.#channel);
    this.#settle.reject(error ?? new HoldError("port_failed", "the connection to the port was closed at once"));
    this.#wake();
  }

  #wake(): void {
    this.#onPart?.();
    this.#onRoom?.();
    this.#onPart = this.#onRoom = null;
  }
}

export async function openPort(connection: Connection, session: string, port: number): Promise<PortStream> {
  const opened = new Port(connection, session, port);
  await opened.connected;
  return opened;
}
