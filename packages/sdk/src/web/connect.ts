/** Connecting from wherever there is a WebSocket or fetch, and WebCrypto: a page, a worker, Node. */
import { connectHttp } from "@holdfast/carrier/http";
import type { Acceptor, Link } from "@holdfast/carrier/link";
import { signPass } from "@holdfast/carrier/pass";
import { connectWebSocket, linkUrl, reachPlain, reachUrl } from "@holdfast/carrier/websocket";
import { MonotonicMs } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import type { ConnectOptions, HostClient, WitnessStore } from "../api/index.ts";
import type { Redial } from "../client/redial.ts";
import { carriersFor, type NetworkCarrier } from "../client/carriers.ts";
import { Client } from "../client/client.ts";
import { Connection } from "../client/connection.ts";
import type { Credential } from "../client/credential.ts";
import type { Dial } from "../client/handshake.ts";
import { anyWay, type Way } from "../client/way.ts";
import type { Surroundings } from "../client/surroundings.ts";
import { Witness } from "../client/witness.ts";
import { hostIdOf, pinnedVerifier } from "./key.ts";

/** A host that listens. */
export interface WebAddress {
  /** `ws://127.0.0.1:7433` or `wss://box.example:7433`, as `hold host status` shows it on the host's machine. */
  readonly url: string;
  /** Tried in this order; default: `http` for an address that begins so, `websocket` for others. */
  readonly carriers?: readonly NetworkCarrier[];
}

/**
 * A host behind a relay. Not end to end: whoever has the relay can read what passes and forge it, which presence and audit show (`e2e=false`), and
 * the host takes it only where an admin of it has said so (docs/relay-web.md).
 */
export interface WebRelayed {
  /** Its web side: `wss://relay.example:7445`. */
  readonly relay: string;
  /** The host's id, or its name there. */
  readonly host: string;
}

export type WebOptions = (WebAddress | WebRelayed) & WebBinding;

export interface WebBinding {
  /** The host that is meant: its raw public key, or the SHA-256 of it; 32 bytes. */
  readonly hostKey: Uint8Array;
  readonly credential: Credential;
  /** Default `web`. */
  readonly via?: ConnectOptions["via"];
  /** Shown in audit. Default `holdfast-sdk`. */
  readonly client?: string;
  /** Where what is seen of the host's audit chain is kept. Default: nowhere, it is known while the client is there. */
  readonly witness?: WitnessStore;
  /** Default 10 s. */
  readonly timeoutMs?: number;
}

const dials = {
  websocket: (url: URL, accept: Acceptor) => connectWebSocket(url, accept),
  http: connectHttp,
} as const satisfies Record<NetworkCarrier, unknown>;

/** A host tells what a session inherits (Welcome.surroundings); a page has nothing to give it. */
const NOTHING: Surroundings = { env: {}, cwd: "", shell: "", umask: 0o022, nofile: null };

/** Throws {@link HoldError}: `unreachable`, `host_key_changed`, `unknown_credential`, `revoked`, `usage`, … */
export async function connect(options: WebOptions): Promise<HostClient> {
  const verifier = pinnedVerifier(options.hostKey);
  const ways = dialsOf(options).map(
    (dial): Way =>
      (resume) =>
        Connection.open({
          dial,
          credential: options.credential,
          verifier,
          resume,
          via: options.via ?? "web",
          client: options.client ?? "holdfast-sdk",
          signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
        }),
  );
  const open = anyWay(ways[0]!, ways.slice(1));
  const witness = new Witness({
    store: options.witness ?? null,
    isSigned: (...signed) => verifier.verify(...signed),
    hostIdOf,
    nowMs: () => performance.now(),
  });
  return new Client(await open(null), redialWith(open), NOTHING, witness);
}

function dialsOf(options: WebOptions): Dial[] {
  if ("relay" in options) return [(accept) => reachHost(options, accept)];
  const url = linkUrl(options.url);
  return carriersFor(options.url, options.carriers).map(
    (carrier): Dial =>
      (accept) =>
        dials[carrier](url, accept),
  );
}

async function reachHost({ relay, host, credential }: WebRelayed & WebBinding, accept: Acceptor): Promise<Link> {
  const { publicKey, sign } = credential;
  if (!publicKey) throw new HoldError("usage", "a relay is shown the public key: credentialFrom gives a credential that has it");
  const { authority } = reachUrl(relay);
  const pass = await signPass({ publicKey, sign, audience: authority, nowUnixMs: Date.now(), id: newId() });
  return reachPlain({ relay, knock: { host, pass } }, accept);
}

function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function redialWith(connect: Way): Redial {
  return {
    connect,
    now: () => MonotonicMs(performance.now()),
    wallMs: () => Date.now(),
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const timer = setTimeout(() => {
          signal?.removeEventListener("abort", gone);
          resolve();
        }, ms);
        const gone = (): void => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        signal?.addEventListener("abort", gone, { once: true });
      }),
    newId,
  };
}
