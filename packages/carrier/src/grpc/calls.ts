/** Calls to a relay: a channel, and the few ways to begin one. */
import { createHash } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { isIP } from "node:net";
import { checkServerIdentity, connect as connectTls } from "node:tls";
import type { ChannelCredentials, Client, ServiceError } from "@grpc/grpc-js";
import { HoldError } from "@holdfast/protocol";
import { type RelayAddress, relayUrl } from "./address.ts";
import { SILENT_MS } from "./pace.ts";
import { hop, relayService } from "./service.ts";

/** Both ends of a call's life as one: `giveUp` ends it now. */
export type PieceCall = Readable & Writable & { giveUp(): void };

/** What an operator's end asks of a relay, over gRPC or a WebSocket. */
export interface OperatorCalls {
  stream(method: "reach"): PieceCall;
  find(request: Buffer): Promise<Buffer>;
  /** Resolves when the relay says anything by what has been dialled; where that stands still, never. */
  here(): Promise<void>;
  close(): void;
}

/** Why a connection was not had is asked for so long: gRPC knows by then. */
const WHY_MS = 500;
/** For a question; a relay of a group asks the others first, for 5 s at most each time. */
const ANSWER_MS = 15_000;
/** Told to who is dialled by a number: gRPC would tell the number itself, which RFC 6066 forbids and Node warns of. Checked is what was dialled. */
const NO_NAME = "relay.invalid";
/** gRPC's statuses of those names. */
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;

/** Loaded by who dials: it is larger than all that it is loaded by. */
const grpc = (): Promise<typeof import("@grpc/grpc-js")> => import("@grpc/grpc-js");

export interface RelayClientOptions {
  /** Certificates of authorities to trust in place of the system's, PEM. */
  readonly ca?: string | Buffer | undefined;
  /** Default {@link SILENT_MS}. */
  readonly timeoutMs?: number;
}

export class RelayClient implements OperatorCalls {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Resolves when the relay has been reached; rejects with `unreachable`, or `host_key_changed` for a relay with another key than the pinned one. */
  static async open(address: RelayAddress, { ca, timeoutMs = SILENT_MS }: RelayClientOptions = {}): Promise<RelayClient> {
    const { Client: GrpcClient, connectivityState } = await grpc();
    const client = new GrpcClient(address.authority, await credentialsFor(address, ca, timeoutMs), {
      ...hop,
      "grpc.enable_retries": 0,
      // Dialling again dials: a connection that other clients have may be dead and not know it yet.
      "grpc.use_local_subchannel_pool": 1,
      // Plaintext stays on this machine, whatever proxy the environment names.
      "grpc.enable_http_proxy": address.isPlain ? 0 : 1,
      ...(isIP(placeOf(address.authority).host) ? { "grpc.ssl_target_name_override": NO_NAME } : {}),
    });
    const channel = client.getChannel();
    const until = Date.now() + timeoutMs;
    // gRPC would dial again by itself, at distances of its own; when that is done is its caller's to say (pace.ts).
    const isReady = await new Promise<boolean>((resolve) => {
      const look = (dials = false): void => {
        const state = channel.getConnectivityState(dials);
        if (state === connectivityState.READY) return resolve(true);
        if (state === connectivityState.TRANSIENT_FAILURE) return resolve(false);
        channel.watchConnectivityState(state, until, (late) => (late ? resolve(false) : look()));
      };
      look(true);
    });
    if (isReady) return new RelayClient(client);
    const cause = await whyNot(client);
    silence(channel);
    client.close();
    pinned.delete(relayUrl(address));
    throw notReached(address, cause);
  }

  stream(method: "serve" | "accept" | "reach"): PieceCall {
    const { path, requestSerialize, responseDeserialize } = relayService[method];
    const call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    return Object.assign(call, { giveUp: () => call.cancel() });
  }

  find(request: Buffer): Promise<Buffer> {
    return this.#ask("find", request);
  }

  /** What the relay has kept of a host's audit chain. */
  heads(request: Buffer): Promise<Buffer> {
    return this.#ask("heads", request);
  }

  #ask(method: "find" | "heads", request: Buffer): Promise<Buffer> {
    const { path, requestSerialize, responseDeserialize } = relayService[method];
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + ANSWER_MS;
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, (fault, answer) =>
        fault ? reject(faultFrom(fault)) : resolve(answer!),
      );
    });
  }

  /** Any answer is one: that there is no such method, say. */
  here(): Promise<void> {
    const { path, requestSerialize, responseDeserialize } = relayService.find;
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(`${path}.Here`, requestSerialize, responseDeserialize, Buffer.alloc(0), (fault) => {
        if (fault?.code === UNIMPLEMENTED) resolve();
      });
    });
  }

  close(): void {
    this.#client.close();
  }
}

/**
 * What the kernel said of the last attempt; null: gRPC does not say. It puts that into the answer of a call which it can't begin. To look by another
 * connection would be another dial (pace.ts), and past a proxy.
 */
