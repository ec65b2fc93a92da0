/** Reaching a host through a relay (docs/relay.md): inside is TLS to the host itself, by its key, which the relay can't open. */
import { createHash, randomBytes } from "node:crypto";
import {
  type RelayAddress,
  RelayClient,
  type RelayedHost,
  relayedHost,
  relayedUrl,
  reachThroughRelay,
  signPass,
} from "@holdfast/carrier/grpc";
import type { Acceptor, Link } from "@holdfast/carrier/link";
import {
  create,
  FindRequestSchema,
  FindResponseSchema,
  type FoundHost,
  fromBinary,
  HoldError,
  toBinary,
} from "@holdfast/protocol";
import type { NetworkOptions } from "../api.ts";
import { Connection } from "../client/connection.ts";
import type { Way } from "../client/way.ts";
import { type HeldCredential, openCredential } from "./keys.ts";
import { checkHost, credentialAt, networkVerifier, type Place } from "./known-hosts.ts";

const DEFAULT_TIMEOUT_MS = 10_000;

/** Where known_hosts has a host behind a relay. */
export function relayedPlace(at: RelayedHost): Place {
  return { host: `${at.relay.authority}/${at.host}`, origin: relayedUrl(at) };
}

/** Leads to a host behind a relay: `options.url` is a `relay://` address. */
export function relayWay(home: string, options: NetworkOptions): Way {
  if (options.grant !== undefined)
    throw new HoldError("usage", "a grant can't be borne through a relay: it lets in keys, and a grant shows none");
  const at = relayedHost(options.url);
  const place = relayedPlace(at);
  const as = options.as ?? credentialAt(home, place.host);
  let opened: HeldCredential | null = null;
  return async (resume) => {
    const credential = (opened ??= await openCredential(home, as, options.passphrase));
    return Connection.open({
      dial: (accept) =>
        reach({ at, credential, ca: options.ca, trusts: (key) => checkHost(home, place, { key, trust: options.trust }) }, accept),
      credential,
      verifier: networkVerifier(home, place, options.trust),
      resume,
      via: options.via ?? "sdk",
      client: options.client ?? "holdfast-sdk",
      signal: AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    });
  };
}

interface ReachFrom {
  readonly at: RelayedHost;
  readonly credential: HeldCredential;
  readonly ca: string | undefined;
  readonly trusts: (hostKey: Uint8Array) => void;
}

async function reach({ at: { relay: address, host }, credential, ca, trusts }: ReachFrom, accept: Acceptor): Promise<Link> {
  const relay = await RelayClient.open(address, { ca });
  const knock = { host, pass: await passFor(credential, address) };
  return reachThroughRelay({ relay, knock, key: credential.key, trusts }, accept);
}

/** As {@link reach}, for who holds an invitation and whose key nobody knows yet. */
export async function reachInvited(
  {
    at,
    credential,
    ca,
    hostKey,
    token,
  }: Omit<ReachFrom, "trusts"> & { readonly hostKey: Uint8Array; readonly token: Uint8Array },
  accept: Acceptor,
): Promise<Link> {
  const relay = await RelayClient.open(at.relay, { ca });
  const invited = createHash("sha256").update(token).digest();
  const trusts = (key: Uint8Array): void => {
    if (Buffer.from(key).equals(hostKey)) return;
    throw new HoldError("host_key_changed", "who answers is not the host that the invitation is of; nothing was sent to it");
  };
  return reachThroughRelay({ relay, knock: { host: at.host, invited }, key: credential.key, trusts }, accept);
}

/** The hosts that let this credential in and are connected there now. */
export async function findHosts(
  home: string,
  relay: RelayAddress,
  options: Pick<NetworkOptions, "as" | "passphrase" | "ca"> = {},
): Promise<readonly FoundHost[]> {
  const credential = await openCredential(home, options.as, options.passphrase);
  const client = await RelayClient.open(relay, { ca: options.ca });
  try {
    const request = create(FindRequestSchema, { pass: await passFor(credential, relay) });
    return fromBinary(FindResponseSchema, await client.find(Buffer.from(toBinary(FindRequestSchema, request)))).hosts;
  } finally {
    client.close();
  }
}

/** Who answers for a host of a relay, by the key that it shows. */
export async function lookAtRelayed(
  home: string,
  text: string,
  options: Pick<NetworkOptions, "as" | "passphrase" | "ca"> = {},
): Promise<Uint8Array> {
  const at = relayedHost(text);
  const credential = await openCredential(home, options.as, options.passphrase);
  let seen: Uint8Array | null = null;
  const enough = new HoldError("cancelled", "seen");
  const trusts = (key: Uint8Array): void => {
    seen = Uint8Array.from(key);
    throw enough;
  };
  await reach({ at, credential, ca: options.ca, trusts }, () => ({ frame: () => {}, closed: () => {} })).catch(
    (fault: unknown) => {
      if (fault !== enough) throw fault;
    },
  );
  return seen!;
}

function passFor(credential: HeldCredential, { authority }: RelayAddress): Promise<string> {
  const { publicKey, sign } = credential;
  return signPass({ publicKey, sign, authority, nowUnixMs: Date.now(), id: randomBytes(12).toString("hex") });
}
