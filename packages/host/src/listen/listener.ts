/**
 * The host's one HTTP server: a table of routes behind the gate, and the bounds on whoever has not proven who they are.
 *
 *   H1  Every request and every upgrade passes the gate first, and only then is its route looked up.
 *   H2  A route says how its callers prove who they are. There is none without.
 *   H3  A stranger has 5 s from the first packet on, whatever it does meanwhile, and there are 64 at once; who is known counts no more.
 *   H4  Of a request's head 8 KiB are read, and no body of one that nobody has taken.
 *   H5  What is no request to the letter is refused and the connection ended: no second reading of it by whoever stands before us.
 */
import { readFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HoldError, limits } from "@holdfast/protocol";
import { Gate, hostText, type Listen } from "./gate.ts";

/** The connection that a request came on. */
export interface Visit {
  /** Who is there has proven who they are. */
  known(): void;
}

export interface Route {
  /** H2. `first frames`: a handshake on the upgraded connection. `bearer`: a token in a header of each request. */
  readonly credential: "first frames" | "bearer";
  readonly request?: (request: IncomingMessage, response: ServerResponse, visit: Visit) => void;
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer, visit: Visit) => void;
}

/** By exact path. */
export type Routes = Readonly<Record<string, Route>>;

export interface ListenerOptions {
  readonly log: (text: string) => void;
  /** Default {@link limits.handshakeMs}. */
  readonly strangerMs?: number;
  /** Default 64. */
  readonly strangers?: number;
}

const STRANGERS = 64;
/** Of these, from one address that is not this machine's: one that floods leaves room for others. */
const STRANGERS_SHARE = 4;
const HEAD_BYTES = 8 * 1024;

interface Refusal {
  readonly status: number;
  readonly text: string;
}

export class Listener {
  readonly #server: Server;
  readonly #gate: Gate;
  readonly #routes: Routes;
  readonly #strangers = new Map<string, NodeJS.Timeout>();
  readonly #sockets = new Set<Socket>();
  readonly #options: Required<ListenerOptions>;
  /** `ws://127.0.0.1:7433` */
  readonly url: string;

  private constructor(server: Server, listen: Listen, routes: Routes, options: Required<ListenerOptions>) {
    const { port } = server.address() as AddressInfo;
    this.#server = server;
    this.#gate = new Gate(listen, port);
    this.#routes = routes;
    this.#options = options;
    this.url = `${listen.tls ? "wss" : "ws"}://${hostText(listen.address, port)}`;
  }

  /** Throws a {@link HoldError} that says why nothing is listened on. */
  static async open(listen: Listen, routes: Routes, options: ListenerOptions): Promise<Listener> {
    const all = { strangerMs: limits.handshakeMs, strangers: STRANGERS, ...options };
    const server = await serverFor(listen, all.strangerMs);
    // Nobody is taken before there is somebody to take them.
    let listener: Listener | null = null;
    server.on("connection", (socket: Socket) => (listener ? listener.#met(socket) : socket.destroy()));
    server.on("secureConnection", (socket: Socket) => listener!.#secured(socket));
    server.on("request", (request: IncomingMessage, response: ServerResponse) => listener!.#request(request, response));
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => listener!.#upgrade(request, socket, head));
    server.on("clientError", (_, socket: Duplex) =>
      refuse(socket, { status: 400, text: "[bad_request] no request to the letter" }),
    );
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause: NodeJS.ErrnoException) =>
        reject(
          new HoldError(
            "start_failed",
            `${hostText(listen.address, listen.port)} can't be listened on (${cause.code ?? cause.message})`,
            {},
            { cause },
          ),
        ),
      );
      server.listen(listen.port, listen.address, resolve);
    });
    server.removeAllListeners("error");
    server.on("error", (fault) => options.log(`a connection can't be taken: ${fault.message}`));
    listener = new Listener(server, listen, routes, all);
    return listener;
  }

  get strangers(): number {
    return this.#strangers.size;
  }