function whyNot(client: Client): Promise<Error | null> {
  const { path, requestSerialize, responseDeserialize } = relayService.find;
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.alloc(0),
      { deadline: Date.now() + WHY_MS },
      (fault) => {
        const details = fault?.details ?? "";
        const why =
          details
            .split("Last error: ")[1]
            ?.replace(/^Error: /, "")
            .split(ENDS)[0] ?? NAME_FAILED.exec(details)?.[0];
        if (why === undefined) return resolve(null);
        const code = /\b(E[A-Z_]{3,})\b/.exec(why)?.[1];
        resolve(Object.assign(new Error(why), code ? { code } : {}));
      },
    );
  });
}

/** OpenSSL's words, of which Node has no code here. */
const UNTRUSTED = /self-signed certificate|unable to (get|verify)|certificate has expired|not yet valid|altnames/i;
const NO_TLS = /wrong version number|packet length too long|EPROTO/i;
/** What Node advises, and gRPC adds. */
const ENDS = /[;\n]|\.? Resolution note/;
const NAME_FAILED = /^Name resolution failed/;

function notReached(address: RelayAddress, cause: Error | null): HoldError {
  const url = relayUrl({ ...address, pin: "" });
  const why = cause?.message ?? "";
  const said = UNTRUSTED.test(why)
    ? `who answers at ${url} shows a certificate that is not trusted here (${why}): give the relay's address whole, with the # and what is behind it, or the authority that has signed it`
    : NO_TLS.test(why)
      ? `who answers at ${url} speaks no TLS: give the address as the relay printed it`
      : `no relay answers at ${url}${why && ` (${why})`}`;
  return new HoldError("unreachable", said, { relay: url }, { cause });
}

/** A channel that is closed still dials once more, when its own wait is over: of gRPC's parts no public one ends that. */
function silence(channel: object): void {
  const { internalChannel } = channel as {
    readonly internalChannel?: { readonly subchannelPool?: { readonly pool?: Record<string, { subchannel: Dialling }[]> } };
  };
  for (const all of Object.values(internalChannel?.subchannelPool?.pool ?? {}))
    for (const { subchannel } of all) subchannel.backoffTimeout?.stop();
}

interface Dialling {
  readonly backoffTimeout?: { stop(): void };
}

function placeOf(authority: string): { readonly host: string; readonly port: number } {
  const at = authority.lastIndexOf(":");
  return { host: authority.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(authority.slice(at + 1)) };
}

/** What gRPC says of a call that failed, in our words. */
export function faultFrom(fault: ServiceError): HoldError {
  const code = fault.code === RESOURCE_EXHAUSTED ? "too_many" : "unreachable";
  return new HoldError(code, `the relay: ${fault.details || fault.message}`, {}, { cause: fault });
}

async function credentialsFor(
  address: RelayAddress,
  ca: string | Buffer | undefined,
  timeoutMs: number,
): Promise<ChannelCredentials> {
  const { credentials } = await grpc();
  if (address.isPlain) return credentials.createInsecure();
  const authorities = ca === undefined ? null : Buffer.from(ca);
  const { host } = placeOf(address.authority);
  if (address.pin === "")
    return credentials.createSsl(authorities, null, null, {
      checkServerIdentity: (_, shown) => checkServerIdentity(host, shown),
    });
  const certificate = pinned.get(relayUrl(address)) ?? (await pinnedCertificate(address, timeoutMs));
  pinned.set(relayUrl(address), certificate);
  return credentials.createSsl(certificate, null, null, { checkServerIdentity: () => undefined });
}

/**
 * By address and pin: who dials again is spared the first of two handshakes, and so is a relay to which everybody comes back. A relay that does not
 * answer with the certificate it had is asked for it anew.
 */
const pinned = new Map<string, Buffer>();

/** The certificate of who answers, if its key is the pinned one: gRPC is then told to trust this one and no other. */
function pinnedCertificate({ authority, pin }: RelayAddress, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ ...placeOf(authority), rejectUnauthorized: false, ALPNProtocols: ["h2"] });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error("no answer in time")));
    socket.once("error", (cause) => reject(notReached({ authority, pin, isPlain: false, isWeb: false }, cause)));
    socket.once("secureConnect", () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      const seen = certificate ? pinOf(certificate.publicKey.export({ format: "der", type: "spki" })) : "";
      if (seen === pin) return resolve(Buffer.from(certificate!.toString()));
      reject(otherRelay(authority, pin, seen));
    });
  });
}

export function otherRelay(authority: string, pin: string, seen: string): HoldError {
  return new HoldError(
    "host_key_changed",
    `who answers at https://${authority} has the key ${seen || "of nobody"}, and the relay that is meant has ${pin}; nothing was sent. Ask who runs it, then give its new address`,
    { address: authority, key: seen },
  );
}

/** SHA-256 of a SubjectPublicKeyInfo, hex. */
export function pinOf(spki: Uint8Array): string {
  return createHash("sha256").update(spki).digest("hex");
}
