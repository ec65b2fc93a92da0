/**
 * One link to a host, from dialling to its end: the handshake, calls with their answers, and channels for attachments.
 *
 *   N1  The host proves itself before anything is signed for it.
 *   N2  Every call is answered or rejected; when the link dies, what is open is rejected with `unreachable`.
 */
import type { Acceptor, Link } from "@holdfast/carrier";
import {
  create,
  type Init,
  CallSchema,
  CONTROL_CHANNEL,
  decodeHost,
  encodeClient,
  HoldError,
  isCode,
  limits,
  transcript,
  type Answer,
  type Call,
  type ClientBody,
  type Error as WireError,
  type HostFrame,
  type Welcome,
} from "@holdfast/protocol";
import type { Credential, HostVerifier } from "./credential.ts";

export type Dial = (accept: Acceptor) => Promise<Link>;
export type CallVerb = NonNullable<Init<Call>["verb"]>;
export type Result = Exclude<Answer["result"], { case: undefined }>;

export interface ConnectionOptions {
  readonly dial: Dial;
  readonly credential: Credential;
  readonly verifier: HostVerifier;
  readonly via: string;
  readonly client: string;
  /** Gives up the handshake: a host that is stopped takes links and answers none. */
  readonly signal?: AbortSignal;
}

export type ChannelHandler = (body: HostFrame["body"]) => void;

interface OpenCall {
  readonly resolve: (r: Result) => void;
  readonly reject: (e: unknown) => void;
  readonly more: ((r: Result) => void | Promise<void>) | undefined;
}

export function errorFrom(error: WireError | undefined): HoldError {
  const code = error && isCode(error.code) ? error.code : "internal";
  return new HoldError(code, error?.message || "the host gave no reason", error?.details ?? {});
}

export class Connection {
  readonly welcome: Welcome;
  readonly hostId: string;
  readonly hostVersion: string;
  readonly #link: Link;
  readonly #calls = new Map<bigint, OpenCall>();
  readonly #channels = new Map<number, ChannelHandler>();
  readonly #endings = new Set<(error: HoldError) => void>();
  #nextCall = 1n;
  #nextChannel = 1;
  #over: HoldError | null = null;

  private constructor(link: Link, welcome: Welcome, hostId: string, hostVersion: string) {
    this.#link = link;
    this.welcome = welcome;
    this.hostId = hostId;
    this.hostVersion = hostVersion;
  }

  static open(options: ConnectionOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const nonce = options.verifier.randomBytes(32);
      const { keyId } = options.credential;
      let connection: Connection | null = null;
      let host = { id: "", version: "" };
      const fail = (error: HoldError): void => {
        if (connection) connection.#end(error);
        else reject(error);
      };
      const give = (link: Link, error: HoldError): void => {
        reject(error);
        link.destroy();
      };
      let phase: "hello" | "challenged" | "proven" = "hello";
      const handshake = async (link: Link, body: HostFrame["body"]): Promise<void> => {
        if (body.case === "challenge" && phase === "hello") {
          phase = "challenged";
          const c = body.value;
          host = { id: c.hostId, version: c.version };
          const words = {
            clientNonce: nonce,
            keyId,
            via: options.via,
            protocol: c.protocol,
            hostKey: c.hostKey,
            hostNonce: c.nonce,
          };
          if (!(await options.verifier.verify(c.hostKey, transcript("host", words), c.signature))) {
            return give(
              link,
              new HoldError(
                "host_key_changed",
                `who answers is not the host that this home knows (it says ${c.hostId}); nothing was sent to it`,
              ),
            );
          }
          const signature = await options.credential.sign(transcript("operator", words));
          phase = "proven";
          link.send(CONTROL_CHANNEL, encodeClient({ case: "proof", value: { signature } }));
        } else if (body.case === "welcome" && phase === "proven") {
          connection = new Connection(link, body.value, host.id, host.version);
          resolve(connection);
        } else if (body.case === "refused") {
          fail(errorFrom(body.value.error));
          link.destroy();
        } else {
          give(
            link,
            new HoldError(
              "host_key_changed",
              "who answers does not prove that it is the host of this home; nothing was sent to it",
            ),
          );
        }
      };
      let dialled: Link | null = null;
      options.signal?.addEventListener("abort", () => {
        if (connection) return;
        reject(new HoldError("timed_out", "the host took the link and does not answer; hold host logs tells more"));
        dialled?.destroy();
      });
      options
        .dial((link) => ({
          frame: (channel, message) => {
            const body = decodeHost(message);
            if (connection) connection.#frame(channel, body);
            else
              handshake(link, body).catch((fault: unknown) => {
                reject(fault);
                link.destroy();
              });
          },
          closed: (reason) => fail(new HoldError("unreachable", `the link to the host ended (${reason})`)),
        }))
        .then((link) => {
          dialled = link;
          if (options.signal?.aborted) return link.destroy();
          link.send(
            CONTROL_CHANNEL,
            encodeClient({
              case: "hello",
              value: {
                minProtocol: limits.protocolMin,
                maxProtocol: limits.protocolMax,
                client: options.client,
                via: options.via,
                nonce,
                keyId,
              },
            }),
          );
        }, reject);
    });
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
    if (!this.#over) this.#link.send(channel, encodeClient(body));
  }

  pause(): void {
    this.#link.pause();
  }

  resume(): void {
    this.#link.resume();
  }

  close(): void {
    this.#link.close();
    this.#end(new HoldError("cancelled", "the client left"));
  }

  #frame(channel: number, body: HostFrame["body"]): void {
    if (channel !== CONTROL_CHANNEL) return this.#channels.get(channel)?.(body);
    if (body.case === "refused") return this.#end(errorFrom(body.value.error));
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
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
    for (const told of [...this.#endings]) told(error);
    this.#link.destroy();
  }
}
