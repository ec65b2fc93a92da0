/**
 * The connection of a relay to NATS.
 *
 *   T1  Plaintext is spoken on this machine alone. Addresses are the ones that were given: what a server tells of others is not followed, since it may
 *       lead off the machine in plaintext.
 *   T2  Who a relay is to NATS stands in a file, not in an address that anybody sees who lists processes.
 */
import { readFileSync } from "node:fs";
import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { isLoopback } from "@holdfast/carrier/websocket";
import { HoldError } from "@holdfast/protocol";

export interface NatsWish {
  /** `nats://127.0.0.1:4222`, `tls://nats.example:4222`; several are servers of one cluster. */
  readonly servers: readonly string[];
  /** As `nsc` writes them. */
  readonly creds?: string | undefined;
  /** Authorities to trust in place of the system's, PEM. */
  readonly ca?: string | undefined;
}

const PORT = 4222;
const CONNECT_MS = 5_000;
/** A server that says nothing is left for another one. */
const PING_MS = 5_000;
const SILENT_PINGS = 2;
const AGAIN_MS = { first: 250, most: 5_000 } as const;

/** `HOST:PORT` each, and whether by TLS. Throws `usage`. */
export function readServers(urls: readonly string[]): { readonly servers: readonly string[]; readonly isTls: boolean } {
  const read = urls.map(readServer);
  const isTls = read.some((server) => server.isTls);
  if (read.some((server) => server.isTls !== isTls))
    throw new HoldError(
      "usage",
      "servers of one cluster are spoken to in one way: all by tls://, or all on this machine by nats://",
    );
  return { servers: read.map((server) => server.at), isTls };
}

function readServer(text: string): { readonly at: string; readonly isTls: boolean } {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (
    !url ||
    !/^(nats|tls):$/.test(url.protocol) ||
    url.hostname === "" ||
    !/^\/?$/.test(url.pathname) ||
    url.search + url.hash !== ""
  )
    throw new HoldError(
      "usage",
      `${JSON.stringify(text)} is no address of NATS; nats://127.0.0.1:${PORT} and tls://nats.example:${PORT} are`,
    );
  if (url.username !== "" || url.password !== "")
    throw new HoldError("usage", "who the relay is to NATS does not belong in its address: say --nats-creds FILE");
  const isTls = url.protocol === "tls:";
  if (!isTls && !isLoopback(url.hostname))
    throw new HoldError("usage", `${text}: NATS is spoken to in plaintext on this machine alone; say tls://${url.host}`);
  return { at: `${url.hostname}:${url.port || PORT}`, isTls };
}

/** For another of the servers, where there is one. Resolves when it is there. */
export async function leaveServer(nc: NatsConnection, { servers }: Pick<NatsWish, "servers">): Promise<void> {
  const left = nc.getServer();
  // The library comes back to the first server that it had before it tries the next.
  for (let turn = Math.min(servers.length, 2); turn > 0 && nc.getServer() === left && !nc.isClosed(); turn--) {
    const states = nc.status();
    await nc.reconnect();
    for await (const { type } of states) if (type === "reconnect") break;
  }
}

/** Throws `usage`, or `start_failed` where no server answers. */
export async function connectNats({ servers: urls, creds, ca }: NatsWish, name: string): Promise<NatsConnection> {
  const { servers, isTls } = readServers(urls);
  let failures = 0;
  try {
    const nc = await connect({
      ...{ servers: [...servers], name, timeout: CONNECT_MS, pingInterval: PING_MS, maxPingOut: SILENT_PINGS },
      ...{ maxReconnectAttempts: -1, ignoreAuthErrorAbort: true, noAsyncTraces: true },
      // T1.
      ignoreClusterUpdates: true,
      tls: isTls ? { ...(ca === undefined ? {} : { ca: readFileSync(ca, "utf8") }) } : null,
      ...(creds === undefined ? {} : { authenticator: credsAuthenticator(readFileSync(creds)) }),
      reconnectDelayHandler: () => {
        // Asked more often than it dials.
        const most = Math.min(AGAIN_MS.most, AGAIN_MS.first * 2 ** Math.min(failures, 8));
        return most / 2 + (Math.random() * most) / 2;
      },
    });
    void (async () => {
      for await (const { type } of nc.status()) {
        if (type === "reconnect") failures = 0;
        if (type === "reconnecting") failures++;
      }
    })();
    return nc;
  } catch (cause) {
    throw new HoldError("start_failed", `no NATS answers at ${urls.join(", ")} (${(cause as Error).message})`, {}, { cause });
  }
}