  /** Takes nobody any more, and ends every connection. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    return closed;
  }

  /** H3. */
  #met(socket: Socket): void {
    const id = idOf(socket);
    const from = `${socket.remoteAddress}|`;
    const { strangers, strangerMs } = this.#options;
    socket.on("error", () => {});
    const isLocal = socket.remoteAddress === socket.localAddress;
    const ofThisAddress = isLocal ? 0 : [...this.#strangers.keys()].filter((key) => key.startsWith(from)).length;
    if (this.#strangers.size >= strangers || ofThisAddress >= strangers / STRANGERS_SHARE) return void socket.destroy();
    this.#sockets.add(socket);
    this.#strangers.set(
      id,
      setTimeout(() => {
        socket.destroy();
        this.#gone(id, socket);
      }, strangerMs),
    );
    socket.once("close", () => this.#gone(id, socket));
  }

  /** TLS takes TCP's socket over, and it is then this one that tells of the end. */
  #secured(socket: Socket): void {
    const id = idOf(socket);
    this.#sockets.add(socket);
    socket.once("close", () => this.#gone(id, socket));
  }

  #gone(id: string, socket: Socket): void {
    this.#sockets.delete(socket);
    this.#known(id);
  }

  #known(id: string): void {
    clearTimeout(this.#strangers.get(id));
    this.#strangers.delete(id);
  }

  #visit(socket: Socket): Visit {
    const id = idOf(socket);
    return { known: () => this.#known(id) };
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const found = this.#find(request);
    if ("status" in found) return answer(response, found);
    if (!found.request) return answer(response, { status: 426, text: "[bad_request] this is for upgrades to websocket" });
    found.request(request, response, this.#visit(request.socket));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => {});
    const found = this.#find(request);
    if ("status" in found) return refuse(socket, found);
    if (!found.upgrade) return refuse(socket, { status: 400, text: "[bad_request] nothing to upgrade to is here" });
    // H5: a body before the upgrade would be frames to us and none to others.
    if (request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined)
      return refuse(socket, { status: 400, text: "[bad_request] an upgrade has no body" });
    found.upgrade(request, socket, head, this.#visit(request.socket));
  }

  /** H1. */
  #find(request: IncomingMessage): Route | Refusal {
    const barred = this.#gate.refusal(request.rawHeaders);
    if (barred) return { status: 403, text: `[not_permitted] ${barred}` };
    const url = request.url ?? "";
    if (!url.startsWith("/")) return { status: 400, text: "[bad_request] a path is wanted" };
    const path = url.split("?", 1)[0]!;
    if (!Object.hasOwn(this.#routes, path)) return { status: 404, text: "[bad_request] there is nothing here" };
    return this.#routes[path]!;
  }
}

async function serverFor({ tls }: Listen, strangerMs: number): Promise<Server> {
  const bounds: ServerOptions = {
    maxHeaderSize: HEAD_BYTES,
    headersTimeout: strangerMs,
    requestTimeout: 2 * strangerMs,
    keepAliveTimeout: strangerMs,
    connectionsCheckingInterval: strangerMs,
    requireHostHeader: false,
    insecureHTTPParser: false,
  };
  // Loaded by who listens: a host that does not has no use for them.
  if (!tls) return (await import("node:http")).createServer(bounds);
  const { createServer } = await import("node:https");
  const read = (path: string, what: string): Buffer => {
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new HoldError("start_failed", `the ${what} can't be read: ${(cause as Error).message}`, {}, { cause });
    }
  };
  const pair = { cert: read(tls.cert, "certificate"), key: read(tls.key, "certificate's key") };
  try {
    return createServer({ ...bounds, ...pair, minVersion: "TLSv1.3", handshakeTimeout: strangerMs });
  } catch (cause) {
    throw new HoldError(
      "start_failed",
      `${tls.cert} and ${tls.key} are no certificate with its key: ${(cause as Error).message}`,
      {},
      { cause },
    );
  }
}

/** Of TCP's and of TLS's socket alike. */
function idOf(socket: Socket): string {
  return `${socket.remoteAddress}|${socket.remotePort}`;
}

const headers = (text: string): Record<string, string> => ({
  "Content-Type": "text/plain; charset=utf-8",
  "Content-Length": String(Buffer.byteLength(text)),
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  Connection: "close",
});

function answer(response: ServerResponse, { status, text }: Refusal): void {
  response.writeHead(status, headers(`${text}\n`)).end(`${text}\n`);
}

/** Says why on a connection that is no request's any more, and ends it. */
export function refuse(socket: Duplex, { status, text }: Refusal): void {
  if (!socket.writable) return void socket.destroy();
  const body = `${text}\n`;
  const head = Object.entries(headers(body)).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} Refused\r\n${head.join("")}\r\n${body}`, () => socket.destroy());
}
