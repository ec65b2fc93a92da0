/**
 * A relay's web side, off unless asked: whether it lives and takes calls, what it counts, and one more way to reach a host, by WebSocket
 * (docs/relay.md, The web side).
 *
 *   W1  Every request and every upgrade passes the gate first: Host and Origin, compared whole.
 *   W2  A connection has 5 s until who is there is known, 60 s after each file of a page that it asks for, sends 8 KiB of head and no body before, and of one address there are so many at once: one
 *       more puts out the one that has waited longest, so that who says at once what they want gets in beside a flood.
 *   W3  What is counted is told to this machine alone.
 *   W4  A WebSocket that has knocked is an end of a tunnel as any other (relay.ts).
 *   W5  A route says what its callers show. There is none that is not in the table, besides the files of the console's page, if this relay serves it.
 */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { webCallEnd, type WebCall } from "@holdfast/carrier/grpc/web";
import {
  Gate,
  hostText,
  type Listen,
  type ListenWish,
  type PageAnswer,
  paramsIn,
  reachedAt,
  readListen,
} from "@holdfast/carrier/listen";
import { REACH_PATH, REACH_SUBPROTOCOL } from "@holdfast/carrier/websocket";
import { HoldError, limits } from "@holdfast/protocol";
import { type End, isHere } from "./end.ts";
import type { Metrics } from "./metrics.ts";
import type { Relay } from "./relay.ts";

/** W2. */
const HEAD_BYTES = 8 * 1024;
const STRANGERS = 1_024;
/** Of these, from one address that is not this machine's. */
const STRANGERS_EACH = 64;
/** A page over a slow line takes its time. */
const READING_MS = 60_000;

export interface Web {
  /** `https://relay.example:7445` */
  readonly url: string;
  readonly port: number;
  close(): void;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

const text = (status: number, body: string): Answer => ({ status, body: `${body}\n` });

export interface WebParts {
  readonly relay: Relay;
  readonly metrics: Metrics;
  /** Of the audience of a pass that is shown here (identity.ts). */
  readonly isMe: (audience: string) => boolean;
  readonly beatMs?: number;
  /** What answers each address of the console's page, by path or by one with `{parts}`. Default: it is not served. */
  readonly page?: Readonly<Record<string, PageAnswer>>;
}

/** W5. `none`: nothing. `this machine`: that they are on it. `first message`: a pass or an invitation, in what they say once they are upgraded. */
export interface WebRoute {
  readonly credential: "none" | "this machine" | "first message";
  GET(parts: Pick<WebParts, "relay" | "metrics">): Answer | Promise<Answer>;
}

export const webRoutes: Readonly<Record<string, WebRoute>> = {
  "/healthz": { credential: "none", GET: () => text(200, "lives") },
  "/readyz": {
    credential: "none",
    GET({ relay }) {
      if (relay.isDraining) return text(503, "draining");
      return relay.group.isWhole ? text(200, "takes calls") : text(503, "can't ask its group: NATS is away");
    },
  },
  "/metrics": {
    credential: "this machine",
    GET: async ({ metrics }) => ({ status: 200, body: await metrics.text(), type: metrics.contentType }),
  },
  [REACH_PATH]: { credential: "first message", GET: () => text(426, "an upgrade to websocket is wanted") },
};

const routeOf = (url = ""): WebRoute | null => (Object.hasOwn(webRoutes, url) ? webRoutes[url]! : null);

/** Resolves when it listens. Throws `usage` or `start_failed`. */
export async function listenWeb({ relay, metrics, isMe, beatMs, page = {} }: WebParts, wish: ListenWish): Promise<Web> {
  const listen = readListen(wish);
  const server = serverFor(listen);
  const doors = new Doors();
  const calls = webCallEnd(beatMs === undefined ? {} : { beatMs });
  server.on("connection", (socket: Socket) => doors.met(socket));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        new HoldError("start_failed", `${wish.listen} can't be listened on (${cause.code ?? cause.message})`, {}, { cause }),
      ),
    );
    server.listen(listen.port, listen.address, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const gate = new Gate(listen, port, "hold relay");
  const places = Object.entries(page).map(([path, answer]) => ({ segments: path.split("/"), answer }));
  /** W5. */
  const pageAt = ({ method, url = "", rawHeaders }: IncomingMessage): PageAnswer | null => {
    if ((method !== "GET" && method !== "HEAD") || gate.refusal(rawHeaders) || routeOf(url)) return null;
    const segments = url.split("?", 1)[0]!.split("/");
    return places.find(({ segments: wanted }) => paramsIn(wanted, segments))?.answer ?? null;
  };

  const answerTo = async ({ method, url, rawHeaders, socket }: IncomingMessage): Promise<Answer> => {
    const barred = gate.refusal(rawHeaders);
    if (barred) return text(403, barred);
    if (method !== "GET") return text(405, "only GET is here");
    const route = routeOf(url);
    if (!route) return text(404, "there is nothing here");
    if (route.credential === "this machine" && !isHere(socket.remoteAddress ?? ""))
      return text(403, "what is counted is told to this machine alone");
    return route.GET({ relay, metrics });
  };
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const asked = pageAt(request);
    if (asked) {
      doors.reads(request.socket);
      return asked(request, response);
    }
    void answerTo(request)
      .catch(() => text(500, "the relay failed on that"))
      .then(({ status, body, type = "text/plain; charset=utf-8" }) =>
        response
          .writeHead(status, {
            "Content-Type": type,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            Connection: "close",
          })
          .end(body),
      );
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => {});
    const wrong = gate.refusal(request.rawHeaders);
    if (wrong) return refuse(socket, 403, wrong);
    if (routeOf(request.url)?.credential !== "first message") return refuse(socket, 404, "nothing to upgrade to is here");
    const { headers } = request;
    const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
    if (headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined)
      return refuse(socket, 400, "an upgrade has no body");
    if (!offered.includes(REACH_SUBPROTOCOL)) return refuse(socket, 400, `the subprotocol ${REACH_SUBPROTOCOL} is wanted`);
    calls.take(request, socket, head, (call) => {
      // From here on the relay's own bounds hold (R2).
      doors.known(request.socket);
      relay.reach(endOf(call, request.socket, isMe), "websocket");
    });
  });
  server.on("clientError", (_, socket: Duplex) => refuse(socket, 400, "no request to the letter"));
  server.removeAllListeners("error");
  server.on("error", () => {});
  return {
    port,
    url: `${listen.tls ? "https" : "http"}://${reachedAt(listen, port)}`,
    close() {
      server.close();
      doors.close();
    },
  };
}

