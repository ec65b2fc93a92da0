/**
 * The gRPC server of a relay: where it listens, and what of HTTP/2 it sets.
 *
 *   V1  A connection on which nobody calls is over in 10 s; one of TLS that has not shaken hands in 5 s, too.
 *   V2  Of one address that is not this machine's there are so many connections at once, and so many in all.
 *   V3  Who is late with what was begun begins nothing more: where a crowd comes back at once, what all have begun is else done for none in time.
 * Elsewhere: what a connection may send before anybody on it is let in (narrow.ts).
 */
import { readFileSync } from "node:fs";
import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from "@grpc/grpc-js";
import { hop, relayAddress, relayService } from "@holdfast/carrier/grpc";
import { HoldError, limits } from "@holdfast/protocol";
import { Lag } from "./lag.ts";
import { NARROW_STREAMS, Narrow } from "./narrow.ts";
import { type Call, isHere } from "./end.ts";
import type { Relay } from "./relay.ts";

export interface RelayListen {
  /** `ADDRESS:PORT`; port 0: any. */
  readonly listen: string;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** V1. */
const IDLE_MS = 10_000;
/** V2. Many operators may stand behind one address, and all hosts of a fleet. */
const CONNECTIONS_EACH = 2_048;
const CONNECTIONS = 65_536;
/** V3. A tenth of what a client waits for one attempt. */
const LATE_MS = 1_000;

/** Resolves with the port. Throws `start_failed`, `usage`. */
export async function listenGrpc(relay: Relay, { listen, tls }: RelayListen): Promise<{ readonly port: number; close(): void }> {
  if (!tls) relayAddress(`http://${listen}`);
  const server = new Server({ ...hop, "grpc.max_concurrent_streams": NARROW_STREAMS, "grpc.max_connection_idle_ms": IDLE_MS });
  const narrow = new Narrow();
  const endOf = (call: Call): Call & { letIn(): void } => Object.assign(call, { letIn: () => narrow.letIn(call) });
  server.addService(relayService, {
    serve: (call: Call) => relay.serve(endOf(call)),
    accept: (call: Call) => relay.accept(endOf(call)),
    reach: (call: Call) => relay.reach(endOf(call)),
    find: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => relay.find(call, answer),
    heads: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => relay.headsOf(call, answer),
  });
  const credentials = tls
    ? ServerCredentials.createSsl(null, [{ cert_chain: readFileSync(tls.cert), private_key: readFileSync(tls.key) }])
    : ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(listen, credentials, (cause, bound) =>
      cause
        ? reject(
            new HoldError(
              "start_failed",
              `${listen} can't be listened on (${/errors: \[(.*)\]$/.exec(cause.message)?.[1] ?? cause.message})`,
              {},
              { cause },
            ),
          )
        : resolve(bound),
    ),
  );
  const lag = new Lag();
  watch(server, narrow, lag);
  return {
    port,
    close() {
      lag.stop();
      server.forceShutdown();
    },
  };
}

/** What grpc-js has no option for (1.14.7) is set on its HTTP/2 server, which it keeps to itself. */
function watch(server: Server, narrow: Narrow, lag: Lag): void {
  const { http2Servers } = server as unknown as { readonly http2Servers: ReadonlyMap<Http2Server, unknown> };
  for (const http2 of http2Servers.keys()) {
    const sources = new Sources();
    http2.maxConnections = CONNECTIONS;
    // Before Node's own, which in plaintext makes a session of it at once.
    http2.prependListener("connection", (socket: Socket) => void (lag.ms > LATE_MS ? socket.destroy() : sources.meet(socket)));
    http2.on("session", (session: ServerHttp2Session) => sources.known(session.socket));
    narrow.watch(http2);
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
