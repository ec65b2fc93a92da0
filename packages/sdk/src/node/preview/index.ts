/**
 * A port of a session in a browser of this machine, for one person: what is not let in by the link that was printed is not led there.
 *
 *   V1  The link holds a token that is taken once, for a cookie that no script reads and no other site's page sends; the browser is then led to a
 *       place without it.
 *   V2  A name of its own below `localhost`: another origin and another site than everything else here, so that neither a page nor a server of
 *       another port has part in what this one keeps. Asked for by another name, nothing is answered (rebinding).
 *   V3  A page of another origin opens no WebSocket here and changes nothing, cookie or not.
 *   V4  The program is asked as if on its own machine: host, origin and referrer are its own, and it does not see the cookie.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { Agent, createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { HoldError } from "@holdfast/protocol";
import { createProxyServer } from "httpxy";
import type { HostClient } from "../../api/index.ts";
import { connectPort } from "../forward.ts";
import { listenOnLoopback, type Loopback, portFault } from "../loopback.ts";

const ENTRY = "/.holdfast/";
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
/** Connections to the program, of what a link takes. */
const MOST = 48;

export interface PreviewOptions {
  /** Of the session. */
  readonly port: number;
  /** Of this machine's loopback; default: any that is free. */
  readonly localPort?: number;
  /** Told why something could not be led there; the preview goes on. */
  readonly failed?: (fault: HoldError) => void;
}

export interface Preview extends Loopback {
  /** Good once: whoever opens it first is let in. */
  readonly url: string;
}

/** Rejects if the port here is taken. */
export async function preview(client: HostClient, session: string, options: PreviewOptions): Promise<Preview> {
  return new Door(client, session, options).open(options.localPort ?? 0);
}

class Door {
  readonly #port: number;
  readonly #name = `preview-${randomBytes(5).toString("hex")}.localhost`;
  /** V2: with the port; empty before it listens. */
  #host = "";
  readonly #cookieName = `holdfast-${randomBytes(5).toString("hex")}`;
  readonly #cookie = secret();
  /** Null: it was taken. */
  #token: string | null = secret();
  readonly #agent: Agent;
  readonly #proxy;
  readonly #server;

  constructor(client: HostClient, session: string, { port, failed = () => {} }: PreviewOptions) {
    this.#port = port;
    this.#agent = agentTo(() => connectPort(client, session, port));
    this.#proxy = createProxyServer({
      target: `http://localhost:${port}`,
      changeOrigin: true,
      xfwd: true,
      agent: this.#agent,
      autoRewrite: true,
      cookieDomainRewrite: { "*": "" },
    });
    this.#proxy.on("error", (fault, _request, response) => {
      const error = portFault(fault);
      if (!isAway(fault)) failed(error);
      if (response && "writeHead" in response) answer(response as ServerResponse, 502, error.message);
      else (response as Socket | undefined)?.destroy();
    });
    this.#server = createServer({ requestTimeout: 0 }, (request, response) => this.#take(request, response));
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket as Socket, head));
  }

  async open(port: number): Promise<Preview> {
    const { localPort, close } = await listenOnLoopback(this.#server, port);
    this.#host = `${this.#name}:${localPort}`;
    return {
      url: `${this.#origin}${ENTRY}${this.#token}`,
      localPort,
      close: () => {
        this.#agent.destroy();
        return close();
      },
    };
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#isOurs(request)) return answer(response, 421, "this preview is asked for by another name");
    if (request.method === "GET" && request.url?.startsWith(ENTRY)) return this.#enter(request.url.slice(ENTRY.length), response);
    const refused = this.#refusal(request);
    if (refused) return answer(response, 403, refused);
    this.#asThere(request);
    this.#proxy.web(request, response).catch(() => response.destroy());
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    if (!this.#isOurs(request) || this.#refusal(request))
      return void socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
    this.#asThere(request);
    this.#proxy.ws(request, socket, {}, head).catch(() => socket.destroy());
  }

  /** V1. */
  #enter(token: string, response: ServerResponse): void {
    if (this.#token === null || !isSame(token, this.#token))
      return answer(response, 403, "this link was opened once and lets nobody in any more; hold preview prints another one");
    this.#token = null;
    response.writeHead(303, {
      Location: "/",
      "Set-Cookie": `${this.#cookieName}=${this.#cookie}; Path=/; HttpOnly; SameSite=Strict`,
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
    });
    response.end();
  }

  /** V2. */
  #isOurs({ headers: { host } }: IncomingMessage): boolean {
    return host === this.#host;
  }

  /** Null: it may pass. */
  #refusal({ headers, method = "" }: IncomingMessage): string | null {
    const { origin } = headers;
    const isOwn = origin === undefined || origin === this.#origin;
    if (!isOwn && (!SAFE.has(method) || headers.upgrade !== undefined)) return "a page of another origin may not";
    const cookie = cookiesOf(headers).find(([name]) => name === this.#cookieName)?.[1];
    return cookie !== undefined && isSame(cookie, this.#cookie)
      ? null
      : "this preview is for who has opened its link; hold preview prints one";
  }

  get #origin(): string {
    return `http://${this.#host}`;
  }

  /** V4. */
  #asThere({ headers }: IncomingMessage): void {
    const kept = cookiesOf(headers).filter(([name]) => name !== this.#cookieName);
    if (kept.length > 0) headers.cookie = kept.map(([name, value]) => `${name}=${value}`).join("; ");
    else delete headers.cookie;
    const there = `http://localhost:${this.#port}`;
    if (headers.origin === this.#origin) headers.origin = there;
    if (headers.referer?.startsWith(`${this.#origin}/`)) headers.referer = there + headers.referer.slice(this.#origin.length);
  }
}

/** Node's agent over connections of ours. */
function agentTo(open: () => Promise<Duplex>): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: MOST });
  agent.createConnection = (_options, made) => {
    open().then(
      (stream) => made?.(null, stream),
      (fault: Error) => made?.(fault, null as never),
    );
    return undefined;
  };
  return agent;
}

const secret = (): string => randomBytes(32).toString("base64url");
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));

function cookiesOf({ cookie = "" }: IncomingHttpHeaders): (readonly [name: string, value: string])[] {
  return cookie
    .split(/; */)
    .filter(Boolean)
    .map((pair) => {
      const at = pair.indexOf("=");
      return at < 0 ? (["", pair] as const) : ([pair.slice(0, at), pair.slice(at + 1)] as const);
    });
}

/** The browser has gone. */
function isAway(fault: NodeJS.ErrnoException): boolean {
  return fault.code === "ECONNRESET";
}

function answer(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" });
  response.end(`${text}\n`);
}
