/** The memory carrier: two ends in one process, for tests and for a host that talks to itself. Delivery is the caller's to time. */
import type { Acceptor, Link, LinkHandlers } from "../link.ts";

/** `deliver` runs each hand-over; the default is a microtask. A simulation passes its own scheduler (and may drop or delay). */
export function memoryPair(
  server: Acceptor,
  client: Acceptor,
  deliver: (run: () => void) => void = queueMicrotask,
): { readonly server: Link; readonly client: Link } {
  const a = new MemoryLink(deliver);
  const b = new MemoryLink(deliver);
  a.join(b);
  b.join(a);
  a.open(server(a));
  b.open(client(b));
  return { server: a, client: b };
}

class MemoryLink implements Link {
  readonly carrier = "memory";
  readonly #deliver: (run: () => void) => void;
  #peer: MemoryLink | null = null;
  #handlers: LinkHandlers | null = null;
  #over = false;
  #paused = false;
  #waiting: { channel: number; message: Uint8Array }[] = [];
  #waitingBytes = 0;

  constructor(deliver: (run: () => void) => void) {
    this.#deliver = deliver;
  }

  join(peer: MemoryLink): void {
    this.#peer = peer;
  }

  open(handlers: LinkHandlers): void {
    this.#handlers = handlers;
  }

  get buffered(): number {
    return this.#peer ? this.#peer.#waitingBytes : 0;
  }

  send(channel: number, message: Uint8Array): void {
    if (this.#over) return;
    const peer = this.#peer;
    this.#deliver(() => peer?.receive(channel, message));
  }

  receive(channel: number, message: Uint8Array): void {
    if (this.#over) return;
    if (this.#paused || this.#waiting.length > 0) {
      this.#waiting.push({ channel, message });
      this.#waitingBytes += message.length;
    } else this.#handlers?.frame(channel, message);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    while (!this.#paused && !this.#over) {
      const next = this.#waiting.shift();
      if (!next) break;
      this.#waitingBytes -= next.message.length;
      this.#handlers?.frame(next.channel, next.message);
    }
    if (this.#waiting.length === 0) this.#peer?.hasRoom();
  }

  hasRoom(): void {
    if (!this.#over) this.#handlers?.drained?.();
  }

  close(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#handlers?.closed("closed");
    const peer = this.#peer;
    this.#deliver(() => peer?.destroy());
  }
}
