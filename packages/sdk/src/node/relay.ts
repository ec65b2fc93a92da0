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
  type FindResponse,
  fromBinary,
  headFrom,
  HeadsRequestSchema,
  HeadsResponseSchema,
  headWords,
  HoldError,
  toBinary,
} from "@holdfast/protocol";
import type { FoundHost, KeptByRelay, NetworkOptions } from "../api/index.ts";
import { Connection } from "../client/connection.ts";
import type { Way } from "../client/way.ts";
import { defaultKeyName, type HeldCredential, isSignedBy, openCredential } from "./keys.ts";
import {
  checkHost,
  credentialAt,
  credentialBehind,
  credentialsBehind,
  hostIdOf,
  knownHostId,
  type Place,
} from "./known-hosts.ts";
import { firstOf, HostDials, type Led, type ReachBy } from "./host-dials.ts";
import type { LookOptions } from "./network.ts";

const DEFAULT_TIMEOUT_MS = 10_000;
/** Longer than a line takes. Past it the host is asked anyway, and the relay says what is the matter. */
const LET_IN_MS = 3_000;
/** As long as a relay that is well takes to answer: who asks several waits for no more of them than that. */
const LATER_MS = 1_000;
const LOOK_MS = 20;

/** Where known_hosts has a host behind a relay. */
function relayedPlace(at: RelayedHost): Place {
  return { host: `${at.relay.authority}/${at.host}`, origin: relayedUrl(at) };
}

/** The same of an address; null for one that leads nowhere. */
export function placeBehind(url: string): Place | null {
  try {
    return relayedPlace(relayedHost(url));
  } catch {
    return null;
  }
}

/** Leads to a host behind relays: `options.url` is a `relay://` address of it, and it is asked for by the same name at `options.relays`. */
export function relayWay(home: string, options: NetworkOptions): Way {
  if (options.grant !== undefined)
    throw new HoldError("usage", "a grant can't be borne through a relay: it lets in keys, and a grant shows none");
  const ats = atsOf(options);
  const known = knownBehind(home, ats, options.trust);
  const as = options.as ?? known.as;
  const dials = new HostDials(ats, options.ca);
  let opened: HeldCredential | null = null;
  return async (resume) => {
    const credential = (opened ??= await openCredential(home, as, options.passphrase));
    await dials.turn();
    let led!: Led;
    const reachBy: ReachBy = (at, relay, accept) =>
      reach({ at, credential, trusts: (key) => known.check(at, key), relay }, accept);
    return Connection.open({
      dial: async (accept) => {
        led = await dials.link(accept, reachBy);
        return led.link;
      },
      doubts: () => dials.doubts(led),
      credential,
      verifier: {
        randomBytes: (n) => randomBytes(n),
        verify(key, words, signature) {
          if (!isSignedBy(key, words, signature)) return false;
          known.check(led.at, key);
          return true;
        },
      },
      resume,
      via: options.via ?? "sdk",
      client: options.client ?? "holdfast-sdk",
      signal: AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    });
  };
}

/** Where a host is, by each of its relays. */
function atsOf({ url, relays = [] }: Pick<NetworkOptions, "url" | "relays">): readonly RelayedHost[] {
  const first = relayedHost(url);
  const others = relays.map((relay): RelayedHost => ({ relay: relayAddress(relay), host: first.host }));
  return [first, ...others.filter(({ relay }) => relay.authority !== first.relay.authority)];
}

