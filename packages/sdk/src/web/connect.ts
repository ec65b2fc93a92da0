/** Connecting from wherever there is a WebSocket or fetch, and WebCrypto: a page, a worker, Node. */
import { connectHttp } from "@holdfast/carrier/http";
import { connectWebSocket, linkUrl } from "@holdfast/carrier/websocket";
import type { Acceptor } from "@holdfast/carrier/link";
import { MonotonicMs } from "@holdfast/core";
import type { ConnectOptions, HostClient } from "../api/index.ts";
import type { Redial } from "../client/attachment.ts";
import { carriersFor, type NetworkCarrier } from "../client/carriers.ts";
import { Client } from "../client/client.ts";
import { Connection } from "../client/connection.ts";
import type { Credential } from "../client/credential.ts";
import { anyWay, type Way } from "../client/way.ts";
import type { Surroundings } from "../client/surroundings.ts";
import { pinnedVerifier } from "./key.ts";

export interface WebOptions {
  /** `ws://127.0.0.1:7433` or `wss://box.example:7433`, as `hold host status` shows it on the host's machine. */
  readonly url: string;
  /** Tried in this order; default: `http` for an address that begins so, `websocket` for others. */
  readonly carriers?: readonly NetworkCarrier[];
  /** The host that is meant: its raw public key, or the SHA-256 of it; 32 bytes. */
  readonly hostKey: Uint8Array;
  readonly credential: Credential;
  /** Default `web`. */
  readonly via?: ConnectOptions["via"];
  /** Shown in audit. Default `holdfast-sdk`. */
  readonly client?: string;
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
  const url = linkUrl(options.url);
  const verifier = pinnedVerifier(options.hostKey);
  const ways = carriersFor(options.url, options.carriers).map(
    (carrier): Way =>
      (resume) =>
        Connection.open({
          dial: (accept) => dials[carrier](url, accept),
          credential: options.credential,
          verifier,
          resume,
          via: options.via ?? "web",
          client: options.client ?? "holdfast-sdk",
          signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
        }),
  );
  const open = anyWay(ways[0]!, ways.slice(1));
  return new Client(await open(null), redialWith(open), NOTHING);
}

function redialWith(connect: Way): Redial {
  return {
    connect,
    now: () => MonotonicMs(performance.now()),
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const timer = setTimeout(resolve, ms);
        signal?.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(signal.reason);
        });
      }),
    newId: () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
}
