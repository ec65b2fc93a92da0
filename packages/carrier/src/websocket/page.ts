/**
 * The client's end where there is nothing but the platform's WebSocket: pages, workers, other runtimes.
 *
 * Such a socket can't be paused: what comes while the link is, waits here. How much that is, is bounded by the credit of whoever reads
 * (core/window). Nor does it tell that it has drained: it is looked at, while somebody wants to know and something waits.
 */
import { HoldError, limits } from "@holdfast/protocol";
import type { Acceptor, Link, LinkHandlers } from "../link.ts";
import { linkUrl, SUBPROTOCOL } from "./address.ts";
import { packed, unpacked } from "./frame.ts";

/** Between looks at what waits. */
const LOOK_MS = 5;
/** Close codes that a page may give (RFC 6455 §7.4): nothing wrong, and one of our own for what is no frame. */
const NORMAL = 1000;
const NO_FRAME = 4003;

/** Connects; rejects with `unreachable` when nobody answers, or who does is no host. A page is not told which. */
export function connectWebSocket(
  url: string | URL,
  accept: Acceptor,
  make: (url: string, protocol: string) => WebSocket = (address, protocol) => new WebSocket(address, protocol),
): Promise<Link> {
  return new Promise((resolve, reject) => {
    const address = linkUrl(String(url));
    const socket = make(address.href, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    const failed = (): void =>
      reject(
        new HoldError(
          "unreachable",
          `no host answers at ${address.origin}, or it does not allow this origin (hold host up --listen … --allow-origin URL)`,
          { url: address.href },
        ),
      );
    socket.addEventListener("error", failed);
    socket.addEventListener("close", failed);
    socket.addEventListener("open", () => {
      if (socket.protocol !== SUBPROTOCOL) {
        socket.close();
        return reject(new HoldError("unreachable", `who answers at ${address.origin} does not speak ${SUBPROTOCOL}`));
      }
      const link = new PageLink(socket, whole);
      link.open(accept(link));
      resolve(link);
    });
  });
}

/** How frames lie in messages. */
export interface Packing {
  pack(channel: number, message: Uint8Array): Iterable<Uint8Array<ArrayBuffer>>;
  /** Throws `bad_request` for what holds none. */
  unpack(data: Uint8Array, maxBytes: number, frame: (channel: number, message: Uint8Array) => void): void;
}

/** One in each. */
const whole: Packing = {
  pack: (channel, message) => [packed(channel, message)],
  unpack(data, maxBytes, frame) {
    const { channel, message } = unpacked(data, maxBytes);
    frame(channel, message);
  },
};

export class PageLink implements Link {
  readonly carrier = "websocket";
  readonly #socket: WebSocket;
  readonly #packing: Packing;
  #handlers: LinkHandlers | null = null;
  #over = false;
  #paused = false;
  #waiting: Uint8Array[] = [];
  #looking = false;

  constructor(socket: WebSocket, packing: Packing) {
    this.#socket = socket;
    this.#packing = packing;
  }

  open(handlers: LinkHandlers): void {
    this.#handlers = handlers;
    this.#socket.addEventListener("message", ({ data }: { readonly data: unknown }) => {
      if (this.#over) return;
      if (!(data instanceof ArrayBuffer)) return this.#refuse("[bad_request] a text message; frames are binary");
      const bytes = new Uint8Array(data);
      if (this.#paused || this.#waiting.length > 0) this.#waiting.push(bytes);
      else this.#deliver(bytes);
    });
    this.#socket.addEventListener("close", () => this.#end("closed"));
  }

  #deliver(data: Uint8Array): void {
    try {
      this.#packing.unpack(data, this.#handlers?.maxFrameBytes ?? limits.frameBytes, (channel, message) => {
        if (!this.#over) this.#handlers?.frame(channel, message);
      });
    } catch (fault) {
      this.#refuse(String(fault));
      if (!(fault instanceof HoldError)) throw fault;
    }
  }

  #refuse(reason: string): void {
    this.#socket.close(NO_FRAME);
    this.#end(reason);
  }

  get buffered(): number {
    return this.#over ? 0 : this.#socket.bufferedAmount;
  }

  send(channel: number, message: Uint8Array): void {
    if (this.#over) return;
    for (const piece of this.#packing.pack(channel, message)) this.#socket.send(piece);
    if (!this.#looking && this.#handlers?.drained) this.#look();
  }

  #look(): void {
    this.#looking = true;
    setTimeout(() => {
      this.#looking = false;
      if (this.#over) return;
      if (this.#socket.bufferedAmount > 0) this.#look();
      else this.#handlers?.drained?.();
    }, LOOK_MS);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    while (!this.#paused && !this.#over) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#deliver(next);
    }
  }

  close(): void {
    this.#socket.close(NORMAL);
  }

  destroy(): void {
    this.#socket.close(NORMAL);
    this.#end("closed");
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting = [];
    this.#handlers?.closed(reason);
  }
}
