/**
 * Where bytes for an SSH client go, and where its own come from: one channel's two streams in one order, over a socket that all channels of
 * the connection share.
 *
 *   K1  A write is done when the client's window has taken it and the socket is not full; who waits for that holds little in this process,
 *       whatever window the client claims to have.
 *   K2  To a channel that is closed everything is written at once, and nowhere.
 *   K3  What the client sends is read no faster than it is used.
 */
import type { Socket } from "node:net";
import type { SharedSocket } from "@holdfast/carrier";
import type { ServerChannel } from "ssh2";
import { forgetSent } from "./ssh2-inside.ts";

/** The connection's socket, as much of it as waits to be sent. */
export class Outlet implements SharedSocket {
  readonly #socket: Socket;
  readonly #told = new Set<() => void>();
  #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    const release = (): void => {
      for (const go of this.#waiting.splice(0)) go();
    };
    socket.on("drain", () => {
      release();
      for (const told of [...this.#told]) told();
    });
    socket.once("close", release);
  }

  get buffered(): number {
    return this.#socket.destroyed ? 0 : this.#socket.writableLength;
  }

  onDrain(told: () => void): () => void {
    this.#told.add(told);
    return () => this.#told.delete(told);
  }

  /** Resolves when the socket takes more; null: it does. */
  room(): Promise<void> | null {
    if (!this.#socket.writableNeedDrain || this.#socket.destroyed) return null;
    return new Promise((go) => this.#waiting.push(go));
  }
}

/** `signal`: without SIG. */
export type Exit = { readonly code: number } | { readonly signal: string; readonly core: boolean };

export class Sink {
  readonly #channel: ServerChannel;
  readonly #outlet: Outlet;
  #turn: Promise<void> = Promise.resolve();
  #isClosed = false;
  #release: () => void = () => {};

  constructor(channel: ServerChannel, outlet: Outlet) {
    this.#channel = channel;
    this.#outlet = outlet;
    channel.on("error", () => {});
  }

  /** K2: the client has closed the channel, or is gone. */
  close(): void {
    this.#isClosed = true;
    this.#release();
  }

  /** K1. */
  write(bytes: Uint8Array | string, stream: 1 | 2 = 1): Promise<void> {
    this.#turn = this.#turn.then(() => this.#write(typeof bytes === "string" ? Buffer.from(bytes) : bytes, stream));
    return this.#turn;
  }

  async #write(bytes: Uint8Array, stream: 1 | 2): Promise<void> {
    if (this.#isClosed || bytes.length === 0) return;
    await new Promise<void>((done) => {
      this.#release = done;
      (stream === 2 ? this.#channel.stderr : this.#channel).write(bytes, () => done());
    });
    forgetSent(this.#channel);
    if (!this.#isClosed) await this.#outlet.room();
  }

  /** Says how it ended, once everything that was written is with the client, and closes. */
  async exit(how: Exit): Promise<void> {
    await this.#turn;
    if (this.#isClosed) return;
    if ("code" in how) this.#channel.exit(how.code);
    else this.#channel.exit(how.signal, how.core, "");
    this.#channel.end();
  }

  /** Nothing more is written; what comes is still read. */
  async eof(): Promise<void> {
    await this.#turn;
    if (!this.#isClosed) this.#channel.eof();
  }

  /** Closes the channel, once everything that was written is with the client. */
  async end(): Promise<void> {
    await this.#turn;
    this.#channel.end();
  }

  /** K3: hands over what comes; the next follows when that is used. `end`: the client has said that nothing more comes, or is gone. */
  read(use: (bytes: Uint8Array) => Promise<void>, end: () => void): void {
    const channel = this.#channel;
    channel.on("data", (bytes: Buffer) => {
      channel.pause();
      void use(bytes).finally(() => channel.resume());
    });
    channel.once("end", end);
  }
}
