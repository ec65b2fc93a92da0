/** Calls to a relay: a channel, and the few ways to begin one. */
import { createHash } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { ChannelCredentials, Client, ServiceError } from "@grpc/grpc-js";
import { HoldError } from "@holdfast/protocol";
import { type RelayAddress, relayUrl } from "./address.ts";
import { hop, relayService } from "./service.ts";

/** Both ends of a call's life as one: `giveUp` ends it now. */
export type PieceCall = Readable & Writable & { giveUp(): void };

/** What an operator's end asks of a relay, over gRPC or a WebSocket. */
export interface OperatorCalls {
  stream(method: "reach"): PieceCall;
  find(request: Buffer): Promise<Buffer>;
  close(): void;
}

const CONNECT_MS = 10_000;
/** gRPC's status of that name. */
const RESOURCE_EXHAUSTED = 8;

/** Loaded by who dials: it is larger than all that it is loaded by. */
const grpc = (): Promise<typeof import("@grpc/grpc-js")> => import("@grpc/grpc-js");

export interface RelayClientOptions {
  /** Certificates of authorities to trust in place of the system's, PEM. */
  readonly ca?: string | Buffer | undefined;
  readonly timeoutMs?: number;
}

export class RelayClient implements OperatorCalls {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Resolves when the relay has been reached; rejects with `unreachable`, or `host_key_changed` for a relay with another key than the pinned one. */
  static async open(address: RelayAddress, { ca, timeoutMs = CONNECT_MS }: RelayClientOptions = {}): Promise<RelayClient> {
    const { Client: GrpcClient } = await grpc();
    const client = new GrpcClient(address.authority, await credentialsFor(address, ca, timeoutMs), {
      ...hop,
      "grpc.enable_retries": 0,
      // Dialling again dials: a connection that other clients have may be dead and not know it yet.
      "grpc.use_local_subchannel_pool": 1,
      // Plaintext stays on this machine, whatever proxy the environment names.
      "grpc.enable_http_proxy": address.isPlain ? 0 : 1,
    });
    try {
      await ready(client, Date.now() + timeoutMs);
      return new RelayClient(client);
    } catch (fault) {
      client.close();
      throw new HoldError("unreachable", `no relay answers at ${relayUrl({ ...address, pin: "" })}`, {}, { cause: fault });
    }
  }

  stream(method: "serve" | "accept" | "reach"): PieceCall {
    const { path, requestSerialize, responseDeserialize } = relayService[method];
    const call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    return Object.assign(call, { giveUp: () => call.cancel() });
  }

  find(request: Buffer): Promise<Buffer> {
    const { path, requestSerialize, responseDeserialize } = relayService.find;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (fault, answer) =>
        fault ? reject(faultFrom(fault)) : resolve(answer!),
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}

/** gRPC's state of that name: every address was tried, and none took the connection. */
const TRANSIENT_FAILURE = 3;

/** gRPC itself would try until the deadline; who dials has other relays to try, and a time of its own to wait. */
function ready(client: Client, deadline: number): Promise<void> {
  const channel = client.getChannel();
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const state = channel.getConnectivityState(true);
      if (state === TRANSIENT_FAILURE) return reject(new Error("the connection was refused"));
      channel.watchConnectivityState(state, deadline, (late) => void (late || look()));
    };
    client.waitForReady(deadline, (fault) => (fault ? reject(fault) : resolve()));
    look();
  });
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
  if (address.pin === "") return credentials.createSsl(ca === undefined ? null : Buffer.from(ca));
  return credentials.createSsl(await pinnedCertificate(address, timeoutMs), null, null, { checkServerIdentity: () => undefined });
}

/** The certificate of who answers, if its key is the pinned one: gRPC is then told to trust this one and no other. */
function pinnedCertificate({ authority, pin }: RelayAddress, timeoutMs: number): Promise<Buffer> {
  const at = authority.lastIndexOf(":");
  const host = authority.slice(0, at).replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port: Number(authority.slice(at + 1)), rejectUnauthorized: false, ALPNProtocols: ["h2"] });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error("no answer in time")));
    socket.once("error", (cause) =>
      reject(new HoldError("unreachable", `no relay answers at https://${authority} (${cause.message})`, {}, { cause })),
    );
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
