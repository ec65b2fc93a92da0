/**
 * What a connection may make a relay hold while none of its calls is let in. HTTP/2 lets a sender have as much under way as our windows are wide,
 * and gRPC gathers a message until it is whole: both are narrow at first, and wide once there is something to pass on.
 *
 *   N1  Until one of its calls is let in, a connection has 64 KiB under way, and 64 calls.
 *   N2  Of calls that are not let in it has sent 64 KiB in all; from then on each of them. The one that goes beyond is reset.
 *   N3  Nothing is unpacked: what is said to be compressed is taken as it is, and is then no message of ours.
 * Elsewhere: who is let in (relay.ts), how many connections there may be (server.ts).
 */
import {
  constants,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Metadata } from "@grpc/grpc-js";
import { hop } from "@holdfast/carrier/grpc";
import { limits } from "@holdfast/protocol";

/** N1: as many as may wait of one address (relay.ts R2). */
export const NARROW_STREAMS = 64;
/** Of one connection: a host has one for each tunnel. */
const STREAMS = 8_192;
/** What all streams of a connection may have under way: one that nobody reads must not fill it for the others. */
const CONNECTION_WINDOW = 256 * 1024 * 1024;
/** By which a call of gRPC is known again as a stream of HTTP/2: among its metadata, in place of whatever its caller sent there. */
const MARK = "holdfast-stream";

interface Connection {
  readonly session: ServerHttp2Session;
  isWide: boolean;
  /** N2. */
  bytes: number;
}

export class Narrow {
  readonly #connections = new WeakMap<object, Connection>();
  readonly #strangers = new Map<string, { letIn(): void }>();
  #count = 0;

  /** Before gRPC's own listeners see a stream. */
  watch(http2: Http2Server): void {
    http2.on("session", (session: ServerHttp2Session) => {
      this.#connections.set(session, { session, isWide: false, bytes: 0 });
    });
    http2.prependListener("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => this.#met(stream, headers));
  }

  /** Whoever calls is let in. */
  letIn(call: { readonly metadata: Metadata }): void {
    this.#strangers.get(String(call.metadata.get(MARK)[0]))?.letIn();
  }

  #met(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    delete headers["grpc-encoding"];
    const id = String(++this.#count);
    headers[MARK] = id;
    const connection = stream.session && this.#connections.get(stream.session);
    if (!connection) return;
    let bytes = 0;
    const count = (piece: Buffer): void => {
      bytes += piece.length;
      connection.bytes += piece.length;
      if ((connection.isWide ? bytes : connection.bytes) > limits.preAuthBytes) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    };
    const over = (): void => {
      if (!this.#strangers.delete(id)) return;
      connection.bytes -= bytes;
      stream.removeListener("data", count);
    };
    const letIn = (): void => {
      over();
      widen(connection);
    };
    this.#strangers.set(id, { letIn });
    stream.on("data", count);
    stream.once("close", over);
  }
}

/** N1. */
function widen(connection: Connection): void {
  const { session } = connection;
  if (connection.isWide || session.destroyed) return;
  connection.isWide = true;
  session.setLocalWindowSize(CONNECTION_WINDOW);
  session.settings({ initialWindowSize: hop["grpc-node.flow_control_window"], maxConcurrentStreams: STREAMS });
}
