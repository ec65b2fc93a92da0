/**
 * A stretch of wire under a carrier, for as many connections as it likes. It breaks at any byte: after as many as were planned it passes on no
 * more, and every connection over it ends.
 */
import { createServer, connect, type Socket } from "node:net";
import { type Duplex, Transform } from "node:stream";
import { withShortPath } from "@holdfast/carrier";

/** To the host, or from it. */
export type Way = "up" | "down";

export class Wire {
  readonly passed = { up: 0, down: 0 };
  cuts = 0;
  #way: Way = "down";
  #plan: Iterator<number> = [].values();
  #left = Infinity;
  readonly #ends = new Set<() => void>();

  /** Breaks after so many bytes of one way, then again after the next number of them, and so on. */
  breaks(way: Way, plan: Iterable<number>): void {
    this.#way = way;
    this.#plan = plan[Symbol.iterator]();
    this.#next();
  }

  /** Every break that was planned has been. */
  get isWhole(): boolean {
    return this.#left === Infinity;
  }

  /** How many of these bytes pass. With the last of them it breaks, a moment later. */
  pass(way: Way, bytes: number): number {
    const most = way === this.#way ? Math.min(bytes, this.#left) : bytes;
    this.passed[way] += most;
    if (way === this.#way && this.#left !== Infinity) {
      this.#left -= most;
      if (this.#left === 0) setImmediate(() => this.#left === 0 && this.cut());
    }
    return most;
  }

  cut(): void {
    this.cuts++;
    this.#next();
    for (const end of [...this.#ends]) end();
  }

  #next(): void {
    const { value, done } = this.#plan.next();
    this.#left = done ? Infinity : value;
  }

  /** `end`: ends a connection that is over this wire. Returns what takes it off. */
  over(end: () => void): () => void {
    this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  /** A piece of it, for a stream. */
  piece(way: Way): Transform {
    return new Transform({
      transform: (chunk: Buffer, _, done) => {
        const most = this.pass(way, chunk.length);
        done(null, most === chunk.length ? chunk : chunk.subarray(0, most));
      },
    });
  }

  /** A place to dial in place of `to`: resolves with its port, or listens at `at`. */
  async before(to: number | string, at: number | string = 0): Promise<{ readonly port: number; close(): void }> {
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const far =
        typeof to === "number"
          ? connect({ port: to, host: "127.0.0.1", allowHalfOpen: true, noDelay: true })
          : withShortPath(to, (path, done) => {
              const socket = connect({ path, allowHalfOpen: true });
              let isThere = false;
              socket.once("connect", () => {
                isThere = true;
                done();
              });
              socket.once("close", () => isThere || done());
              return socket;
            });
      const both = [near, far];
      const end = (): void => both.forEach((socket) => void socket.destroy());
      const off = this.over(end);
      for (const socket of both) {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.once("close", () => {
          off();
          sockets.delete(socket);
          // What came before a proper end is still under way.
          if (!socket.readableEnded) end();
        });
      }
      lay(near, this.piece("up"), far);
      lay(far, this.piece("down"), near);
    });
    await new Promise<void>((ready) => {
      if (typeof at === "number") return void server.listen(at, "127.0.0.1", ready);
      withShortPath(at, (path, done) =>
        server.listen(path, () => {
          done();
          ready();
        }),
      );
    });
    const address = server.address();
    return {
      port: typeof address === "object" && address ? address.port : 0,
      close: () => {
        server.close();
        for (const socket of sockets) socket.destroy();
      },
    };
  }
}

function lay(from: Duplex, piece: Transform, to: Duplex): void {
  from.pipe(piece).pipe(to);
}
