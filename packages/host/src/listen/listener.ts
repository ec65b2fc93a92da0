/**
 * The host's one HTTP server: a table of routes behind the gate, and the bounds on whoever has not proven who they are.
 *
 *   H1  Every request and every upgrade passes the gate first, and only then is its route looked up.
 *   H2  A route says how its callers prove who they are, and of those that take a grant none runs before it was read. There is none without, but
 *       files of a page, which are code and the same for everybody: they are read, and nothing is told or done.
 *   H3  A stranger has 5 s from the first packet on, whatever it does meanwhile, and there are 64 at once: one more puts out the one that has
 *       waited longest, so that who says at once who they are gets in beside a flood. Of what it sends 64 KiB are looked at. Who
 *       is known counts no more.
 *   H4  Of a request's head 8 KiB are read, and no body of one that nobody has taken.
 *   H5  What is no request to the letter is refused and the connection ended: no second reading of it by whoever stands before us.
 */
import { readFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HoldError, limits } from "@holdfast/protocol";
import { answerError } from "../http/exchange.ts";
import type { Grant } from "../operator/grant.ts";
import { Gate, hostText, type Listen, paramsIn, reachedAt, valuesOf } from "@holdfast/carrier/listen";

/** The connection that a request came on. */
export interface Visit {
  /** Who is there has proven who they are. */
  known(): void;
}

/** What a request asks for, by somebody who is known. `G`: what a grant is read as. */
export interface Asked<G = Grant> {
  readonly grant: G;
  /** Segments of the path that its route leaves open. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/** What it throws is answered: a {@link HoldError} as it is, anything else is logged and told as `internal`. */
export type Handler<G = Grant> = (request: IncomingMessage, response: ServerResponse, asked: Asked<G>) => void | Promise<void>;

/** H2. `first frames`: a handshake on the connection or link that it opens. `bearer`: a grant in a header of each request. `none`: a page's file. */
export type Route<G = Grant> =
  | { readonly credential: "none"; readonly page: (request: IncomingMessage, response: ServerResponse) => void }
  | {
      /** Whatever is below its path, by any method: it proves who asks by itself, before anything of a body is read. */
      readonly credential: "own";
      readonly request: (request: IncomingMessage, response: ServerResponse, visit: Visit) => Promise<void>;
      readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer, visit: Visit) => void;
    }
  | { readonly credential: "bearer"; readonly GET?: Handler<G>; readonly POST?: Handler<G> }
  | {
      readonly credential: "first frames";
      readonly POST?: (
        request: IncomingMessage,
        response: ServerResponse,
        visit: Visit,
        params: Asked["params"],
      ) => void | Promise<void>;
      readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer, visit: Visit) => void;
    };

/** By path; a segment in braces is left open, and `/*` is whatever no other one is for. */
export type Routes<G = Grant> = Readonly<Record<string, Route<G>>>;

export interface ListenerOptions<G = Grant> {
  readonly log: (text: string) => void;
  /** Reads a grant; throws for one that is none. Without, no route that takes a grant is open to anybody. */
  readonly readGrant?: (token: string) => Promise<G>;
  /** How long a request may take to come, its body included. Default 60 s. */
  readonly requestMs?: number;
  /** Default {@link limits.handshakeMs}. */
  readonly strangerMs?: number;
  /** Default 64. */
  readonly strangers?: number;
}

const STRANGERS = 64;
/** From the last file of a page that was asked for. */
const READING_MS = 60_000;
/** Of these, from one address that is not this machine's: one that floods leaves room for others. */
const STRANGERS_SHARE = 4;
const HEAD_BYTES = 8 * 1024;
/** Of a request of somebody who is known; a stranger has less (H3). */
const REQUEST_MS = 60_000;
const METHODS = ["GET", "POST"] as const;
/** What pages of origins that are allowed may ask with, and how long that is remembered. */
const PREFLIGHT = {
  "Access-Control-Allow-Methods": METHODS.join(", "),
  "Access-Control-Allow-Headers":
    "Authorization, Content-Type, Last-Event-ID, Holdfast-Attach, Holdfast-Via, Holdfast-Link, Holdfast-Seq",
  "Access-Control-Max-Age": "600",
} as const;

interface Refusal {
  readonly status: number;
  readonly error: HoldError;
}

type Options<G> = ListenerOptions<G> & Required<Pick<ListenerOptions, "requestMs" | "strangerMs" | "strangers">>;

interface Found<G> {
  readonly route: Route<G>;
  readonly params: Readonly<Record<string, string>>;
}

const no = (status: number, text: string, code: "bad_request" | "not_permitted" = "bad_request"): Refusal => ({
  status,
  error: new HoldError(code, text),
});

interface Stranger {
  readonly from: string;
  deadline: NodeJS.Timeout;
  readonly put: () => void;
  bytes: number;
}

