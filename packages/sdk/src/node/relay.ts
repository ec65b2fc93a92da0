/** Reaching a host through a relay (docs/relay.md): inside is TLS to the host itself, by its key, which the relay can't open. */
import { createHash, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import {
  audienceOf,
  openRelay,
  type OperatorCalls,
  type RelayAddress,
  relayAddress,
  type RelayedHost,
  relayedHost,
  relayedUrl,
  RelayClient,
  reachThroughRelay,
  signPass,
} from "@holdfast/carrier/grpc";
import { homeFolder } from "@holdfast/carrier";
import type { Acceptor, Link } from "@holdfast/carrier/link";
import {
  create,
  FindRequestSchema,
  FindResponseSchema,
  type FoundHost,
  fromBinary,
  headFrom,
  HeadsRequestSchema,
  HeadsResponseSchema,
  headWords,
  HoldError,
  toBinary,
} from "@holdfast/protocol";
import type { KeptByRelay, NetworkOptions } from "../api/index.ts";
import { Connection } from "../client/connection.ts";
import type { Way } from "../client/way.ts";
import { defaultKeyName, type HeldCredential, isSignedBy, openCredential } from "./keys.ts";
import {
  checkHost,
  credentialAt,
  credentialBehind,
  credentialsBehind,
  hostIdOf,
  networkVerifier,
  type Place,
} from "./known-hosts.ts";
import type { LookOptions } from "./network.ts";
import { RelayDials } from "./relay-dials.ts";

const DEFAULT_TIMEOUT_MS = 10_000;
/** Longer than a line takes. Past it the host is asked anyway, and the relay says what is the matter. */
const LET_IN_MS = 3_000;
const LOOK_MS = 20;

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
  const as = options.as ?? credentialAt(home, place.host) ?? credentialBehind(home, at.relay.authority, at.host);
  // An id says which key is meant; a name is the relay's to give, and is believed once it is known.
  const trust = options.trust ?? (/^[0-9a-f]{32}$/.test(at.host) ? at.host : undefined);
  let opened: HeldCredential | null = null;
  const dials = new RelayDials(at.relay, options.ca);
  const trusts = (key: Uint8Array): void => checkHost(home, place, { key, trust });
  return async (resume) => {
    const credential = (opened ??= await openCredential(home, as, options.passphrase));
    await dials.turn();
    let by!: OperatorCalls;
    return Connection.open({
      dial: (accept) =>
        dials.use((relay) => {
          by = relay;
          return reach({ at, credential, trusts, relay }, accept);
        }),
      doubts: () => dials.doubts(by),
      credential,
      verifier: networkVerifier(home, place, trust),
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
  readonly trusts: (hostKey: Uint8Array) => void;
  /** Closed when the link is over, or when there is none. */
  readonly relay: OperatorCalls;
}

async function reach({ at: { relay: address, host }, credential, trusts, relay }: ReachFrom, accept: Acceptor): Promise<Link> {
  const knock = { host, pass: await passFor(credential, address) };
  return reachThroughRelay({ relay, knock, key: credential.key, trusts }, accept);
}

export interface InvitedFrom {
  readonly url: string;
  readonly credential: HeldCredential;
  readonly ca: string | undefined;
  readonly hostKey: Uint8Array;
  readonly token: Uint8Array;
}

/** As {@link reach}, for who holds an invitation and whose key nobody knows yet. */
export async function reachInvited({ url, credential, ca, hostKey, token }: InvitedFrom, accept: Acceptor): Promise<Link> {
  const at = relayedHost(url);
  const relay = await openRelay(at.relay, { ca });
  const invited = createHash("sha256").update(token).digest();
  const trusts = (key: Uint8Array): void => {
    if (Buffer.from(key).equals(hostKey)) return;
    throw new HoldError("host_key_changed", "who answers is not the host that the invitation is of; nothing was sent to it");
  };
  return reachThroughRelay({ relay, knock: { host: at.host, invited }, key: credential.key, trusts }, accept);
}

/** Waits until the relay has heard from the host that it lets a new key in: two lines lead there, and neither waits for the other. */
export async function untilLetIn({ url, credential, ca, hostKey }: Omit<InvitedFrom, "token">): Promise<void> {
  const { relay: address } = relayedHost(url);
  const id = hostIdOf(hostKey);
  const until = performance.now() + LET_IN_MS;
  const relay = await openRelay(address, { ca });
  try {
    while (performance.now() < until) {
      if ((await found(relay, await passFor(credential, address))).some((host) => host.id === id)) return;
      await delay(LOOK_MS);
    }
  } finally {
    relay.close();
  }
}

async function found(relay: OperatorCalls, pass: string): Promise<readonly FoundHost[]> {
  const request = Buffer.from(toBinary(FindRequestSchema, create(FindRequestSchema, { pass })));
  return fromBinary(FindResponseSchema, await relay.find(request)).hosts;
}

/** The hosts that let this home in and are connected there now: by the credential that was named, else by all that may be of use there. */
export async function findHosts(
  url: string,
  { home = homeFolder(), as, passphrase, ca }: LookOptions,
): Promise<readonly FoundHost[]> {
  const address = relayAddress(url);
  const usual = defaultKeyName(home);
  const names = as === undefined ? [...credentialsBehind(home, address.authority), ...(usual === null ? [] : [usual])] : [as];
  if (names.length === 0) await openCredential(home, undefined, passphrase);
  const relay = await openRelay(address, { ca });
  try {
    const all = new Map<string, FoundHost>();
    for (const name of new Set(names)) {
      const pass = await passFor(await openCredential(home, name, passphrase), address);
      for (const host of await found(relay, pass)) all.set(host.id, host);
    }
    return [...all.values()];
  } finally {
    relay.close();
  }
}

/** Of the host at a `relay://` address, for whom it admits. Heads that its key has not signed are left out. */
export async function relayHeads(url: string, { home = homeFolder(), as, passphrase, ca }: LookOptions): Promise<KeptByRelay> {
  const at = relayedHost(url);
  if (at.relay.isWeb) throw new HoldError("unsupported", "what a relay has kept of a host is asked at its gRPC address");
  const place = relayedPlace(at);
  const named = as ?? credentialAt(home, place.host) ?? credentialBehind(home, at.relay.authority, at.host);
  const credential = await openCredential(home, named, passphrase);
  const relay = await RelayClient.open(at.relay, ca === undefined ? {} : { ca });
  try {
    const pass = await passFor(credential, at.relay);
    const request = Buffer.from(toBinary(HeadsRequestSchema, create(HeadsRequestSchema, { pass, host: at.host })));
    const { host, hostKey, heads, conflicts } = fromBinary(HeadsResponseSchema, await relay.heads(request));
    const signed = heads.flatMap((wire) => {
      const head = headFrom(wire);
      return head && isSignedBy(hostKey, headWords("head", hostKey, head), head.signature) ? [head] : [];
    });
    return { hostId: host, heads: hostIdOf(hostKey) === host ? signed : [], conflicts };
  } finally {
    relay.close();
  }
}

/** Who answers for a host of a relay, by the key that it shows. */
export async function lookAtRelayed(
  url: string,
  { home = homeFolder(), as, passphrase, ca }: LookOptions,
): Promise<{ readonly address: string; readonly key: Uint8Array; readonly id: string }> {
  const at = relayedHost(url);
  const credential = await openCredential(home, as, passphrase);
  let seen: Uint8Array | null = null;
  const enough = new HoldError("cancelled", "seen");
  const trusts = (key: Uint8Array): void => {
    seen = Uint8Array.from(key);
    throw enough;
  };
  const relay = await openRelay(at.relay, { ca });
  await reach({ at, credential, trusts, relay }, () => ({ frame: () => {}, closed: () => {} })).catch((fault: unknown) => {
    if (fault !== enough) throw fault;
  });
  return { address: relayedPlace(at).host, key: seen!, id: hostIdOf(seen!) };
}

function passFor({ publicKey, sign }: HeldCredential, address: RelayAddress): Promise<string> {
  return signPass({ publicKey, sign, audience: audienceOf(address), nowUnixMs: Date.now(), id: randomBytes(12).toString("hex") });
}
