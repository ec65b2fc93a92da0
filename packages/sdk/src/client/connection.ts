/**
 * One link to a host, from the handshake (handshake.ts) to its end: calls with their answers, and channels for attachments.
 *
 *   N1  Every call is answered or rejected; when the link dies, what is open is rejected with `unreachable`.
 */
import type { Link } from "@holdfast/carrier/link";
import {
  create,
  type Init,
  CallSchema,
  CONTROL_CHANNEL,
  decodeHost,
  encodeClient,
  HoldError,
  type Answer,
  type Call,
  type ClientBody,
  type Head,
  type HostFrame,
  type Welcome,
} from "@holdfast/protocol";
import type { Credential } from "./credential.ts";
import { errorFrom, type HandshakeOptions, type Met, shakeHands } from "./handshake.ts";
import { Pulse } from "./pulse.ts";

/** Carriers whose other end is on this machine, or is watched by who carries (ssh's own keepalive). */
const NEAR: ReadonlySet<Link["carrier"]> = new Set(["unix", "memory", "stdio", "ssh"]);

export type CallVerb = NonNullable<Init<Call>["verb"]>;
export type Result = Exclude<Answer["result"], { case: undefined }>;

export type ChannelHandler = (body: HostFrame["body"]) => void;

interface OpenCall {
  readonly resolve: (r: Result) => void;
  readonly reject: (e: unknown) => void;
  readonly more: ((r: Result) => void | Promise<void>) | undefined;
}

export class Connection {
  readonly welcome: Welcome;
  readonly hostId: string;
  /** Raw, that the host has proven to hold; where somebody proves for both, what they say. */
  readonly hostKey: Uint8Array;
  readonly hostVersion: string;
  /** Null where whoever carries the link proves for this client. */
  readonly credential: Credential | null;
  readonly #link: Link;
  readonly #calls = new Map<bigint, OpenCall>();
  readonly #channels = new Map<number, ChannelHandler>();
  readonly #endings = new Set<(error: HoldError) => void>();
  readonly #approvalsTold = new Set<(waiting: number, own: number) => void>();
  readonly #headsTold = new Set<(head: Head) => void>();
  #approvals: { readonly waiting: number; readonly own: number } | null = null;
  /** Null where the other end can't vanish. */
  readonly #pulse: Pulse | null;
  readonly #doubts: HandshakeOptions["doubts"];
  #isDoubting = false;
  #nextCall = 1n;
  #nextChannel = 1;
  #over: HoldError | null = null;

  private constructor(
    { link, welcome, challenge }: Met,
    { credential, doubts }: Pick<HandshakeOptions, "credential" | "doubts">,
  ) {
    this.#doubts = doubts;
    this.#link = link;
    this.welcome = welcome;
    this.hostId = challenge.hostId;
    this.hostKey = challenge.hostKey;
    this.hostVersion = challenge.version;
    this.credential = credential;
    this.#pulse = NEAR.has(link.carrier)
      ? null
      : new Pulse({
          ping: () => this.#link.send(CONTROL_CHANNEL, encodeClient({ case: "ping", value: { token: 0n } })),
          doubt: doubts ? () => void this.#doubt() : null,
          over: () => this.#end(new HoldError("unreachable", "the host has not answered for a quarter of a minute")),
        });
  }

  static async open(options: HandshakeOptions): Promise<Connection> {
    let connection!: Connection;
    await shakeHands(options, (met) => {
      connection = new Connection(met, options);
      return {
        frame: (channel, message) => {
          const body = decodeHost(message);
          connection.#pulse?.beat(body.case === "pong");
          connection.#frame(channel, body);
        },
        closed: (reason) => connection.#end(new HoldError("unreachable", `the link to the host ended (${reason})`)),
      };
    });
    return connection;
  }

  /** Why the link has ended; null while it stands. */
  get over(): HoldError | null {
    return this.#over;
  }

  get isOver(): boolean {
    return this.#over !== null;
  }

  get buffered(): number {
    return this.#link.buffered;
  }

