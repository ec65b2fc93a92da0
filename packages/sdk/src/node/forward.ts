/**
 * Ports of a session on this machine: a listener on the loopback, each of whose connections leads to one there.
 *
 *   W1  It outlives links: what is open when one is cut ends, and the next connection finds another (client/line.ts K1).
 *   W2  Either way of a connection may end before the other.
 */
import { createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import type { HoldError } from "@holdfast/protocol";
import type { HostClient, PortStream } from "../api/index.ts";
import { listenOnLoopback, type Loopback, portFault } from "./loopback.ts";

/** A connection to a port of a session as Node's programs want it: what a socket has besides is there, and does nothing. */
class PortSocket extends Duplex {
  readonly #port: PortStream;
  readonly #parts: AsyncIterator<Uint8Array>;
  #isReading = false;

  constructor(port: PortStream) {
    super({ allowHalfOpen: true });
    this.#port = port;
    this.#parts = port[Symbol.asyncIterator]();
  }

  override _read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#parts.next().then(
      ({ done, value }) => {
        this.#isReading = false;
        if (this.destroyed) return;
        this.push(done ? null : value);
      },
      (fault: Error) => this.destroy(fault),
    );
  }

  override _write(bytes: Uint8Array, _encoding: string, done: (fault?: Error | null) => void): void {
    this.#port.write(bytes).then(() => done(), done);
  }

  override _final(done: (fault?: Error | null) => void): void {
    this.#port.end().then(() => done(), done);
  }

  override _destroy(fault: Error | null, done: (fault?: Error | null) => void): void {
    this.#port.close();
    done(fault);
  }

  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

/** One connection to a port of a session, as Node's programs want it. Throws what the host refuses. */
export async function connectPort(client: HostClient, session: string, port: number): Promise<Duplex> {
  return new PortSocket(await client.connectPort(session, port));
}

export interface ForwardOptions {
  /** Of the session. */
  readonly port: number;
  /** Of this machine's loopback; default: any that is free. */
  readonly localPort?: number;
  /** Told why a connection could not be made, or ended; the listener goes on. */
  readonly failed?: (fault: HoldError) => void;
}

export interface Forward extends Loopback {
  readonly port: number;
}

/** Rejects if the port here is taken. */
export async function forward(client: HostClient, session: string, options: ForwardOptions): Promise<Forward> {
  const { port, localPort = 0, failed = () => {} } = options;
  // Nothing is read before there is somewhere to send it.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    connectPort(client, session, port).then(
      (there) => join(socket, there, failed),
      (fault: unknown) => {
        if (!socket.destroyed) failed(portFault(fault));
        socket.resetAndDestroy();
      },
    );
  });
  return { port, ...(await listenOnLoopback(server, localPort)) };
}

/** W2. */
function join(here: Socket, there: Duplex, failed: (fault: HoldError) => void): void {
  if (here.destroyed) return void there.destroy();
  here.on("close", () => there.destroy());
  there.on("error", (fault) => {
    failed(portFault(fault));
    here.resetAndDestroy();
  });
  here.pipe(there).pipe(here);
}
