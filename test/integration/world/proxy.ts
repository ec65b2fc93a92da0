/** A unix socket between clients and the host that cuts links, also in the midst of a frame, or lets little through. */
import { chmodSync, copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { files, folders } from "@holdfast/sdk/node";
import type { World } from "./world.ts";

export interface ProxyOptions {
  /** How many bytes a new link carries before it is cut; null: it is never cut. */
  readonly cutAfter?: () => number | null;
  /** Bytes a second from the host to the client. */
  readonly bytesPerSecond?: number;
  /** Shown what clients send. */
  readonly tap?: (sent: Buffer) => void;
}

/** A piece of what waits in a throttled link: as a modem or an SSH channel would have it. */
const PIECE_BYTES = 2_048;

export class Proxy {
  /** A home for clients whose socket is the proxy's. */
  readonly home: string;
  readonly #world: World;
  readonly #options: ProxyOptions;
  readonly #server;
  readonly #sockets = new Set<Socket>();
  cuts = 0;
  toClient = 0;

  private constructor(world: World, name: string, options: ProxyOptions) {
    this.#world = world;
    this.#options = options;
    this.home = join(world.place, `via-${name}`);
    mkdirSync(folders.run(this.home), { recursive: true, mode: 0o700 });
    symlinkSync(folders.keys(world.home), folders.keys(this.home));
    copyFileSync(files.hostPublicKey(world.home), files.hostPublicKey(this.home));
    this.#server = createServer((client) => this.#carry(client));
  }

  static async start(world: World, name: string, options: ProxyOptions): Promise<Proxy> {
    const proxy = new Proxy(world, name, options);
    world.atEnd(() => void proxy.stop());
    await new Promise<void>((resolve) => proxy.#server.listen(files.socket(proxy.home), resolve));
    chmodSync(files.socket(proxy.home), 0o600);
    return proxy;
  }

  /** Cuts every link now. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  stop(): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    this.cutAll();
    return closed;
  }

  #carry(client: Socket): void {
    const host = connect({
      path: files.socket(this.#world.home),
      ...(this.#options.bytesPerSecond ? { readableHighWaterMark: PIECE_BYTES } : {}),
    });
    let left = this.#options.cutAfter?.() ?? null;
    const cut = (): void => {
      if (!client.destroyed && left !== null && left <= 0) this.cuts++;
      client.destroy();
      host.destroy();
    };
    for (const socket of [client, host]) {
      this.#sockets.add(socket);
      socket.on("error", cut);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    const pass = (to: Socket, bytes: Buffer): boolean => {
      if (left === null) return to.write(bytes);
      const some = bytes.subarray(0, left);
      left -= bytes.length;
      if (left > 0) return to.write(some);
      // What is half a frame arrives, and then nothing more.
      to.write(some, () => cut());
      return true;
    };
    client.on("data", (bytes: Buffer) => {
      this.#options.tap?.(bytes);
      pass(host, bytes);
    });
    if (this.#options.bytesPerSecond) this.#trickle(host, client, this.#options.bytesPerSecond);
    else host.on("data", (bytes: Buffer) => pass(client, bytes));
  }

  /** Reads no sooner than the link would carry it, so that the bytes wait where they would wait: before the link. */
  #trickle(host: Socket, client: Socket, bytesPerSecond: number): void {
    let due = performance.now();
    const step = (): void => {
      if (host.destroyed) return;
      const bytes = host.read(Math.min(PIECE_BYTES, host.readableLength || PIECE_BYTES)) as Buffer | null;
      if (!bytes) {
        host.once("readable", step);
        return;
      }
      due = Math.max(due, performance.now()) + (bytes.length / bytesPerSecond) * 1_000;
      this.toClient += bytes.length;
      client.write(bytes);
      setTimeout(step, Math.max(0, due - performance.now()));
    };
    host.on("readable", () => {});
    step();
  }
}