/** What this home knows of a host that relays lead to: who one is there, and by which key it is known. What is known at one of them is meant at all. */
function knownBehind(home: string, ats: readonly RelayedHost[], trust: string | undefined) {
  const as = firstKnown(
    ats,
    (at) => credentialAt(home, relayedPlace(at).host) ?? credentialBehind(home, at.relay.authority, at.host),
  );
  const check = (at: RelayedHost, key: Uint8Array): void => {
    const place = relayedPlace(at);
    const meant = firstKnown(ats, (each) => knownHostId(home, relayedPlace(each).host) ?? undefined);
    // An id says which key is meant; a name is the relay's to give, and is believed once it is known.
    const named = /^[0-9a-f]{32}$/.test(at.host) ? at.host : undefined;
    const elsewhere = knownHostId(home, place.host) === meant ? undefined : meant;
    checkHost(home, place, { key, trust: trust === "first" ? (elsewhere ?? trust) : (trust ?? named ?? elsewhere), as });
  };
  return { as, check };
}

function firstKnown<T>(ats: readonly RelayedHost[], knownOf: (at: RelayedHost) => T | undefined): T | undefined {
  for (const at of ats) {
    const known = knownOf(at);
    if (known !== undefined) return known;
  }
  return undefined;
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

async function found(relay: OperatorCalls, pass: string): Promise<FindResponse["hosts"]> {
  const request = Buffer.from(toBinary(FindRequestSchema, create(FindRequestSchema, { pass })));
  return fromBinary(FindResponseSchema, await relay.find(request)).hosts;
}

/**
 * The hosts that let this home in and are connected now, at any of some relays: by the credential that was named, else by all that may be of use there.
 * Those that answer no later than {@link LATER_MS} after the first are heard; rejects where none does.
 */
export async function findHosts(
  urls: readonly string[],
  { home = homeFolder(), as, passphrase, ca }: LookOptions,
): Promise<readonly FoundHost[]> {
  const usual = defaultKeyName(home);
  const made = urls.flatMap((url) => credentialsBehind(home, relayAddress(url).authority));
  const names = new Set(as === undefined ? [...made, ...(usual === null ? [] : [usual])] : [as]);
  if (names.size === 0) await openCredential(home, undefined, passphrase);
  const credentials: HeldCredential[] = [];
  // One passphrase at a time.
  for (const name of names) credentials.push(await openCredential(home, name, passphrase));
  const heard: (readonly FoundHost[])[] = [];
  const asked = urls.map(async (url, i) => {
    heard[i] = await hostsAt(url, credentials, ca);
  });
  await Promise.any(asked).catch(({ errors }: AggregateError) => Promise.reject(errors[0]));
  const late = new AbortController();
  await Promise.race([Promise.allSettled(asked), delay(LATER_MS, undefined, { signal: late.signal }).catch(() => {})]);
  late.abort();
  const all = new Map<string, FoundHost>();
  for (const host of heard.flat()) if (!all.has(host.id)) all.set(host.id, host);
  return [...all.values()];
}

async function hostsAt(
  url: string,
  credentials: readonly HeldCredential[],
  ca: string | undefined,
): Promise<readonly FoundHost[]> {
  const address = relayAddress(url);
  const relay = await openRelay(address, { ca });
  try {
    const all: FoundHost[] = [];
    for (const credential of credentials)
      for (const { id, name } of await found(relay, await passFor(credential, address))) all.push({ id, name, relay: url });
    return all;
  } finally {
    relay.close();
  }
}

/** Of a host behind relays, for whom it admits: from the first of them that answers. Heads that its key has not signed are left out. */
export async function relayHeads(
  there: Pick<NetworkOptions, "url" | "relays">,
  { home = homeFolder(), as, passphrase, ca }: LookOptions,
): Promise<KeptByRelay> {
  const ats = atsOf(there).filter(({ relay }) => !relay.isWeb);
  if (ats.length === 0) throw new HoldError("unsupported", "what a relay has kept of a host is asked at its gRPC address");
  const credential = await openCredential(home, as ?? knownBehind(home, ats, undefined).as, passphrase);
  const tries = ats.map((at) => async () => ({ at, relay: await RelayClient.open(at.relay, ca === undefined ? {} : { ca }) }));
  const { at, relay } = await firstOf(tries, LATER_MS, (late) => late.relay.close());
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
