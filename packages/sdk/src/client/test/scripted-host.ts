/** A host of a few lines: it welcomes everybody, and says to an attachment what a test tells it to. Time is the test's. */
import { memoryPair, type Link } from "@holdfast/carrier";
import { MonotonicMs } from "@holdfast/core";
import { decodeClient, encodeHost, HoldError, type ClientFrame, type Code, type HostBody } from "@holdfast/protocol";
import type { AttachHandlers, AttachOptions, Attachment } from "../../api/index.ts";
import { ClientAttachment } from "../attachment.ts";
import { Connection } from "../connection.ts";
import type { Redial } from "../redial.ts";

type Frame = ClientFrame["body"];

export class ScriptedHost {
  /** What clients sent on channels other than the handshake, in order. */
  readonly heard: { readonly link: number; readonly channel: number; readonly body: Frame }[] = [];
  readonly links: Link[] = [];
  /** How many of them have ended. */
  closed = 0;
  /** Clients' ends. */
  readonly ends: Link[] = [];
  refusesLinks = false;
  /** With which code it does. */
  refusal: Code = "unreachable";
  /** Of its welcomes from now on. */
  answersAgain = true;
  hostKey: Uint8Array = new Uint8Array(32);
  /** Answers calls and attachments; replaced by tests. */
  on: (body: Frame, say: (body: HostBody) => void, channel: number) => void = () => {};

  dial(): Promise<Connection> {
    if (this.refusesLinks) return Promise.reject(new HoldError(this.refusal, "nobody there"));
    return Connection.open({
      dial: async (accept) => {
        const n = this.links.length;
        const { client } = memoryPair((link) => {
          this.links.push(link);
          return {
            frame: (channel, message) => {
              const body = decodeClient(message);
              const say = (b: HostBody): void => link.send(channel, encodeHost(b));
              if (body.case === "hello")
                return say({
                  case: "challenge",
                  value: {
                    protocol: 1,
                    hostKey: this.hostKey,
                    nonce: new Uint8Array(32),
                    signature: new Uint8Array(64),
                    hostId: "h",
                  },
                });
              if (body.case === "proof")
                return say({ case: "welcome", value: { operator: "ana", name: "ana", answersAgain: this.answersAgain } });
              this.heard.push({ link: n, channel, body });
              this.on(body, say, channel);
            },
            closed: () => void this.closed++,
          };
        }, accept);
        this.ends.push(client);
        return client;
      },
      credential: { keyId: new Uint8Array(32), sign: () => new Uint8Array(64) },
      verifier: { verify: () => true, randomBytes: (k) => new Uint8Array(k) },
      via: "sdk",
      client: "test",
    });
  }

  say(body: HostBody, channel = 1): void {
    this.links.at(-1)!.send(channel, encodeHost(body));
  }

  of<K extends NonNullable<Frame["case"]>>(kind: K): Extract<Frame, { case: K }>["value"][] {
    return this.heard.flatMap(({ body }) => (body.case === kind ? [body.value as never] : []));
  }
}

/** A clock that is moved by hand, and what waits on it. */
export class HandClock implements Redial {
  nowMs = 0;
  readonly waits: number[] = [];
  #due: { atMs: number; run(): void }[] = [];
  readonly #host: ScriptedHost;
  #ids = 0;

  constructor(host: ScriptedHost) {
    this.#host = host;
  }

  connect(): Promise<Connection> {
    return this.#host.dial();
  }
  now(): MonotonicMs {
    return MonotonicMs(this.nowMs);
  }
  /** How long the machine slept. */
  sleptMs = 0;
  wallMs(): number {
    return 1_800_000_000_000 + this.nowMs + this.sleptMs;
  }
  wait(ms: number, signal?: AbortSignal): Promise<void> {
    this.waits.push(ms);
    return new Promise((resolve, reject) => {
      const due = { atMs: this.nowMs + ms, run: resolve };
      this.#due.push(due);
      signal?.addEventListener("abort", () => {
        this.#due = this.#due.filter((d) => d !== due);
        reject(new Error("aborted"));
      });
    });
  }
  newId(): string {
    return `writer-${++this.#ids}-abcdefgh`;
  }
  get pending(): number {
    return this.#due.length;
  }
  /** Moves on to what is due next. */
  async next(): Promise<void> {
    this.#due.sort((a, b) => a.atMs - b.atMs);
    const due = this.#due.shift();
    if (due) {
      this.nowMs = Math.max(this.nowMs, due.atMs);
      due.run();
    }
    await settled();
  }
}

/** Every promise and microtask that can go on has gone on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

export interface Scene {
  readonly host: ScriptedHost;
  readonly clock: HandClock;
  readonly connection: Connection;
  readonly attachment: Attachment;
}

export async function attachedScene(handlers: AttachHandlers = {}, options: Partial<AttachOptions> = {}): Promise<Scene> {
  const host = new ScriptedHost();
  const clock = new HandClock(host);
  host.on = (body, say) => {
    if (body.case === "attach")
      say({
        case: "attached",
        value: { attachment: "a1", session: { id: "s1", name: "work", floor: {} }, cursor: body.value.cursor ?? 0n },
      });
    if (body.case === "detach") say({ case: "detached", value: { reason: "left" } });
  };
  const connection = await host.dial();
  const attachment = await ClientAttachment.open(connection, clock, { session: "work", ...options }, handlers);
  return { host, clock, connection, attachment };
}

export const output = (seq: number, text: string, offset = 0): HostBody => ({
  case: "event",
  value: { seq: BigInt(seq), offset: BigInt(offset), data: Buffer.from(text), payloadBytes: text.length },
});