export class Listener<G = Grant> {
  readonly #server: Server;
  readonly #gate: Gate;
  readonly #routes: Routes<G>;
  /** In the order in which they came. */
  readonly #strangers = new Map<string, Stranger>();
  readonly #sockets = new Set<Socket>();
  readonly #templates: readonly { readonly segments: readonly string[]; readonly route: Route<G> }[];
  readonly #options: Options<G>;
  /** `ws://127.0.0.1:7433`, `wss://box.example:7433` */
  readonly url: string;

  private constructor(server: Server, listen: Listen, routes: Routes<G>, options: Options<G>) {
    const { port } = server.address() as AddressInfo;
    this.#server = server;
    this.#gate = new Gate(listen, port, "hold host up");
    this.#routes = routes;
    this.#templates = Object.entries(routes)
      .filter(([path]) => path.includes("{"))
      .map(([path, route]) => ({ segments: path.split("/"), route }));
    this.#options = options;
    this.url = `${listen.tls ? "wss" : "ws"}://${reachedAt(listen, port)}`;
  }

  /** Throws a {@link HoldError} that says why nothing is listened on. */
  static async open<G = Grant>(listen: Listen, routes: Routes<G>, options: ListenerOptions<G>): Promise<Listener<G>> {
    const all = { requestMs: REQUEST_MS, strangerMs: limits.handshakeMs, strangers: STRANGERS, ...options };
    const server = await serverFor(listen, all);
    // Nobody is taken before there is somebody to take them.
    let listener: Listener<G> | null = null;
    server.on("connection", (socket: Socket) => (listener ? listener.#met(socket) : socket.destroy()));
    server.on("secureConnection", (socket: Socket) => listener!.#secured(socket));
    server.on("request", (request: IncomingMessage, response: ServerResponse) => void listener!.#request(request, response));
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => listener!.#upgrade(request, socket, head));
    server.on("clientError", (_, socket: Duplex) => refuse(socket, no(400, "no request to the letter")));
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
    const from = socket.remoteAddress ?? "";
    const { strangers, strangerMs } = this.#options;
    socket.on("error", () => {});
    const all = [...this.#strangers.values()];
    const neighbours = from === socket.localAddress ? [] : all.filter((stranger) => stranger.from === from);
    if (neighbours.length >= strangers / STRANGERS_SHARE) neighbours[0]?.put();
    else if (all.length >= strangers) all[0]?.put();
    this.#sockets.add(socket);
    const put = (): void => {
      socket.destroy();
      this.#gone(id, socket);
    };
    this.#strangers.set(id, { from, put, deadline: setTimeout(put, strangerMs), bytes: 0 });
    socket.once("close", () => this.#gone(id, socket));
  }

  /** TLS takes TCP's socket over, and it is then this one that tells of the end. */
  #secured(socket: Socket): void {
    const id = idOf(socket);
    this.#sockets.add(socket);
    socket.once("close", () => this.#gone(id, socket));
  }

  /** H3: a page over a slow line takes its time. Whoever reads it is a stranger still, and is put out for one who comes. */
  #reads(socket: Socket): void {
    const stranger = this.#strangers.get(idOf(socket));
    if (!stranger) return;
    clearTimeout(stranger.deadline);
    stranger.deadline = setTimeout(stranger.put, READING_MS);
  }

  #gone(id: string, socket: Socket): void {
    this.#sockets.delete(socket);
    this.#known(id);
  }

  #known(id: string): void {
    clearTimeout(this.#strangers.get(id)?.deadline);
    this.#strangers.delete(id);
  }

  /** H3. True: they were too many for a stranger, who is put out. */
  #spends(socket: Socket, bytes: number): boolean {
    const stranger = this.#strangers.get(idOf(socket));
    if (!stranger || (stranger.bytes += bytes) <= limits.preAuthBytes) return false;
    stranger.put();
    return true;
  }

  #visit(socket: Socket): Visit {
    const id = idOf(socket);
    return { known: () => this.#known(id) };
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      // Of its body nothing is read before somebody is known, or by a link with a bound of its own; an answer before that ends the connection.
      if (
        this.#spends(
          request.socket,
          request.rawHeaders.reduce((sum, text) => sum + text.length, request.url!.length),
        )
      )
        return;
      const found = this.#find(request);
      if ("status" in found) return answer(response, found);
      const { route, params } = found;
      if (isPreflight(request)) return void response.writeHead(204, { ...PREFLIGHT, ...allowance(request) }).end();
      for (const [name, value] of Object.entries(allowance(request))) response.setHeader(name, value);
      const { method } = request;
      if (route.credential === "own") return await route.request(request, response, this.#visit(request.socket));
      if (route.credential === "none") {
        if (method !== "GET" && method !== "HEAD") return answer(response, no(405, "a page is read, with GET"));
        this.#reads(request.socket);
        return route.page(request, response);
      }
      if (route.credential === "first frames") {
        if (method === "POST" && route.POST) return await route.POST(request, response, this.#visit(request.socket), params);
        return answer(response, route.upgrade ? no(426, "this is for upgrades to websocket") : no(405, "only POST is here"));
      }
      const grant = await this.#grantOf(request);
      this.#visit(request.socket).known();
      const handler = method === "GET" ? route.GET : method === "POST" ? route.POST : undefined;
      if (!handler) {
        response.setHeader("Allow", METHODS.filter((m) => route[m]).join(", "));
        return answer(response, no(405, `${method} is not for this`));
      }
      const query = new URL(request.url!, "http://host").searchParams;
      await handler(request, response, { grant, params, query });
    } catch (fault) {
      if (!(fault instanceof HoldError))
        this.#options.log(`${request.method} ${request.url?.split("?", 1)[0]}: ${stackOf(fault)}`);
      const error =
        fault instanceof HoldError ? fault : new HoldError("internal", "the host failed on that; hold host logs tells more");
      if (error.code === "unknown_credential" || error.code === "grant_expired") response.setHeader("Connection", "close");
      // What has begun can't be called back: an end that is no end says so.
      if (response.headersSent) response.destroy();
      else answerError(response, error);
    }
  }

  /** H2. A grant is said once, in the header that is made for it: never in an address, which others log. */
  async #grantOf({ rawHeaders }: IncomingMessage): Promise<G> {
    const said = valuesOf("authorization", rawHeaders);
    const token = said.length === 1 ? /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(said[0]!)?.[1] : undefined;
    const { readGrant } = this.#options;
    if (token === undefined || !readGrant)
      throw new HoldError("unknown_credential", "a grant is wanted (Authorization: Bearer GRANT); hold grant signs one");
    return readGrant(token);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => {});
    const found = this.#find(request);
    if ("status" in found) return refuse(socket, found);
    const { route } = found;
    if ((route.credential !== "first frames" && route.credential !== "own") || !route.upgrade)
      return refuse(socket, no(400, "nothing to upgrade to is here"));
    // H5: a body before the upgrade would be frames to us and none to others.
    if (request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined)
      return refuse(socket, no(400, "an upgrade has no body"));
    const count = (chunk: Buffer): void => {
      if (!this.#strangers.has(idOf(request.socket)) || this.#spends(request.socket, chunk.length)) socket.off("data", count);
    };
    socket.on("data", count);
    route.upgrade(request, socket, head, this.#visit(request.socket));
  }

  /** H1. */
  #find(request: IncomingMessage): Found<G> | Refusal {
    const barred = this.#gate.refusal(request.rawHeaders);
    if (barred) return no(403, barred, "not_permitted");
    const url = request.url ?? "";
    if (!url.startsWith("/")) return no(400, "a path is wanted");
    const path = url.split("?", 1)[0]!;
    if (!path.includes("{") && Object.hasOwn(this.#routes, path)) return { route: this.#routes[path]!, params: {} };
    const segments = path.split("/");
    for (const { segments: wanted, route } of this.#templates) {
      const params = paramsIn(wanted, segments);
      if (params) return { route, params };
    }
    if (Object.hasOwn(this.#routes, "/*")) return { route: this.#routes["/*"]!, params: {} };
    return no(404, "there is nothing here");
  }
}

/** A browser asks for a page whether it may ask. It says nothing of who it is, and is told nothing but that. */
function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers.origin !== undefined && headers["access-control-request-method"] !== undefined;
}

/** Of a page that the gate has let in. No cookie is ever meant: there are none here. */
function allowance({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  return headers.origin === undefined ? {} : { "Access-Control-Allow-Origin": headers.origin, Vary: "Origin" };
}

function stackOf(fault: unknown): string {
  return fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
}

async function serverFor(
  { tls }: Listen,
  { requestMs, strangerMs }: Pick<Options<unknown>, "requestMs" | "strangerMs">,
): Promise<Server> {
  const bounds: ServerOptions = {
    maxHeaderSize: HEAD_BYTES,
    headersTimeout: Math.min(requestMs, strangerMs),
    requestTimeout: requestMs,
    keepAliveTimeout: strangerMs,
    connectionsCheckingInterval: Math.min(requestMs, strangerMs),
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

function answer(response: ServerResponse, { status, error }: Refusal): void {
  response.setHeader("Connection", "close");
  answerError(response, error, status);
}

/** Says why on a connection that is no request's any more, and ends it. */
export function refuse(socket: Duplex, { status, error }: Refusal): void {
  if (!socket.writable) return void socket.destroy();
  const body = `${error}\n`;
  const head = Object.entries({
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(body)),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    Connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} Refused\r\n${head.join("")}\r\n${body}`, () => socket.destroy());
}
