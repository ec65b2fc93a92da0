/**
 * A link without a carrier: what a request asks goes to the host as frames, as from anybody, by an operator whom the grant has proven
 * (link/host-link.ts L5). So nothing of who may do what is decided here.
 */
import type { Link, LinkHandlers } from "@holdfast/carrier/link";
import { CONTROL_CHANNEL, decodeHost, type Error as WireError, HoldError, isCode } from "@holdfast/protocol";
import type { Proven } from "../link/handshake.ts";

export type Meet = (link: Link, proven: Proven) => LinkHandlers;

export interface Ears {
  /** A frame from the host. */
  frame(channel: number, message: Uint8Array): void;
  /** The host ended the link. */
  over(why: HoldError): void;
  /** Bytes that the caller has not taken yet. */
  buffered(): number;
}

export class InProcessLink implements Link {
  readonly carrier = "http";
  readonly #ears: Ears;
  #handlers: LinkHandlers | null = null;
  #why = new HoldError("unreachable", "the host ended the link");
  #over = false;

  private constructor(ears: Ears) {
    this.#ears = ears;
  }

  static open(meet: Meet, proven: Proven, ears: Ears): InProcessLink {
    const link = new InProcessLink(ears);
    link.#handlers = meet(link, proven);
    return link;
  }

  /** A frame towards the host. */
  tell(channel: number, message: Uint8Array): void {
    if (!this.#over) this.#handlers?.frame(channel, message);
  }

  /** The caller has taken what waited. */
  drained(): void {
    if (!this.#over) this.#handlers?.drained?.();
  }

  /** The caller went, and it is not known whether on purpose. */
  leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#handlers?.closed("closed");
  }

  get buffered(): number {
    return this.#ears.buffered();
  }

  send(channel: number, message: Uint8Array): void {
    if (this.#over) return;
    if (channel === CONTROL_CHANNEL) {
      const body = decodeHost(message);
      if (body.case === "refused") {
        this.#why = errorFrom(body.value.error);
        return;
      }
    }
    this.#ears.frame(channel, message);
  }

  pause(): void {}
  resume(): void {}

  /** By the host: it has said why (`refused`), or is going. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#ears.over(this.#why);
  }

  destroy(): void {
    this.close();
  }
}

export function errorFrom(error: WireError | undefined): HoldError {
  const code = error && isCode(error.code) ? error.code : "internal";
  return new HoldError(code, error?.message || "the host gave no reason", error?.details ?? {});
}
