/** The gRPC server of a relay: where it listens, and what of HTTP/2 it sets. */
import { readFileSync } from "node:fs";
import type { Http2Server, ServerHttp2Session } from "node:http2";
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from "@grpc/grpc-js";
import { hop, relayAddress, relayService } from "@holdfast/carrier/grpc";
import { HoldError } from "@holdfast/protocol";
import type { Call, Relay } from "./relay.ts";

export interface RelayListen {
  /** `ADDRESS:PORT`; port 0: any. */
  readonly listen: string;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** So many streams of one connection: a host has one for each tunnel. */
const STREAMS = 8_192;
/** What all streams of a connection may have under way: one that nobody reads must not fill it for the others. */
const CONNECTION_WINDOW = 256 * 1024 * 1024;

/** Resolves with the port. Throws `start_failed`, `usage`. */
export async function listenGrpc(relay: Relay, { listen, tls }: RelayListen): Promise<{ readonly port: number; close(): void }> {
  if (!tls) relayAddress(`http://${listen}`);
  const server = new Server({ ...hop, "grpc.max_concurrent_streams": STREAMS });
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

/** grpc-js has no option for a server's windows (1.14.7): they are set on its HTTP/2 server, which it keeps to itself. */
function widen(server: Server): void {
  const { http2Servers } = server as unknown as { readonly http2Servers: ReadonlyMap<Http2Server, unknown> };
  for (const http2 of http2Servers.keys())
    http2.on("session", (session: ServerHttp2Session) => {
      session.setLocalWindowSize(CONNECTION_WINDOW);
      session.settings({ initialWindowSize: hop["grpc-node.flow_control_window"], maxConcurrentStreams: STREAMS });
    });
}
