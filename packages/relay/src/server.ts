/**
 * The gRPC server of a relay: where it listens, and what of HTTP/2 it sets.
 *
 *   V1  A connection on which nobody calls is over in 10 s; one of TLS that has not shaken hands in 5 s, too.
 *   V2  Of one address that is not this machine's there are so many connections at once, and so many in all.
 */
import { readFileSync } from "node:fs";
import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from "@grpc/grpc-js";
import { hop, relayAddress, relayService } from "@holdfast/carrier/grpc";
import { HoldError, limits } from "@holdfast/protocol";
import { type Call, isHere } from "./end.ts";
import type { Relay } from "./relay.ts";

export interface RelayListen {
  /** `ADDRESS:PORT`; port 0: any. */
  readonly listen: string;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** So many streams of one connection: a host has one for each tunnel. */
const STREAMS = 8_192;
/** What all streams of a connection may have under way: one that nobody reads must not fill it for the others. */
const CONNECTION_WINDOW = 256 * 1024 * 1024;

/** V1. */
const IDLE_MS = 10_000;
/** V2. Many operators may stand behind one address, and all hosts of a fleet. */
const CONNECTIONS_EACH = 2_048;
const CONNECTIONS = 65_536;

/** Resolves with the port. Throws `start_failed`, `usage`. */
export async function listenGrpc(relay: Relay, { listen, tls }: RelayListen): Promise<{ readonly port: number; close(): void }> {
  if (!tls) relayAddress(`http://${listen}`);
  const server = new Server({ ...hop, "grpc.max_concurrent_streams": STREAMS, "grpc.max_connection_idle_ms": IDLE_MS });
  server.addService(relayService, {
    serve: (call: Call) => relay.serve(call),
    accept: (call: Call) => relay.accept(call),
    reach: (call: Call) => relay.reach(call),
    find: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => relay.find(call, answer),
  });
  const credentials = tls
    ? ServerCredentials.createSsl(null, [{ cert_chain: readFileSync(tls.cert), private_key: readFileSync(tls.key) }])
    : ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(listen, credentials, (cause, bound) =>
      cause
        ? reject(new HoldError("start_failed", `${listen} can't be listened on: ${cause.message}`, {}, { cause }))
        : resolve(bound),
    ),
  );
  widen(server);
  return { port, close: () => server.forceShutdown() };
}

/** What grpc-js has no option for (1.14.7) is set on its HTTP/2 server, which it keeps to itself. */
function widen(server: Server): void {
  const { http2Servers } = server as unknown as { readonly http2Servers: ReadonlyMap<Http2Server, unknown> };
  for (const http2 of http2Servers.keys()) {
    const sources = new Sources();
    http2.maxConnections = CONNECTIONS;
    // Before Node's own, which in plaintext makes a session of it at once.
    http2.prependListener("connection", (socket: Socket) => sources.meet(socket));
    http2.on("session", (session: ServerHttp2Session) => {
      sources.known(session.socket);
      session.setLocalWindowSize(CONNECTION_WINDOW);
      session.settings({ initialWindowSize: hop["grpc-node.flow_control_window"], maxConcurrentStreams: STREAMS });
    });
  }
}

/** V1, V2. */
class Sources {
  readonly #counts = new Map<string, number>();
  readonly #late = new Map<string, NodeJS.Timeout>();

  meet(socket: Socket): void {
    const { remoteAddress: from = "", remotePort } = socket;
    const n = (this.#counts.get(from) ?? 0) + 1;
    if (n > CONNECTIONS_EACH && !isHere(from)) return void socket.destroy();
    const name = `${from} ${remotePort}`;
    this.#counts.set(from, n);
    this.#late.set(
      name,
      setTimeout(() => socket.destroy(), limits.handshakeMs),
    );
    socket.once("close", () => {
      this.#settled(name);
      const left = this.#counts.get(from)! - 1;
      if (left === 0) this.#counts.delete(from);
      else this.#counts.set(from, left);
    });
  }

  /** It speaks HTTP/2: from now on its calls tell. */
  known({ remoteAddress = "", remotePort }: Pick<Socket, "remoteAddress" | "remotePort">): void {
    this.#settled(`${remoteAddress} ${remotePort}`);
  }

  #settled(name: string): void {
    clearTimeout(this.#late.get(name));
    this.#late.delete(name);
  }
}
