/**
 * A link carried on to this machine's host: `hold attach --carrier stdio` at the far end of ssh, `docker exec` or sudo.
 *
 *   B1  A client that has a credential of its own is carried as it is: it and the host prove themselves to each other.
 *   B2  One that has none (an empty key id) is proven with this machine's credential, and is sent the host's challenge and welcome.
 *       Whoever may start this program may use that key anyway.
 *   B3  What one end does not take is not read from the other.
 */
import { connectUnix, files, type Acceptor, type Link, type LinkHandlers, ownStdio } from "@holdfast/carrier";
import { isSecretName, usualSecretNames } from "@holdfast/core";
import { CONTROL_CHANNEL, decodeClient, encodeHost, HoldError, limits, OperatorKind } from "@holdfast/protocol";
import { shakeHands } from "../client/handshake.ts";
import { type Surroundings, surroundingsOnWire } from "../client/surroundings.ts";
import { credentialOf, homeVerifier } from "./keys.ts";
import { surroundings } from "./machine.ts";

export interface BridgeOptions {
  readonly home: string;
  /** Name of the credential for a client that has none (B2); default: the machine user's. */
  readonly as?: string;
  /** Starts the host if nothing answers. */
  readonly startHost?: () => Promise<void>;
}

/** What waits for one end before the other is not read any more. */
const HOP_BYTES = 256 * 1024;

/** Carries standard input and output to the host of `home`. Resolves when either end is over; why there was no link is told to the client. */
export function bridgeStdio(options: BridgeOptions): Promise<void> {
  return new Promise((over) => {
    ownStdio((client) => new Bridge(options, client, over));
  });
}

/** The client's end, and what leads to the host's. */
class Bridge implements LinkHandlers {
  readonly #options: BridgeOptions;
  readonly #client: Link;
  readonly #over: () => void;
  #phase: "new" | "reaching" | "carrying" | "over" = "new";
  #host: Link | null = null;
  /** Sent by the client before there was a host to send it to: no more than came with its hello. */
  #early: [channel: number, message: Uint8Array][] = [];

  constructor(options: BridgeOptions, client: Link, over: () => void) {
    this.#options = options;
    this.#client = client;
    this.#over = over;
  }

  get maxFrameBytes(): number {
    return this.#host ? limits.frameBytes : limits.preAuthBytes;
  }

  frame(channel: number, message: Uint8Array): void {
    if (this.#phase === "carrying" && this.#host) this.#pass(this.#client, this.#host, channel, message);
    else if (this.#phase === "reaching") this.#early.push([channel, message]);
    else if (this.#phase === "new") {
      this.#phase = "reaching";
      // A host may have to start first: what the client goes on to send waits outside of this process.
      this.#client.pause();
      this.#begin(message).catch((fault: unknown) => this.#refuse(fault));
    }
  }

  drained(): void {
    this.#host?.resume();
  }

  closed(): void {
    this.#host?.close();
    this.#over();
  }

  /** B3. */
  #pass(from: Link, to: Link, channel: number, message: Uint8Array): void {
    to.send(channel, message);
    if (to.buffered > HOP_BYTES) from.pause();
  }

  async #begin(first: Uint8Array): Promise<void> {
    const hello = decodeClient(first);
    if (hello.case !== "hello") throw new HoldError("bad_request", "a link begins with Hello");
    if (hello.value.keyId.length > 0) {
      const host = await this.#dial((link) => this.#hostEnd(link));
      host.send(CONTROL_CHANNEL, first);
      return this.#meet(host);
    }
    // The keys of a home that no host has run in are made by its first one.
    (await this.#dial(() => ({ frame: () => {}, closed: () => {} }))).close();
    const { home, as } = this.#options;
    const { link } = await shakeHands(
      {
        dial: (accept) => this.#dial(accept),
        credential: credentialOf(home, as),
        verifier: homeVerifier(home),
        via: hello.value.via,
        client: hello.value.client,
        carrier: this.#client.carrier,
        ...(hello.value.resume ? { resume: hello.value.resume } : {}),
        signal: AbortSignal.timeout(limits.handshakeMs),
      },
      ({ link: host, challenge, welcome }) => {
        this.#client.send(CONTROL_CHANNEL, encodeHost({ case: "challenge", value: challenge }));
        const here = surroundingsOnWire(surroundingsFor(welcome.kind));
        this.#client.send(CONTROL_CHANNEL, encodeHost({ case: "welcome", value: { ...welcome, surroundings: here } }));
        return this.#hostEnd(host);
      },
    );
    this.#meet(link);
  }

  #meet(host: Link): void {
    this.#host = host;
    this.#phase = "carrying";
    for (const [channel, message] of this.#early.splice(0)) host.send(channel, message);
    this.#client.resume();
  }

  #hostEnd(host: Link): LinkHandlers {
    return {
      frame: (channel, message) => this.#pass(host, this.#client, channel, message),
      drained: () => this.#client.resume(),
      closed: () => this.#end(),
    };
  }

  async #dial(accept: Acceptor): Promise<Link> {
    const { home, startHost } = this.#options;
    const path = files.socket(home);
    try {
      return await connectUnix(path, accept);
    } catch (fault) {
      if (!startHost || !(fault instanceof HoldError && fault.code === "unreachable")) throw fault;
      await startHost();
      return connectUnix(path, accept);
    }
  }

  #refuse(fault: unknown): void {
    const { code, message, details } =
      fault instanceof HoldError ? fault : new HoldError("internal", fault instanceof Error ? fault.message : String(fault));
    const error = { code, message, details: { ...details } };
    this.#client.send(CONTROL_CHANNEL, encodeHost({ case: "refused", value: { error } }));
    this.#end();
  }

  /** Nothing more comes from the host. The client is read on, or it would not be heard to go. */
  #end(): void {
    this.#phase = "over";
    this.#early = [];
    this.#client.resume();
    this.#client.close();
  }
}

/** No AI is told a secret of this machine: what it opens runs without those variables. */
function surroundingsFor(kind: OperatorKind): Surroundings {
  const here = surroundings();
  if (kind !== OperatorKind.AI) return here;
  const shown = Object.entries(here.env).filter(([name]) => !isSecretName(usualSecretNames, name));
  return { ...here, env: Object.fromEntries(shown) };
}
