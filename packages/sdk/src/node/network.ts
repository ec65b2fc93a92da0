/** Reaching a host that listens. */
import { randomBytes } from "node:crypto";
import { connectHttp } from "@holdfast/carrier/http/node";
import { linkUrl } from "@holdfast/carrier/websocket";
import { connectWebSocket } from "@holdfast/carrier/websocket/node";
import { HoldError } from "@holdfast/protocol";
import type { AskPassphrase, NetworkOptions } from "../api/index.ts";
import { carriersFor, type NetworkCarrier } from "../client/carriers.ts";
import { Connection } from "../client/connection.ts";
import type { Credential } from "../client/credential.ts";
import { type Dial, shakeHands } from "../client/handshake.ts";
import { anyWay, type Way } from "../client/way.ts";
import { openCredential } from "./keys.ts";
import { credentialAt, hostIdOf, networkVerifier } from "./known-hosts.ts";
import { isSignedBy } from "./keys.ts";

const DEFAULT_TIMEOUT_MS = 10_000;

const dials = { websocket: connectWebSocket, http: connectHttp } as const;

function dialBy(carrier: NetworkCarrier, url: URL, ca: string | Buffer | undefined): Dial {
  return (accept) => dials[carrier](url, accept, ca ? { ca } : {});
}

/** Leads to a host that listens, over the first carrier that gets there. */
export function networkWay(home: string, options: NetworkOptions): Way {
  const url = linkUrl(options.url);
  const as = options.as ?? credentialAt(home, url.host);
  let opened: Credential | null = null;
  const verifier = networkVerifier(home, url, options.trust);
  const ways = carriersFor(options.url, options.carriers).map(
    (carrier): Way =>
      async (resume) => {
        if (options.grant === undefined) opened ??= await openCredential(home, as, options.passphrase);
        return Connection.open({
          dial: dialBy(carrier, url, options.ca),
          credential: opened,
          grant: options.grant,
          verifier,
          resume,
          via: options.via ?? "sdk",
          client: options.client ?? "holdfast-sdk",
          signal: AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
        });
      },
  );
  return anyWay(ways[0]!, ways.slice(1));
}

export interface LookOptions {
  readonly ca?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** Behind a relay, which tells strangers of nobody: whose credential asks. */
  readonly home?: string | undefined;
  readonly as?: string | undefined;
  readonly passphrase?: AskPassphrase | undefined;
}

/** Who answers at an address, by the key that it has proven to hold. Tells it nothing of who asks. */
export async function lookAtHost(
  text: string,
  options: LookOptions = {},
): Promise<{ readonly address: string; readonly key: Uint8Array; readonly id: string }> {
  const url = linkUrl(text);
  let seen: Uint8Array | null = null;
  const enough = new HoldError("cancelled", "seen");
  await shakeHands(
    {
      dial: dialBy(carriersFor(text, undefined)[0]!, url, options.ca),
      credential: { keyId: randomBytes(32), sign: () => Promise.reject(enough) },
      verifier: {
        randomBytes: (n) => randomBytes(n),
        verify(key, words, signature) {
          if (!isSignedBy(key, words, signature)) return false;
          seen = Uint8Array.from(key);
          throw enough;
        },
      },
      via: "sdk",
      client: "holdfast-sdk",
      signal: AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    },
    () => ({ frame: () => {}, closed: () => {} }),
  ).catch((fault: unknown) => {
    if (fault !== enough) throw fault;
  });
  return { address: url.host, key: seen!, id: hostIdOf(seen!) };
}
