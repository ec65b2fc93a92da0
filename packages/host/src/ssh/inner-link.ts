/**
 * The two ends of a link inside this process: the host has one as it has any other, an SSH connection the other.
 *
 *   I1  The host's frames are heard in a later turn, never inside the call that sent them: its books are whole when they are answered.
 *   I2  What the SSH client has not taken is told to the host as what waits in a socket: of that it sends no more than of any other.
 */
import type { Link, LinkHandlers } from "@holdfast/carrier";
import {
  create,
  type Answer,
  type Call,
  CallSchema,
  type ClientBody,
  CONTROL_CHANNEL,
  decodeHost,
  encodeClient,
  type Error as WireError,
  HoldError,
  type HostFrame,
  type Init,
  isCode,
} from "@holdfast/protocol";

export type CallVerb = NonNullable<Init<Call>["verb"]>;
export type Result = Exclude<Answer["result"], { case: undefined }>;

export function errorFrom(error: WireError | undefined): HoldError {
  const code = error && isCode(error.code) ? error.code : "internal";
  return new HoldError(code, error?.message || "the host gave no reason", error?.details ?? {});
}

/** The host's end. */
class InnerLink implements Link {
  readonly carrier = "ssh";
  readonly #buffered: () => number;
  readonly #hear: (channel: number, message: Uint8Array) => void;
  readonly #over: () => void;
  #isOver = false;

  constructor(parts: {
    readonly buffered: () => number;
    readonly hear: (channel: number, message: Uint8Array) => void;
    readonly over: () => void;
  }) {
    this.#buffered = parts.buffered;
    this.#hear = parts.hear;
    this.#over = parts.over;
  }

  get buffered(): number {
    return this.#buffered();
  }

  /** I1. */
  send(channel: number, message: Uint8Array): void {
    if (!this.#isOver) queueMicrotask(() => this.#hear(channel, message));
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    queueMicrotask(this.#over);
  }
}

export interface ConversationParts {
  /** I2. */
  readonly buffered: () => number;
  /** The host has ended it, and why if it said so. */
  readonly ended: (error: HoldError | null) => void;
}

export interface OpenChannel {
  readonly hear: (body: HostFrame["body"]) => void;
  /** With the whole conversation. */
  readonly over: (error: HoldError) => void;
}

interface OpenCall {
  readonly resolve: (result: Result) => void;
  readonly reject: (fault: unknown) => void;
}

/** What an SSH connection says to the host, and hears. */
export class Conversation {
  readonly #host: LinkHandlers;
  readonly #parts: ConversationParts;
  readonly #calls = new Map<bigint, OpenCall>();
  readonly #channels = new Map<number, OpenChannel>();
  #nextCall = 1n;
  #nextChannel = 1;
  #refusal: HoldError | null = null;
  #isOver = false;

  constructor(meet: (link: Link) => LinkHandlers, parts: ConversationParts) {
    this.#parts = parts;
    this.#host = meet(
      new InnerLink({
        buffered: parts.buffered,
        hear: (channel, message) => this.#hear(channel, decodeHost(message)),
        over: () => this.#end(),
      }),
    );
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  call(verb: CallVerb): Promise<Result> {
    if (this.#isOver) return Promise.reject(this.#gone());
    const id = this.#nextCall++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.send(CONTROL_CHANNEL, { case: "call", value: create(CallSchema, { id, verb }) });
    });
  }

  /** A channel for one attachment. */
  open(handlers: OpenChannel): number {
    const channel = this.#nextChannel++;
    this.#channels.set(channel, handlers);
    return channel;
  }

  close(channel: number): void {
    this.#channels.delete(channel);
  }

  send(channel: number, body: ClientBody): void {
    if (!this.#isOver) this.#host.frame(channel, encodeClient(body));
  }

  /** What waited for the SSH client has left. */
  drained(): void {
    if (!this.#isOver) this.#host.drained?.();
  }

  /** The SSH client is gone. */
  leave(reason: string): void {
    if (this.#isOver) return;
    this.#host.closed(reason);
    this.#end();
  }

  #hear(channel: number, body: HostFrame["body"]): void {
    if (this.#isOver) return;
    if (channel !== CONTROL_CHANNEL) return this.#channels.get(channel)?.hear(body);
    if (body.case === "refused") this.#refusal = errorFrom(body.value.error);
    if (body.case !== "answer" || body.value.more) return;
    const { id, result } = body.value;
    const open = this.#calls.get(id);
    this.#calls.delete(id);
    if (result.case === "error") open?.reject(errorFrom(result.value));
    else if (result.case !== undefined) open?.resolve(result);
  }

  #gone(): HoldError {
    return this.#refusal ?? new HoldError("unreachable", "the connection is over");
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const open of this.#calls.values()) open.reject(this.#gone());
    this.#calls.clear();
    for (const { over } of [...this.#channels.values()]) over(this.#gone());
    this.#channels.clear();
    this.#parts.ended(this.#refusal);
  }
}

/** The call's result, of the kind that its verb has. */
export async function asked<K extends Result["case"]>(
  conversation: Conversation,
  expected: K,
  verb: CallVerb,
): Promise<ValueOf<K>> {
  const result = await conversation.call(verb);
  if (result.case !== expected) throw new HoldError("internal", `the host answered ${result.case} to ${verb.case}`);
  return result.value as ValueOf<K>;
}

type ValueOf<K extends Result["case"]> = Extract<Result, { case: K }>["value"];
