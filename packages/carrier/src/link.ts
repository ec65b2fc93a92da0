/**
 * Link: one live connection over a carrier; it may die at any byte. It moves frames (a channel number and a message) and
 * tells when the hop is full; what the frames mean, who sent them and how much may be under way is known elsewhere.
 *
 *   C1  Frames arrive whole, in the order sent, or not at all.
 *   C2  `send` never blocks and never drops; `buffered` tells how much waits in this process.
 *   C3  After `closed` nothing more is delivered; it is told exactly once.
 */
export interface LinkHandlers {
  /** `message` is valid after the call too (never reused). */
  frame(channel: number, message: Uint8Array): void;
  /** Bytes of one frame that may come now, its channel included; of a longer one no more is kept. Default `limits.frameBytes`. */
  readonly maxFrameBytes?: number;
  /** What waited has left this process. */
  drained?(): void;
  closed(reason: string): void;
}

export interface Link {
  readonly carrier: "unix" | "memory" | "websocket" | "http" | "grpc" | "ssh" | "stdio";
  /** Bytes accepted by `send` and not yet taken by the operating system. */
  readonly buffered: number;
  /** Raw public key that the other end has shown to the carrier itself (tls/secure.ts); absent where the carrier asks for none. */
  readonly peerKey?: Uint8Array;
  /** True: somebody between the two ends could read it and forge (a page's link through a relay). */
  readonly isPlain?: boolean;
  send(channel: number, message: Uint8Array): void;
  /** Stops and restarts delivery; what arrives meanwhile waits in the hop. */
  pause(): void;
  resume(): void;
  /** Ends the link after what was sent has left. */
  close(): void;
  /** Ends it now. */
  destroy(): void;
}

/** How a server meets new links: handlers for each. */
export type Acceptor = (link: Link) => LinkHandlers;
