/** Taking up an invitation where there is WebCrypto: a page's key becomes an operator's, or a guest's. */
import { behindRelay, connectWebSocket, linkUrl, reachPlain } from "@holdfast/carrier/websocket";
import { HoldError } from "@holdfast/protocol";
import { type Dial, shakeHands } from "../client/handshake.ts";
import { parseInvite } from "../invite-text.ts";
import { credentialFrom, type KeyPair, pinnedVerifier, publicKeyOf, sha256 } from "./key.ts";

/** An invitation, and the key that is to be known by it. */
export interface WebJoinOptions {
  /** The text, as `hold share` and `hold operator invite` print it. */
  readonly invite: string;
  /** Of `generateKeyPair`; keep it before you join. */
  readonly pair: KeyPair;
  /** Wished for, where the invitation leaves the name open. Default: the host chooses. */
  readonly name?: string;
  /** Shown in audit. Default `holdfast-sdk`. */
  readonly client?: string;
  /** For each address. Default 10 s. */
  readonly timeoutMs?: number;
}

/** Who one is there from now on, and what `connect` wants to know. */
export interface WebJoined {
  readonly operator: string;
  readonly role: string;
  /** Where the host was reached: `wss://box.example:7433`, or behind a relay `relay+wss://relay.example:7445/HOST` ({@link whereIs}). */
  readonly url: string;
  /** Raw public key of the host, which is the invitation's. */
  readonly hostKey: Uint8Array;
  /** Of a guest: the name of the one session. */
  readonly session: string | null;
}

/**
 * What `connect` wants to know of an address that an invitation names, or that {@link joinByInvite} has told: a host that listens, or one behind a
 * relay. Throws `usage` for what no page can reach.
 */
export function whereIs(address: string): { readonly url: string } | { readonly relay: string; readonly host: string } {
  return behindRelay(address) ?? { url: linkUrl(address).origin.replace(/^http/, "ws") };
}

/** Throws {@link HoldError}: `invitation_unknown`, `name_taken`, `host_key_changed`, `unreachable`, … The host that the invitation is of is spoken to, and no other. */
export async function joinByInvite({ invite, pair, ...options }: WebJoinOptions): Promise<WebJoined> {
  const { at, hostKey, token, session = null, plain = false } = parseInvite(invite);
  const [credential, publicKey] = await Promise.all([credentialFrom(pair), publicKeyOf(pair)]);
  let fault = new HoldError(
    "unreachable",
    at.some((url) => behindRelay(url))
      ? "a page reaches that host by a relay alone, which could read this invitation and use it itself: it was not shown to it; ask for one that is for a page: hold console --by-relay, hold share --by-relay"
      : "the invitation names no address that a page can reach; ask who sent it for a wss address",
  );
  // What another is worth to whoever hears it (handshake S5) no relay hears from here.
  for (const url of at.filter((address) => (behindRelay(address) ? plain : isLinkUrl(address)))) {
    try {
      const { link, welcome } = await shakeHands(
        {
          dial: dialOf(url, token),
          credential,
          verifier: pinnedVerifier(hostKey),
          // What WebCrypto made can't be read out, and signs for this page alone.
          redeem: { token, publicKey, name: options.name ?? "", protected: true },
          via: "web",
          client: options.client ?? "holdfast-sdk",
          signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
        },
        () => ({ frame: () => {}, closed: () => {} }),
      );
      link.close();
      return { operator: welcome.operator, role: welcome.role, url, hostKey, session };
    } catch (failed) {
      if (!(failed instanceof HoldError) || !["unreachable", "timed_out", "host_key_changed"].includes(failed.code)) throw failed;
      fault = failed;
    }
  }
  throw fault;
}

function dialOf(url: string, token: Uint8Array): Dial {
  const behind = behindRelay(url);
  if (!behind) return (accept) => connectWebSocket(linkUrl(url), accept);
  const { relay, host } = behind;
  return async (accept) => reachPlain({ relay, knock: { host, invited: await sha256(token) } }, accept);
}

function isLinkUrl(text: string): boolean {
  try {
    return linkUrl(text) !== null;
  } catch {
    return false;
  }
}
