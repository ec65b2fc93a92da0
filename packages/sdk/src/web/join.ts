/** Taking up an invitation where there is WebCrypto: a page's key becomes an operator's, or a guest's. */
import { connectWebSocket, linkUrl } from "@holdfast/carrier/websocket";
import { HoldError } from "@holdfast/protocol";
import { shakeHands } from "../client/handshake.ts";
import { parseInvite } from "../invite-text.ts";
import { credentialFrom, type KeyPair, pinnedVerifier, publicKeyOf } from "./key.ts";

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
  /** Where the host was reached. */
  readonly url: string;
  /** Raw public key of the host, which is the invitation's. */
  readonly hostKey: Uint8Array;
  /** Of a guest: the name of the one session. */
  readonly session: string | null;
}

/** Throws {@link HoldError}: `invitation_unknown`, `name_taken`, `host_key_changed`, `unreachable`, … The host that the invitation is of is spoken to, and no other. */
export async function joinByInvite({ invite, pair, ...options }: WebJoinOptions): Promise<WebJoined> {
  const { at, hostKey, token, session = null } = parseInvite(invite);
  const [credential, publicKey] = await Promise.all([credentialFrom(pair), publicKeyOf(pair)]);
  let fault = new HoldError(
    "unreachable",
    "the invitation names no address that a page can reach; ask who sent it for a wss address",
  );
  for (const url of at.filter(isLinkUrl)) {
    try {
      const { link, welcome } = await shakeHands(
        {
          dial: (accept) => connectWebSocket(linkUrl(url), accept),
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

function isLinkUrl(text: string): boolean {
  try {
    return linkUrl(text) !== null;
  } catch {
    return false;
  }
}