/** W4. */
function endOf(call: WebCall, { remoteAddress = "", remotePort = 0 }: Socket, isMe: WebParts["isMe"]): End {
  const peer = hostText(remoteAddress, remotePort);
  return Object.assign(call, { cancelled: false, getPeer: () => peer, isMe });
}

/** W2: connections, and in the order in which they came those that nobody is known on. */
class Doors {
  readonly #all = new Set<Socket>();
  readonly #strangers = new Map<string, { readonly from: string; late: NodeJS.Timeout; put(): void }>();

  met(socket: Socket): void {
    const from = socket.remoteAddress ?? "";
    const id = idOf(socket);
    socket.on("error", () => {});
    const strangers = [...this.#strangers.values()];
    const neighbours = isHere(from) ? [] : strangers.filter((stranger) => stranger.from === from);
    if (neighbours.length >= STRANGERS_EACH) neighbours[0]?.put();
    else if (strangers.length >= STRANGERS) strangers[0]?.put();
    this.#all.add(socket);
    const put = (): void => {
      socket.destroy();
      this.#leave(id);
    };
    this.#strangers.set(id, { from, put, late: setTimeout(put, limits.handshakeMs) });
    socket.once("close", () => {
      this.#all.delete(socket);
      this.#leave(id);
    });
  }

  known(socket: Socket): void {
    this.#leave(idOf(socket));
  }

  /** Whoever reads a page is a stranger still, and is put out for one who comes. */
  reads(socket: Socket): void {
    const stranger = this.#strangers.get(idOf(socket));
    if (!stranger) return;
    clearTimeout(stranger.late);
    stranger.late = setTimeout(stranger.put, READING_MS);
  }

  close(): void {
    for (const socket of this.#all) socket.destroy();
  }

  #leave(id: string): void {
    clearTimeout(this.#strangers.get(id)?.late);
    this.#strangers.delete(id);
  }
}

/** Of TCP's and of TLS's socket alike. */
function idOf(socket: Socket): string {
  return `${socket.remoteAddress}|${socket.remotePort}`;
}

function serverFor({ tls }: Listen): Server {
  const bounds: ServerOptions = {
    maxHeaderSize: HEAD_BYTES,
    headersTimeout: limits.handshakeMs,
    requestTimeout: limits.handshakeMs,
    connectionsCheckingInterval: limits.handshakeMs,
    requireHostHeader: false,
    insecureHTTPParser: false,
  };
  if (!tls) return createServer(bounds);
  try {
    const pair = { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
    return createTlsServer({ ...bounds, ...pair, minVersion: "TLSv1.3", handshakeTimeout: limits.handshakeMs });
  } catch (cause) {
    throw new HoldError("start_failed", `${tls.cert} and ${tls.key}: ${(cause as Error).message}`, {}, { cause });
  }
}

function refuse(socket: Duplex, status: number, why: string): void {
  if (!socket.writable) return void socket.destroy();
  const head = `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(why) + 1}\r\nConnection: close\r\n`;
  socket.end(`HTTP/1.1 ${status} Refused\r\n${head}\r\n${why}\n`, () => socket.destroy());
}