  /** Also told, in a moment, when the link has ended already. */
  onEnd(told: (error: HoldError) => void): () => void {
    this.#endings.add(told);
    const over = this.#over;
    if (over) queueMicrotask(() => this.#endings.has(told) && told(over));
    return () => this.#endings.delete(told);
  }

  /** Of the host's notices; of the last one in a moment, if there was one. */
  onApprovals(told: (waiting: number, own: number) => void): () => void {
    this.#approvalsTold.add(told);
    const last = this.#approvals;
    if (last) queueMicrotask(() => this.#approvalsTold.has(told) && told(last.waiting, last.own));
    return () => this.#approvalsTold.delete(told);
  }

  /** Of the host's chain, as they come. */
  onHead(told: (head: Head) => void): void {
    this.#headsTold.add(told);
  }

  /** `more`: told of each part of a streamed answer, in order; when it throws, the call is rejected with that and given up. */
  call(
    verb: CallVerb,
    options: { readonly signal?: AbortSignal | undefined; readonly more?: (r: Result) => void | Promise<void> } = {},
  ): Promise<Result> {
    if (this.#over) return Promise.reject(this.#over);
    const { signal, more } = options;
    if (signal?.aborted) return Promise.reject(new HoldError("cancelled", "given up before it was asked"));
    const id = this.#nextCall++;
    const cancel = (): void => this.send(CONTROL_CHANNEL, { case: "cancel", value: { id } });
    return new Promise<Result>((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, more });
      signal?.addEventListener("abort", cancel, { once: true });
      this.send(CONTROL_CHANNEL, { case: "call", value: create(CallSchema, { id, verb }) });
    }).finally(() => signal?.removeEventListener("abort", cancel));
  }

  /** A call whose answer is of this kind. */
  async callFor<K extends Result["case"]>(
    expected: K,
    verb: CallVerb,
    options: Parameters<Connection["call"]>[1] = {},
  ): Promise<Extract<Result, { case: K }>> {
    const result = await this.call(verb, options);
    if (result.case !== expected) throw new HoldError("internal", `the host answered ${result.case} to ${verb.case}`);
    return result as Extract<Result, { case: K }>;
  }

  /** A new channel; its frames go to `handler` until {@link closeChannel}. */
  openChannel(handler: ChannelHandler): number {
    const channel = this.#nextChannel++;
    this.#channels.set(channel, handler);
    return channel;
  }

  closeChannel(channel: number): void {
    this.#channels.delete(channel);
  }

  send(channel: number, body: ClientBody): void {
    if (this.#over) return;
    this.#pulse?.sent();
    this.#link.send(channel, encodeClient(body));
  }

  async #doubt(): Promise<void> {
    if (this.#isDoubting || !this.#doubts) return;
    this.#isDoubting = true;
    const isStill = await this.#doubts().catch(() => false);
    this.#isDoubting = false;
    if (isStill && this.#pulse?.isSilent)
      this.#end(new HoldError("unreachable", "the link to the host stood still, and the way there does not"));
  }

  close(): void {
    this.#link.close();
    this.#end(new HoldError("cancelled", "the client left"));
  }

  #frame(channel: number, body: HostFrame["body"]): void {
    if (channel !== CONTROL_CHANNEL) return this.#channels.get(channel)?.(body);
    if (body.case === "refused") return this.#end(errorFrom(body.value.error));
    if (body.case === "approvals") {
      this.#approvals = body.value;
      for (const told of [...this.#approvalsTold]) told(body.value.waiting, body.value.own);
    }
    if (body.case === "head") for (const told of this.#headsTold) told(body.value);
    if (body.case !== "answer") return;
    const { id, more, result } = body.value;
    const open = this.#calls.get(id);
    if (!open || result.case === undefined) return;
    if (more) {
      const failed = (fault: unknown): void => {
        if (!this.#calls.delete(id)) return;
        this.send(CONTROL_CHANNEL, { case: "cancel", value: { id } });
        open.reject(fault);
      };
      try {
        const using = open.more?.(result);
        if (using instanceof Promise) using.catch(failed);
      } catch (fault) {
        failed(fault);
      }
      return;
    }
    this.#calls.delete(id);
    if (result.case === "error") open.reject(errorFrom(result.value));
    else open.resolve(result);
  }

  #end(error: HoldError): void {
    if (this.#over) return;
    this.#over = error;
    this.#pulse?.stop();
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
    for (const told of [...this.#endings]) told(error);
    this.#link.destroy();
  }
}
