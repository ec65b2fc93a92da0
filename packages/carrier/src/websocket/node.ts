/**
 * The WebSocket carrier on Node, both ends, on `ws`. Why not Node's own WebSocket: it can't be paused, and takes no certificate of an
 * authority of one's own (ADR 90). Apart from the package's root: `ws` takes longer to load than `hold ls` may.
 *
 *   B1  What is kept of a message is bounded before it comes, by its handlers' word of this moment: also what is in fragments.
 *   B2  Nothing is compressed: a frame that says it is ends the link, and none can grow when it is read.
 *   B3  A peer that went without a word is noticed: one from which not a byte comes, though it is pinged, is let go. A slow one is not.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { HoldError, limits } from "@holdfast/protocol";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import type { Acceptor, Link, LinkHandlers } from "../link.ts";
import { linkUrl, SUBPROTOCOL } from "./address.ts";
import { packed, unpacked } from "./frame.ts";

/** How long the other end may take to say goodbye too. */
const CLOSE_MS = 1_000;
/** How long an upgrade may take. */
const UPGRADE_MS = 10_000;
/** How often it is looked whether anything came from a peer. One from which nothing did is pinged, and let go after so many looks more. */
const ALIVE_MS = 20_000;
const SILENT_LOOKS = 2;
/** A frame of the largest size, in the smallest segments that a path may have, and no finer. */
const MAX_PIECES = 8_192;
const MAX_FRAGMENTS = 256;

const bounds = {
  perMessageDeflate: false,
  maxPayload: limits.frameBytes,
  maxFragments: MAX_FRAGMENTS,
  maxBufferedChunks: MAX_PIECES,
  closeTimeout: CLOSE_MS,
} as const;

export interface WebSocketEnd {
  /** Takes over an upgrade that {@link offersLink} found good; whose Host and Origin are allowed is the caller's to know. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer, accept: Acceptor): void;
}

/** Whether this request asks for a link: null if so, else what is wrong with it. */
export function offersLink({ headers }: IncomingMessage): string | null {
  if (headers.upgrade?.toLowerCase() !== "websocket") return "an upgrade to websocket is wanted";
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  return offered.includes(SUBPROTOCOL) ? null : `the subprotocol ${SUBPROTOCOL} is wanted`;
}

export function webSocketEnd(options: { readonly aliveMs?: number } = {}): WebSocketEnd {
  const server = new WebSocketServer({ ...bounds, noServer: true, clientTracking: false, handleProtocols: () => SUBPROTOCOL });
  return {
    take: (request, socket, head, accept) =>
      server.handleUpgrade(request, socket, head, (made) => {
        bind(made, socket, accept, options.aliveMs ?? ALIVE_MS);
      }),
  };
}

export interface WebSocketDial {
  /** Certificates of authorities to trust in place of the system's, PEM. */
  readonly ca?: string | Buffer;
}

/** Connects; rejects with `unreachable` when nobody answers, and says so when who answers refuses or is no host. */
export function connectWebSocket(url: string | URL, accept: Acceptor, { ca }: WebSocketDial = {}): Promise<Link> {
  return new Promise((resolve, reject) => {
    const address = linkUrl(String(url));
    const made = new WebSocket(address, SUBPROTOCOL, { ...bounds, handshakeTimeout: UPGRADE_MS, ...(ca ? { ca } : {}) });
    let socket: Duplex | null = null;
    const failed = (why: string, cause?: Error): void =>
      reject(new HoldError("unreachable", `no host answers at ${address.origin} (${why})`, { url: address.href }, { cause }));
    made.once("upgrade", (response) => {
      socket = response.socket;
    });
    made.once("unexpected-response", (request, response) => {
      let said = "";
      response.on("data", (chunk: Buffer) => {
        said = (said + chunk.toString("latin1")).slice(0, 200);
      });
      response.once("close", () => {
        failed(`it says ${response.statusCode}: ${said.trim() || response.statusMessage}`);
        request.destroy();
      });
      setTimeout(() => response.destroy(), CLOSE_MS).unref();
    });
    made.once("error", (cause: NodeJS.ErrnoException) => {
      const isCertificate = /CERT|SIGNATURE|ISSUER/.test(cause.code ?? "");
      failed(
        `${cause.code ?? cause.message}${isCertificate ? ": its certificate is not trusted here; name its authority with NODE_EXTRA_CA_CERTS=FILE" : ""}`,
        cause,
      );
    });
    made.once("open", () => {
      made.removeAllListeners("error");
      resolve(bind(made, socket as Duplex, accept, ALIVE_MS));
    });
  });
}

function bind(made: WebSocket, socket: Duplex, accept: Acceptor, aliveMs: number): Link {
  const link = new SocketLink(made, socket, aliveMs);
  link.open(accept(link));
  return link;
}

/** Frames sent in one turn of the loop leave in one write. */
class SocketLink implements Link {
  readonly carrier = "websocket";
  readonly #made: WebSocket;
  readonly #socket: Duplex;
  readonly #watch: NodeJS.Timeout;
  #handlers: LinkHandlers | null = null;
  #corked = false;
  #over = false;
  #bytesRead = 0;
  #silentLooks = 0;

