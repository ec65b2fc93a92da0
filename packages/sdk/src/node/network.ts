/** Reaching a host that listens. */
import { randomBytes } from "node:crypto";
import { linkUrl } from "@holdfast/carrier/websocket";
import { connectWebSocket } from "@holdfast/carrier/websocket/node";
import { HoldError } from "@holdfast/protocol";
import type { NetworkOptions } from "../api.ts";
import { Connection } from "../client/connection.ts";
import { shakeHands } from "../client/handshake.ts";
import type { Credential } from "../client/credential.ts";
import type { Way } from "../client/way.ts";
import { openCredential } from "./keys.ts";
import { credentialAt, hostIdOf, networkVerifier } from "./known-hosts.ts";
import { isSignedBy } from "./keys.ts";

const DEFAULT_TIMEOUT_MS = 10_000;

/** Leads to a host that listens, over WebSocket. */
export function networkWay(home: string, options: NetworkOptions): Way {
  const url = linkUrl(options.url);
  const as = options.as ?? credentialAt(home, url.host);
  let opened: Credential | null = null;
  const verifier = networkVerifier(home, url, options.trust);
  return async (resume) => {
    opened ??= await openCredential(home, as, options.passphrase);
    return Connection.open({
      dial: (accept) => connectWebSocket(url, accept, options.ca ? { ca: options.ca } : {}),
      credential: opened,
      verifier,
      resume,
      via: options.via ?? "sdk",
      client: options.client ?? "holdfast-sdk",
      signal: AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    });
  };
}

/** Who answers at an address, by the key that it has proven to hold. Tells it nothing of who asks. */
export async function lookAtHost(
  text: string,
  options: { readonly ca?: string | Buffer; readonly timeoutMs?: number } = {},
): Promise<{ readonly address: string; readonly key: Uint8Array; readonly id: string }> {
  const url = linkUrl(text);
  let seen: Uint8Array | null = null;
  const enough = new HoldError("cancelled", "seen");
  await shakeHands(
    {
      dial: (accept) => connectWebSocket(url, accept, options.ca ? { ca: options.ca } : {}),
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