  constructor(made: WebSocket, socket: Duplex, aliveMs: number) {
    this.#made = made;
    this.#socket = socket;
    this.#watch = setInterval(() => this.#lookAlive(), aliveMs);
    this.#watch.unref();
  }

  open(handlers: LinkHandlers): void {
    this.#handlers = handlers;
    bound(this.#made, () => Math.max(1, handlers.maxFrameBytes ?? limits.frameBytes));
    this.#made.on("message", (data: RawData, isBinary: boolean) => {
      if (this.#over) return;
      if (!isBinary) return this.#refuse(new HoldError("bad_request", "a text message; frames are binary"));
      try {
        const { channel, message } = unpacked(data as Buffer, limits.frameBytes);
        handlers.frame(channel, message);
      } catch (fault) {
        this.#refuse(fault);
        if (!(fault instanceof HoldError)) throw fault;
      }
    });
    this.#made.on("error", (fault) => this.#refuse(new HoldError("bad_request", fault.message, {}, { cause: fault })));
    this.#made.on("close", () => this.#end("closed"));
    this.#socket.on("drain", () => {
      if (!this.#over) handlers.drained?.();
    });
  }

  get buffered(): number {
    return this.#over ? 0 : this.#made.bufferedAmount;
  }

  send(channel: number, message: Uint8Array): void {
    if (this.#over || this.#made.readyState !== WebSocket.OPEN) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => this.#uncork());
    }
    this.#made.send(packed(channel, message));
  }

  #uncork(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#socket.uncork();
  }

  pause(): void {
    this.#made.pause();
  }

  resume(): void {
    this.#silentLooks = 0;
    this.#made.resume();
  }

  close(): void {
    this.#made.close(1000);
    this.#uncork();
  }

  destroy(): void {
    this.#made.terminate();
    this.#end("closed");
  }

  #refuse(fault: unknown): void {
    this.#made.terminate();
    this.#end(String(fault));
  }

  /** B3. What is paused hears nothing, and is no sign of anything. */
  #lookAlive(): void {
    if (this.#made.isPaused) return;
    const { bytesRead } = this.#socket as Duplex & { readonly bytesRead: number };
    this.#silentLooks = bytesRead === this.#bytesRead ? this.#silentLooks + 1 : 0;
    this.#bytesRead = bytesRead;
    if (this.#silentLooks > SILENT_LOOKS) return this.#refuse("no answer to a ping");
    if (this.#made.readyState === WebSocket.OPEN) this.#made.ping();
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#watch);
    this.#handlers?.closed(reason);
  }
}

/**
 * B1. `ws` takes one bound for the life of a socket, and here it grows with the handshake: so the number that its reader looks at, when a
 * header has come and before anything is kept for it, is asked for each time. The version is exact, and tests hold this.
 */
function bound(made: WebSocket, most: () => number): void {
  const reader = (made as unknown as { readonly _receiver: object })._receiver;
  Object.defineProperty(reader, "_maxPayload", { get: most });
}
